"""Lower bounds on epsilon from how often an attack errs: what no (ε, δ)-indistinguishable release would allow.

If two distributions of releases are (ε, δ)-indistinguishable, every rule that calls one of them has error rates with
FPR ≥ (1 - δ - FNR)/e^ε and the same with the two exchanged (Kairouz, Oh and Viswanath 2015). Error rates are not known
but for exact binomial upper ends (Clopper and Pearson), so the bound holds with a stated confidence, and a sample
without any error still bounds them: there is a ceiling that no attack could pass. The rule's threshold is chosen on
other data (shadow worlds) than it is judged on; the largest over thresholds of the same data would be above the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.intervals import CONFIDENCE, t_quantile
from unlearn_audit.metrics.units import AnyArray, Clusters, check_rows
from unlearn_audit.utils.codes import codes_of


@dataclass(frozen=True)
class EpsilonBound:
    """A lower bound on epsilon.

    Attributes
    ----------
    value
        With the stated confidence epsilon is at least this; 0 says nothing.
    ceiling
        What a rule without any error would have reached with as many cases.
    confidence, delta
        Of the statement.
    """

    value: float
    ceiling: float
    confidence: float = CONFIDENCE
    delta: float = 0.0


def upper_rate(errors: AnyArray | float, cases: AnyArray | float, confidence: float) -> AnyArray:
    """Return the exact one-sided upper end of an error rate (Clopper and Pearson 1934); counts need not be whole.

    Examples
    --------
    >>> float(upper_rate(0, 100, 0.95).round(4))
    0.0295
    """
    wrong, n = np.asarray(errors, dtype=np.float64), np.asarray(cases, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        ends = special.betaincinv(wrong + 1, n - wrong, confidence)
    return np.asarray(np.where(wrong >= n, 1.0, ends))


def epsilon_of_rates(missed: AnyArray | float, called: AnyArray | float, delta: float = 0.0) -> AnyArray:
    """Return max(log((1 - δ - FPR)/FNR), log((1 - δ - FNR)/FPR)) of (upper ends of) the two error rates.

    Examples
    --------
    >>> float(epsilon_of_rates(0.25, 0.25).round(4)), float(epsilon_of_rates(0.5, 0.5))
    (1.0986, 0.0)
    """
    fnr, fpr = np.asarray(missed, dtype=np.float64), np.asarray(called, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        either = [np.log(np.maximum(1 - delta - a, 0)) - np.log(b) for a, b in ((fpr, fnr), (fnr, fpr))]
    return np.asarray(np.maximum(*either))


def epsilon_bound(
    missed: float,
    positives: float,
    called: float,
    negatives: float,
    *,
    delta: float = 0.0,
    confidence: float = CONFIDENCE,
) -> EpsilonBound:
    """Return the lower bound from error counts of a fixed rule on independent cases.

    Each rate has its upper end at 1 - (1 - confidence)/2, so that both hold at once. For the populations of unlearned
    and of retrained models the same bounds the epsilon of (ε, δ)-unlearning: positives are the runs of one, negatives
    those of the other.

    Parameters
    ----------
    missed, positives
        Positives that the rule did not call, of how many.
    called, negatives
        Negatives that it called, of how many.
    delta
        δ of the statement.
    confidence
        1 - α.

    Examples
    --------
    >>> bound = epsilon_bound(0, 1000, 10, 1000)
    >>> round(bound.value, 2), round(bound.ceiling, 2)
    (5.59, 5.6)
    """
    each = (1 + confidence) / 2
    rates = [(upper_rate(missed, positives, each), upper_rate(called, negatives, each))]
    rates.append((upper_rate(0, positives, each), upper_rate(0, negatives, each)))
    value, ceiling = (max(float(epsilon_of_rates(*of, delta)), 0.0) for of in rates)
    return EpsilonBound(value, ceiling, confidence, delta)


def best_threshold(scores: AnyArray, positive: AnyArray) -> float:
    """Return the threshold with the largest `epsilon_bound`, to be judged on other data.

    A row is called where it scores at least the threshold; the lowest of equals is returned.

    Examples
    --------
    >>> best_threshold(np.repeat([3.0, 1.0, 0.0], [50, 10, 90]), np.arange(150) < 50)
    3.0
    """
    scores, positive = check_rows(scores, positive)
    values, codes = np.unique(scores, return_inverse=True)
    counts = [np.bincount(codes[rows], minlength=len(values)) for rows in (positive, ~positive)]
    at_least = [np.cumsum(of[::-1])[::-1] for of in counts]
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    errors = (n_positive - at_least[0], n_positive), (at_least[1], n_negative)

    def ends(at: AnyArray) -> AnyArray:
        return np.array([upper_rate(of[at], cases, (1 + CONFIDENCE) / 2) for of, cases in errors])

    return float(values[_best_place(len(values), ends)])


_FIRST_PLACES = 257
"""Thresholds of which the bound is computed first."""

_ROUNDING = 1e-9
"""Of a bound; far more than quantiles are off."""


def _best_place(n: int, ends: Callable[[AnyArray], AnyArray]) -> int:
    """Return the lowest of n thresholds with the largest bound, from few of the quantiles that all would take.

    From one threshold to a higher one rows are missed more often and called less often. So between two thresholds no
    bound is above that of the lower one's misses with the higher one's calls; where that is below the best bound so
    far nothing in between is computed, and elsewhere the threshold in the middle.

    Parameters
    ----------
    n
        How many thresholds there are, ascending.
    ends
        From (m,) of their places to (2, m) upper ends of the rates of misses and of calls.
    """
    places = np.unique(np.linspace(0, n - 1, _FIRST_PLACES).astype(np.int64))
    missed, called = ends(places)
    while True:
        bounds = epsilon_of_rates(missed, called)
        possible = epsilon_of_rates(missed[:-1], called[1:]) >= bounds.max() - _ROUNDING
        wide = np.flatnonzero(possible & (np.diff(places) > 1))
        if not len(wide):
            return int(places[np.argmax(bounds)])
        middle = (places[wide] + places[wide + 1]) // 2
        new = (middle, *ends(middle))
        places, missed, called = (
            np.insert(of, wide + 1, more) for of, more in zip((places, missed, called), new, strict=True)
        )


def clustered_epsilon_bound(
    scores: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None,
    threshold: float,
    *,
    delta: float = 0.0,
    confidence: float = CONFIDENCE,
) -> EpsilonBound:
    """Return the lower bound where rows of one world, or of one record, vary together.

    Error counts are cut down to as many independent cases as would vary as much (`effective_cases`), by world or by
    record, whichever leaves fewer. Where neither is known, every row counts. The ceiling is that of all rows, as if
    they were independent, whatever the threshold: errors that vary little leave nearly as many.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    threshold
        Chosen on other rows.
    delta, confidence
        As in `epsilon_bound`.
    """
    scores, positive = check_rows(scores, positive)
    called = scores >= threshold
    shared = Clusters.of(clusters)
    ways = [codes for codes in (shared.worlds, shared.records) if codes is not None] or [np.zeros(len(scores))]
    missed, wrong = (
        min((effective_cases(errors, codes[rows], confidence) for codes in ways), key=lambda of: of[1])
        for errors, rows in ((~called[positive], positive), (called[~positive], ~positive))
    )
    bound = epsilon_bound(*missed, *wrong, delta=delta, confidence=confidence)
    n_positive = int(positive.sum())
    most = epsilon_bound(0, n_positive, 0, len(positive) - n_positive, delta=delta, confidence=confidence)
    return replace(bound, ceiling=most.ceiling)


def effective_cases(errors: AnyArray, clusters: AnyArray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return errors and cases as if cases were independent (Korn and Graubard 1998).

    Cases are divided by the design effect, the variance between clusters over that of independent cases, and by
    (t_{W-1}/t_{n-1})² since it is estimated from W clusters. Where all cases are alike nothing says how clusters vary,
    and each of them is one case. They are never more than there are.

    Parameters
    ----------
    errors : (n,) bool
        Whether each case is an error.
    clusters : (n,) int
        Cases of one cluster may vary together; with one cluster all are taken for independent.

    Examples
    --------
    >>> alike = effective_cases(np.array([True, True, False, False]), np.array([0, 0, 1, 1]))
    >>> bool(alike[1] < 2)
    True
    """
    wrong = np.asarray(errors, dtype=np.float64)
    codes = codes_of(np.asarray(clusters))
    n, n_clusters = len(wrong), int(codes.max()) + 1
    if n_clusters < 2:
        return float(wrong.sum()), float(n)
    rate = wrong.mean()
    if rate in (0, 1):
        return float(rate * n_clusters), float(n_clusters)
    sums = np.bincount(codes, wrong - rate)
    between = n_clusters / (n_clusters - 1) * float(sums @ sums) / n**2
    independent = rate * (1 - rate) / (n - 1)
    fewer = (t_quantile(n_clusters - 1, confidence) / t_quantile(n - 1, confidence)) ** 2
    cases = min(n / max(between / independent, 1e-12) / fewer, float(n))
    return float(rate * cases), cases


def one_run_bound(right: int, guesses: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the lower bound on a pure epsilon from guesses about canaries of one single training.

    If training is ε-indistinguishable for each canary, which is in with probability ½ independently of the others, the
    number of right ones among any guesses is at most Binomial(guesses, e^ε/(1 + e^ε)) (Steinke, Nasr and Jagielski
    2023, with δ = 0). The bound is the largest ε under which as many would be right with probability at most
    1 - confidence.

    Raises
    ------
    AuditError
        If more are right than were guessed.

    Examples
    --------
    >>> round(one_run_bound(100, 100), 2), one_run_bound(50, 100)
    (3.49, 0.0)
    """
    if not 0 <= right <= guesses or guesses < 1:
        raise AuditError(f"{right:,} right of {guesses:,} guesses cannot be; count each guess once")
    if right == 0:
        return 0.0
    # the exact lower end of the share of right guesses
    share = float(special.betaincinv(right, guesses - right + 1, 1 - confidence))
    return max(float(special.logit(share)), 0.0) if share < 1 else math.inf
