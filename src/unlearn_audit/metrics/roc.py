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

GUESSING = 0.5
"""AUC of an attack that knows nothing."""


@dataclass(frozen=True)
class RocCurve:
    """The step function of an ROC, one point per distinct score and none dropped.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : (points,) float
        Both rise from 0 to 1.
    thresholds : (points,) float
        Rows that score at least this are called positive; the first, infinite, calls none.
    called_from : (n,) int
        The first point at which each row is called.
    """

    false_positive_rate: AnyArray
    true_positive_rate: AnyArray
    thresholds: AnyArray
    called_from: AnyArray


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
    thresholds, codes = np.unique(-scores, return_inverse=True)
    rates = [
        np.concatenate([[0.0], np.cumsum(np.bincount(codes[rows], minlength=len(thresholds))) / rows.sum()])
        for rows in (~positive, positive)
    ]
    return RocCurve(rates[0], rates[1], np.concatenate([[np.inf], -thresholds]), codes + 1)


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
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    order = np.argsort(scores)
    ties = np.cumsum(np.append(False, scores[order][1:] != scores[order][:-1]))
    truth = positive[order]
    sizes = np.bincount(ties, truth), np.bincount(ties, ~truth)
    # below each row, and half of those that tie with it: whole and half numbers, which are exact
    beaten, beaten_by = (
        (np.cumsum(of) - of / 2)[ties[truth == is_positive]]
        for of, is_positive in ((sizes[1], True), (sizes[0], False))
    )
    components = np.empty(len(scores))
    components[order[truth]] = beaten / n_negative
    components[order[~truth]] = 1 - beaten_by / n_positive
    return float(beaten.sum() / (n_positive * n_negative)), components


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
    return delong_components(*check_rows(scores, positive))[0]


def centred_shares(components: AnyArray, positive: AnyArray, figure: float) -> AnyArray:
    """Return each row's contribution to the error of a mean over positives plus a mean over negatives."""
    sizes = np.where(positive, positive.sum(), (~positive).sum())
    return np.asarray((components - figure) / sizes)


@dataclass(frozen=True, eq=False)
class Area:
    """An AUC and how it varies.

    Attributes
    ----------
    value : float
        The AUC.
    variation : Variation
        Its variation over worlds and records.
    shares : (n,) float
        Each row's contribution to its error.
    """

    value: float
    variation: Variation
    shares: AnyArray

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
    area, components = delong_components(scores, positive)
    shares = centred_shares(components, positive, area)
    return Area(area, variation(shares, positive, clusters), shares)


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
    apart = variation(one.shares - other.shares, np.asarray(positive, dtype=bool), clusters)
    found = linear_interval(value, apart, bounds=(-1.0, 1.0), confidence=confidence)
    alike = value == 0 and np.array_equal(one.shares, other.shares)
    scarce = any(few_errors(area.value, area.variation, confidence) for area in (one, other))
    if alike or not (scarce or apart.error < NEGLIGIBLE):
        return found
    combined = difference_of_intervals(one.interval(confidence), other.interval(confidence))
    return replace(found, low=min(found.low, combined.low), high=max(found.high, combined.high))
