"""Exact p-values and intervals for few cases, whose chances are known because they were drawn.

Nothing here is an approximation: distributions are convolved, or their outcomes counted, or coins are tossed again. A
p-value is at most t with probability at most t, however few cases there are. `holm_adjusted` allows for several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.intervals import CONFIDENCE, binomial_ends
from unlearn_audit.utils.typing import Array, Integers, Mask

_ROUNDING = 1e-9
"""Relative slack below which two values of a statistic count as equal, which only ever makes a p-value larger."""


def proportion_interval(hits: int, cases: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided interval of a proportion (Clopper and Pearson 1934); of no cases it is (0, 1).

    Raises
    ------
    AuditError
        If there are more hits than cases.

    Examples
    --------
    >>> low, high = proportion_interval(3, 10)
    >>> round(low, 4), round(high, 4), proportion_interval(0, 0)
    (0.0667, 0.6525, (0.0, 1.0))
    """
    _check_count("hits", hits, cases)
    return binomial_ends(hits, cases, confidence)


def hits_p_value(hits: int, chances: npt.ArrayLike) -> float:
    """Return the probability of at least as many hits among independent cases, each with a chance of its own.

    Their number has a Poisson-binomial distribution, which is convolved case by case; with equal chances it is
    binomial. Only terms that are not negative are added, so that a small p-value is as precise as a large one.

    Parameters
    ----------
    hits
        How many were seen.
    chances : (n,) float
        Of each case.

    Raises
    ------
    AuditError
        If there are more hits than cases, or a chance is not between 0 and 1.

    Examples
    --------
    >>> hits_p_value(2, [0.5, 0.5, 0.5]), hits_p_value(1, [0.5, 0.25]), hits_p_value(0, [])
    (0.5, 0.625, 1.0)
    """
    of_case = np.asarray(chances, dtype=np.float64)
    _check_count("hits", hits, len(of_case))
    if not ((of_case >= 0) & (of_case <= 1)).all():
        raise AuditError("the chance of a hit must be between 0 and 1; divide how many options count by all there are")
    number = np.zeros(len(of_case) + 1)
    number[0] = 1.0
    for n, chance in enumerate(of_case, start=1):
        number[1 : n + 1] = number[1 : n + 1] * (1 - chance) + number[:n] * chance
        number[0] *= 1 - chance
    return 1.0 if hits == 0 else min(float(number[hits:].sum()), 1.0)


def rank_sum_p_value(ranks: npt.ArrayLike, options: int | Sequence[int]) -> float:
    """Return the probability that independent uniform ranks have a sum as small as the one seen.

    Ranks must be whole and uniform where nothing is known: ties have to be broken at random, independently of which
    option is right. Mean ranks of ties vary less than that, and would make small p-values too frequent; they are
    refused.

    Parameters
    ----------
    ranks : (n,) int
        From 1, the best.
    options
        How many ranks there are, for all cases or for each.

    Raises
    ------
    AuditError
        If a rank is not a whole number from 1 to the number of options.

    Examples
    --------
    >>> rank_sum_p_value([1, 1], 4), rank_sum_p_value([1, 2], 4), rank_sum_p_value([2], 4), rank_sum_p_value([], 4)
    (0.0625, 0.1875, 0.5, 1.0)
    """
    seen, most = _checked_ranks(ranks, options)
    # sums above the one seen are never needed, and n is taken away so that they start from 0
    excess = int((seen - 1).sum())
    sums = np.zeros(excess + 1)
    sums[0] = 1.0
    for of in most:
        sums = np.convolve(sums, np.full(of, 1 / of))[: excess + 1]
    return min(float(sums.sum()), 1.0)


def exposure(ranks: npt.ArrayLike, options: int | Sequence[int]) -> Array:
    """Return (n,) bits that an attacker who guesses by rank is spared: log2(options) − log2(rank).

    Carlini et al., "The Secret Sharer" (USENIX Security 2019), section 4.2. It is log2(options) for the first rank and
    0 for the last. Where nothing is known its mean is above 0, and at most 1/ln 2 = 1.44 bits.

    Parameters
    ----------
    ranks : (n,) int
        From 1, the most likely.
    options
        How many ranks there are, for all cases or for each.

    Raises
    ------
    AuditError
        If a rank is not a whole number from 1 to the number of options.

    Examples
    --------
    >>> exposure([1, 4, 16], 16).tolist()
    [4.0, 2.0, 0.0]
    """
    seen, most = _checked_ranks(ranks, options)
    return np.asarray(np.log2(most) - np.log2(seen))


def randomised_p_value(statistic: Callable[[Mask], float], ingested: Mask, draws: int, seed: int) -> float:
    """Return how often the statistic is as large when the coins are tossed again, as many cases being in as were.

    Where there are at most as many assignments as draws, all are counted. Otherwise it is (1 + those as large)/(1 +
    draws), which is valid for any number of draws (Phipson and Smyth 2010).

    Parameters
    ----------
    statistic
        From (n,) which cases are in to a number, larger for what speaks against the null; return an absolute value for
        a two-sided test.
    ingested : (n,) bool
        Which cases were in.
    draws
        How many assignments are drawn at most.
    seed
        Of the draws.

    Raises
    ------
    AuditError
        If there are no draws, or the statistic is no finite number.

    Examples
    --------
    >>> seen, answered = np.array([True, True, False, False]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> round(randomised_p_value(lambda coins: answered[coins].mean(), seen, 999, 0), 4)
    0.1667
    """
    coins = np.asarray(ingested, dtype=bool)
    if draws < 1:
        raise AuditError(f"{draws:,} draws show nothing; draw at least 1, better 999")
    seen = _number(statistic(coins))
    slack = _ROUNDING * abs(seen)
    if (there_are := math.comb(len(coins), int(coins.sum()))) <= draws:
        as_large = sum(_number(statistic(other)) >= seen - slack for other in _assignments(coins))
        return as_large / there_are
    rng = np.random.default_rng(seed)
    as_large = sum(_number(statistic(rng.permutation(coins))) >= seen - slack for _ in range(draws))
    return (1 + as_large) / (1 + draws)


def discordant_p_value(only_first: int, only_second: int) -> float:
    """Return the one-sided exact p-value of McNemar: that the first is right no more often than the second.

    Of pairs in which only one is right, either is it with probability ½ at the null; all other pairs say nothing.

    Parameters
    ----------
    only_first, only_second
        Pairs in which only that one is right.

    Raises
    ------
    AuditError
        If a count is negative.

    Examples
    --------
    >>> discordant_p_value(5, 0), discordant_p_value(2, 1), discordant_p_value(0, 0)
    (0.03125, 0.5, 1.0)
    """
    for name, count in (("only_first", only_first), ("only_second", only_second)):
        if count < 0:
            raise AuditError(f"{name} is {count:,}; a number of pairs is 0 or more")
    return hits_p_value(only_first, np.full(only_first + only_second, 0.5))


def leak_at_k(samples: int, hits: int, k: int) -> float:
    """Return the chance that at least one of k answers leaks, 1 − C(n − c, k)/C(n, k) of n sampled, c of which do.

    It is unbiased for k answers of the same agent, and shows what one most likely answer hides.

    Parameters
    ----------
    samples, hits
        Answers sampled, and those of them that leak.
    k
        Answers that an attacker sees.

    Raises
    ------
    AuditError
        If there are more hits than samples, or k is not between 1 and the samples.

    Examples
    --------
    >>> leak_at_k(4, 1, 1), leak_at_k(4, 1, 2), leak_at_k(4, 1, 4)
    (0.25, 0.5, 1.0)
    """
    _check_count("hits", hits, samples)
    if not 1 <= k <= samples:
        raise AuditError(f"{k:,} answers of {samples:,} cannot be looked at; choose k from 1 to the number of samples")
    return 1 - math.comb(samples - hits, k) / math.comb(samples, k)


def _check_count(name: str, count: int, cases: int) -> None:
    if not 0 <= count <= cases:
        raise AuditError(f"{count:,} {name} among {cases:,} cases cannot be; count each case once")


def _checked_ranks(ranks: npt.ArrayLike, options: int | Sequence[int]) -> tuple[Integers, Integers]:
    """Return (n,) ranks and (n,) how many there are of each."""
    seen = np.asarray(ranks, dtype=np.float64)
    most = np.broadcast_to(np.asarray(options, dtype=np.int64), seen.shape)
    if not ((seen == np.floor(seen)) & (seen >= 1) & (seen <= most)).all():
        raise AuditError(
            "every rank must be a whole number from 1 to the number of options; break ties at random instead of "
            "averaging them"
        )
    return seen.astype(np.int64), np.asarray(most)


def _assignments(coins: Mask) -> Iterator[Mask]:
    """Yield every assignment with as many cases in."""
    for chosen in combinations(range(len(coins)), int(coins.sum())):
        other = np.zeros(len(coins), dtype=bool)
        other[list(chosen)] = True
        yield other


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise AuditError(
            f"the statistic of a randomisation test is {value}, with which nothing compares; return a finite number"
        )
    return float(value)
