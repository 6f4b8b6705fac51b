"""How hard records are to forget, and whether the hard ones leak more: by tenths of a score, and by rank correlation.

A difficulty is any number that each record has before the audit looks at what it leaks: how well its membership is
recognised, its per-instance loss, how far the model memorises it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.groups import FEWEST_IN_A_GROUP, OfGroup, by_group, tenths
from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate, t_quantile
from unlearn_audit.metrics.records import record_p_values
from unlearn_audit.metrics.units import AnyArray, Clusters, check_rows

DRAWS = 1000
"""Bootstrap samples of a rank correlation."""

FEWEST_RANKED = 5
"""Records, or clusters of them, below which no rank correlation is stated."""


def memorisation(right: AnyArray, trained: AnyArray, records: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return how far models memorise each record (Feldman, STOC 2020).

    It is the share of worlds in which a record's label is predicted right when it was trained on, less the share when
    it was not: 0 for a label that others teach as well, 1 for one that only the record itself teaches.

    Parameters
    ----------
    right, trained : (n,) bool
        Whether a model predicts the record's label, and whether it was trained on the record; a row a record and world.
    records : (n,) int
        Whose row it is.

    Returns
    -------
    records, memorised : (m,) int, (m,) float
        Each record that occurs in both kinds of worlds, ascending, and its figure between -1 and 1.

    Raises
    ------
    AuditError
        If no record does.

    Examples
    --------
    >>> right, trained = np.array([1, 1, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 1, 0])
    >>> found, memorised = memorisation(right, trained, np.array([4, 4, 4, 4, 9, 9]))
    >>> found.tolist(), memorised.tolist()
    ([4, 9], [0.5, 0.0])
    """
    truth, names = np.asarray(trained, dtype=bool), np.unique(records)
    code = np.searchsorted(names, records)
    counts, hits = (
        [np.bincount(code[rows], of[rows], len(names)) for rows in (truth, ~truth)]
        for of in (np.ones(len(code)), np.asarray(right, dtype=np.float64))
    )
    known = (counts[0] > 0) & (counts[1] > 0)
    if not known.any():
        raise AuditError(
            "no record is trained on in one world and left out in another, so its memorisation cannot be measured; use "
            "per-record worlds"
        )
    return names[known], hits[0][known] / counts[0][known] - hits[1][known] / counts[1][known]


def vulnerability(scores: AnyArray, positive: AnyArray, records: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return how surely the worlds tell a record where it is positive from where it is not: -log₁₀ of its p-value.

    Take the scores of an attack on other models than those whose leak is then stratified, such as the shadow worlds' or
    the originals': a tenth that is chosen by the scores that it is measured with looks as if it leaked.

    Parameters
    ----------
    scores, positive, records
        As in `record_p_values`.

    Returns
    -------
    records, vulnerabilities : (m,) int, (m,) float
        Each record that occurs in both kinds of worlds, ascending.

    Raises
    ------
    AuditError
        If no record does.

    Examples
    --------
    >>> scores, truth = np.array([3.0, 4, 5, 0, 1, 2, 1, 4, 2, 3]), np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0])
    >>> found, vulnerable = vulnerability(scores, truth, np.repeat([7, 8], [6, 4]))
    >>> found.tolist(), vulnerable.round(2).tolist()
    ([7, 8], [1.3, 0.18])
    """
    names, p_values = record_p_values(scores, positive, records)
    return names, -np.log10(p_values)


@dataclass(frozen=True)
class OfTenth:
    """What an attack reaches among records of similar difficulty.

    Attributes
    ----------
    lowest, highest : float
        The difficulties in this tenth.
    of : OfGroup
        Its rows and AUC; the group is the number of the tenth, 1 the easiest.
    """

    lowest: float
    highest: float
    of: OfGroup


def leak_by_tenth(
    scores: AnyArray, positive: AnyArray, difficulty: AnyArray, clusters: Clusters | AnyArray | None = None
) -> list[OfTenth]:
    """Return the AUC in each tenth of a difficulty, the easiest first.

    Parameters
    ----------
    scores, positive, clusters
        As in `auc_interval`.
    difficulty : (n,) float
        Of each row's record. Positives must have one. Negatives that have none (NaN), such as records that were never
        trained on and so have no loss along the training, are compared with every tenth.

    Returns
    -------
    At most ten: equal difficulties lie in one tenth. A tenth of fewer than 10 positives or negatives has no AUC.

    Raises
    ------
    AuditError
        As `auc_interval`, or if a positive has no difficulty.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hard, truth = rng.random(4000), np.arange(4000) % 2 == 0
    >>> found = leak_by_tenth(rng.normal(size=4000) + 3 * hard * truth, truth, hard)
    >>> [round(tenth.of.auc.value, 1) for tenth in (found[0], found[-1])]
    [0.5, 1.0]
    """
    scores, positive = check_rows(scores, positive)
    difficulty = np.asarray(difficulty, dtype=np.float64)
    known = ~np.isnan(difficulty)
    if not known[positive].all():
        raise AuditError(
            f"{int((~known[positive]).sum())} of {int(positive.sum())} positives have no difficulty; leave them out"
        )
    of_row = np.zeros(len(scores), dtype=np.int64)
    of_row[known] = tenths(difficulty[known])
    shared = Clusters.of(clusters)

    def made() -> Iterator[OfTenth]:
        for tenth in np.unique(of_row[known]):
            inside = (of_row == tenth) & known
            rows = inside | ~known
            group = OfGroup(int(tenth), int(positive[rows].sum()), int((~positive[rows]).sum()), None)
            if min(group.n_positive, group.n_negative) >= FEWEST_IN_A_GROUP:
                (group,) = by_group(scores[rows], positive[rows], np.full(rows.sum(), tenth), shared.take(rows))
            yield OfTenth(float(difficulty[inside].min()), float(difficulty[inside].max()), group)

    return list(made())


def rank_correlation(
    first: AnyArray,
    second: AnyArray,
    clusters: AnyArray | None = None,
    *,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
) -> Estimate:
    """Return Spearman's rank correlation with an interval.

    The standard error is that of atanh ρ over bootstrap samples of clusters, and at least √((1 + ρ²/2)/(n - 3)), that
    of as many independent rows (Bonett and Wright 2000). The interval is symmetric on the scale of atanh, by t of one
    degree of freedom less than there are clusters. There, ρ counts as 1 - 1/n at most.

    Parameters
    ----------
    first, second : (n,) float
        Two numbers of each row; equal ones share their rank.
    clusters : (n,) int or None
        What rows share: a world, a person; None where each row stands for itself.
    confidence : float
        1 - α.
    draws : int
        Bootstrap samples, the same in every run.

    Raises
    ------
    AuditError
        If the shapes differ, a number is NaN, there are fewer than five clusters, or all rows have the same number.

    Examples
    --------
    >>> x = np.arange(40.0)
    >>> found = rank_correlation(x, x + 20 * np.sin(x))
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.61, 0.33, 0.79)
    """
    if len({np.shape(of) for of in (first, second, clusters) if of is not None}) > 1:
        raise AuditError(
            f"two numbers per row, and its cluster, are needed, got {np.size(first)} and {np.size(second)}"
        )
    pair = np.stack([np.asarray(of, dtype=np.float64) for of in (first, second)])
    n = pair.shape[1]
    units = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if np.isnan(pair).any():
        raise AuditError(f"{int(np.isnan(pair).any(axis=0).sum())} of {n} rows have no number to rank; leave them out")
    n_units = len(np.unique(units))
    if n_units < FEWEST_RANKED:
        raise AuditError(
            f"a rank correlation needs at least {FEWEST_RANKED} independent records or clusters, got {n_units}"
        )
    if (pair == pair[:, :1]).all(axis=1).any():
        raise AuditError(f"all {n} rows have the same number, so there is nothing to rank them by")
    value, most = _spearman(pair), 1 - 1 / n
    rng, rows_of = np.random.default_rng(0), [np.flatnonzero(units == unit) for unit in range(n_units)]
    drawn = np.array(
        [
            _spearman(pair[:, np.concatenate([rows_of[unit] for unit in rng.integers(n_units, size=n_units)])])
            for _ in range(draws)
        ]
    )
    # a sample of equal numbers has no correlation
    spread = float(np.nanstd(np.arctanh(np.clip(drawn, -most, most)), ddof=1))
    error = max(spread, math.sqrt((1 + value**2 / 2) / (n - 3)))
    centre, reach = math.atanh(min(max(value, -most), most)), t_quantile(n_units - 1, confidence) * error
    low, high = min(math.tanh(centre - reach), value), max(math.tanh(centre + reach), value)
    return Estimate(value, low, high, error * (1 - value**2), n_units - 1)


def _spearman(pair: AnyArray) -> float:
    """Return the correlation of the ranks of (2, n) numbers; NaN where all of one row are equal."""
    ranks = scipy.stats.rankdata(pair, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    squares = np.square(ranks).sum(axis=1)
    return float(ranks[0] @ ranks[1] / math.sqrt(squares[0] * squares[1])) if squares.all() else math.nan
