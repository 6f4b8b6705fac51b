"""The ROC curve and the area under it.

Only the order of scores matters: higher means more likely positive, ties count one half in the area, and
no threshold ever splits them. Intervals are conditional on the fitted attack: they say how its figure would
vary over new worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unlearn_audit.metrics.intervals import (
    CONFIDENCE,
    NEGLIGIBLE,
    Estimate,
    difference_of_intervals,
    few_errors,
    linear_interval,
    logit_interval,
)
from unlearn_audit.metrics.units import AnyArray, Clusters, check_rows
from unlearn_audit.metrics.variation import Variation, variation
from unlearn_audit.utils.codes import in_half
from unlearn_audit.utils.spilled import release, spilled

GUESSING = 0.5
"""AUC of an attack that knows nothing."""


@dataclass(frozen=True, eq=False)
class RocCurve:
    """The step function of an ROC, one point per distinct score and none dropped.

    Attributes
    ----------
    false_positives, true_positives : (points,) int
        How many rows of each class are called; both rise from 0 to all.
    called_from : (n,) int
        The first point at which each row is called.
    scores : (n,) float
        Of the rows.
    """

    false_positives: AnyArray
    true_positives: AnyArray
    called_from: AnyArray
    scores: AnyArray

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.false_positives)

    @property
    def thresholds(self) -> AnyArray:
        """(points,) rows that score at least this are called positive; the first, infinite, calls none."""
        thresholds = np.full(len(self), np.inf)
        thresholds[self.called_from] = self.scores
        return thresholds

    @property
    def false_positive_rate(self) -> AnyArray:
        """(points,) rises from 0 to 1."""
        return np.asarray(self.false_positives / self.false_positives[-1])

    @property
    def true_positive_rate(self) -> AnyArray:
        """(points,) rises from 0 to 1."""
        return np.asarray(self.true_positives / self.true_positives[-1])

    def rates(self, point: int) -> tuple[float, float]:
        """Return the true- and the false-positive rate at one point."""
        true, false = (float(of[point] / of[-1]) for of in (self.true_positives, self.false_positives))
        return true, false


def roc_curve(scores: AnyArray, positive: AnyArray) -> RocCurve:
    """Return the attainable pairs of false- and true-positive rates.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive.
    positive : (n,) bool
        The truth of each row.

    Raises
    ------
    AuditError
        A score is NaN, or a class has no row.

    Examples
    --------
    >>> curve = roc_curve(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    scores, positive = check_rows(scores, positive)
    n, places = _places(scores)
    # point 0 calls no row, and the last one those of the lowest score too
    called_from = np.subtract(n, places, out=places)
    of_class = (np.flatnonzero(of) for of in (~positive, positive))
    called = [np.cumsum(np.bincount(called_from[rows], minlength=n + 1)) for rows in of_class]
    false_positives, true_positives = (in_half(of, len(scores)) for of in called)
    return RocCurve(false_positives, true_positives, called_from, scores)


def _places(scores: AnyArray) -> tuple[int, AnyArray]:
    """Return how many distinct scores there are, and (n,) the place of each row's among them, ascending."""
    order = np.argsort(scores)
    ordered = scores[order]
    first = np.append(True, ordered[1:] != ordered[:-1])
    del ordered
    # in a type that holds twice as many as there are rows
    places = in_half(order, 2 * len(order))
    places[order] = np.cumsum(first, dtype=places.dtype) - 1
    return int(first.sum()), places


def delong_components(scores: AnyArray, positive: AnyArray) -> tuple[float, AnyArray]:
    """Return the AUC and, for each row, the fraction of the other class that it is ranked right against.

    Ties count one half. The components come from midranks in O(n log n): DeLong et al. 1988, computed as
    by Sun and Xu 2014.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive; checked by the caller.
    positive : (n,) bool
        The truth of each row; both classes occur.

    Returns
    -------
    auc : float
        Exact in the ranks, so that the order of rows does not matter.
    components : (n,) float
        V10 at the positives, V01 at the negatives; both average to the AUC.

    Examples
    --------
    >>> delong_components(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    (0.875, array([1.  , 0.75, 0.75, 1.  ]))
    """
    area, ranks = _ranked(scores, positive)
    return area, _components(ranks, positive)


def _ranked(scores: AnyArray, positive: AnyArray) -> tuple[float, AnyArray]:
    """Return the AUC and (n,) how many rows of the other class each one beats, twice, so that ties are whole too."""
    n_positive = int(positive.sum())
    n, places = _places(scores)
    ranks = np.empty_like(places)
    of_class = np.flatnonzero(positive), np.flatnonzero(~positive)
    for rows, others in (of_class, of_class[::-1]):
        tied = np.bincount(places[others], minlength=n)
        ranks[rows] = (2 * np.cumsum(tied) - tied)[places[rows]]
    beaten = int(ranks[of_class[0]].sum(dtype=np.int64)) / 2
    return float(beaten / (n_positive * (len(positive) - n_positive))), ranks


def _components(ranks: AnyArray, positive: AnyArray, rows: AnyArray | slice = slice(None)) -> AnyArray:
    """Return the components of `delong_components`, of some rows."""
    n_positive, truth = int(positive.sum()), positive[rows]
    components = ranks[rows] / 2
    components /= np.where(truth, len(positive) - n_positive, n_positive)
    return np.subtract(1, components, out=components, where=~truth)


def auc(scores: AnyArray, positive: AnyArray) -> float:
    """Return the area under the ROC: the chance that a positive outscores a negative, ties one half.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive.
    positive : (n,) bool
        The truth of each row.

    Raises
    ------
    AuditError
        A score is NaN, or a class has no row.

    Examples
    --------
    >>> auc(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    0.875
    """
    return _ranked(*check_rows(scores, positive))[0]


@dataclass(frozen=True, eq=False)
class Area:
    """An AUC and how it varies.

    Attributes
    ----------
    value : float
        The AUC.
    variation : Variation
        Its variation over worlds and records.
    ranks : (n,) int
        How many rows of the other class each row beats, twice.
    positive : (n,) bool
        The truth of each row.
    """

    value: float
    variation: Variation
    ranks: AnyArray
    positive: AnyArray

    @property
    def shares(self) -> AnyArray:
        """(n,) each row's contribution to its error; computed anew, as they take twice the memory of ranks."""
        return self.shares_of(slice(None))

    @property
    def spilled(self) -> Area:
        """The same with what many rows contribute in a file."""
        return replace(self, ranks=spilled(self.ranks))

    @property
    def settled(self) -> Area:
        """The same without what its rows contribute, which takes memory."""
        return replace(self, ranks=self.ranks[:0], positive=self.positive[:0])

    def shares_of(self, rows: AnyArray | slice) -> AnyArray:
        """Return the shares of some rows."""
        found = _shares(self.value, self.ranks, self.positive, rows)
        release(self.ranks)
        return found

    def interval(self, confidence: float = CONFIDENCE) -> Estimate:
        """Return the AUC with its interval: every interval of an AUC is made here."""
        return logit_interval(self.value, self.variation, confidence)


def auc_variation(scores: AnyArray, positive: AnyArray, clusters: Clusters | AnyArray | None = None) -> Area:
    """Return the AUC and how it varies.

    Parameters
    ----------
    scores, positive, clusters
        As in `auc_interval`.

    Raises
    ------
    AuditError
        As `auc_interval`.
    """
    scores, positive = check_rows(scores, positive)
    area, ranks = _ranked(scores, positive)
    return Area(area, variation(_shares(area, ranks, positive), positive, clusters), ranks, positive)


def _shares(area: float, ranks: AnyArray, positive: AnyArray, rows: AnyArray | slice = slice(None)) -> AnyArray:
    """Return the contributions of some rows to the error of a mean over positives plus a mean over negatives."""
    n_positive = int(positive.sum())
    shares = _components(ranks, positive, rows)
    shares -= area
    shares /= np.where(positive[rows], n_positive, len(positive) - n_positive)
    return shares


def auc_interval(
    scores: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return the AUC with an interval for new worlds and new records.

    DeLong's components are summed by world, d_w = W/n₁ Σ (V10 − A) + W/n₀ Σ (V01 − A), and
    se² = Σ d_w² / (W (W−1)) (Obuchowski 1997), with Student's t of W − 1 degrees of freedom. Records that are asked in
    several worlds add their own variance, with t of as many degrees of freedom as there are records in effect
    (`Variation`). The interval is symmetric on the logit scale; near 0 and 1 it is a binomial one (`logit_interval`).
    Worlds without positives or without negatives are allowed for. With one world, or none known, each record is its own
    unit, which is DeLong's interval; it takes t of min(n₁, n₀) − 1 degrees of freedom, the conservative limit of
    Welch's, because few rows are common and with many t is normal anyway.

    docs/validity.md has its coverage at 2 to 30 worlds and AUC 0.5 to 1, with effects of worlds and of records.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    confidence : float
        1 − α.

    Raises
    ------
    AuditError
        A score is NaN, a class has no row, or there is not one world, or one record, per row.

    Examples
    --------
    >>> scores, truth = np.arange(40) % 13, np.arange(40) % 3 == 0
    >>> estimate = auc_interval(scores, truth, np.arange(40) // 10)
    >>> round(estimate.value, 2), round(estimate.low, 2), round(estimate.high, 2)
    (0.47, 0.26, 0.68)
    """
    return auc_variation(scores, positive, clusters).interval(confidence)


def auc_difference(
    first: AnyArray,
    second: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return AUC(first) − AUC(second) on the same rows, with a paired interval.

    The differences of the components vary as in `auc_interval`, and the interval is A₁ − A₂ ± the reach, cut at −1 and
    1. Where an AUC stands so near 0 or 1 that its variance says little, or nothing varies although the rankings differ,
    the two intervals are combined instead.

    Parameters
    ----------
    first, second : (n,) float
        Two scores of the same rows, higher = more likely positive.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    confidence : float
        1 − α.

    Raises
    ------
    AuditError
        As `auc_interval`.

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> auc_difference(np.array([4.0, 3.0, 2.0, 1.0]), np.array([4.0, 2.0, 3.0, 1.0]), truth).value
    0.25
    """
    one, other = (auc_variation(scores, positive, clusters) for scores in (first, second))
    return area_difference(one, other, positive, clusters, confidence)


def area_difference(
    one: Area,
    other: Area,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return what `auc_difference` does, of AUCs that are known already."""
    value = one.value - other.value
    shares = one.shares
    shares -= other.shares
    apart = variation(shares, np.asarray(positive, dtype=bool), clusters)
    found = linear_interval(value, apart, bounds=(-1.0, 1.0), confidence=confidence)
    alike = value == 0 and not shares.any()
    scarce = any(few_errors(area.value, area.variation, confidence) for area in (one, other))
    if alike or not (scarce or apart.error < NEGLIGIBLE):
        return found
    combined = difference_of_intervals(one.interval(confidence), other.interval(confidence))
    return replace(found, low=min(found.low, combined.low), high=max(found.high, combined.high))
