"""Means over rows that weigh positives and negatives equally, and the accuracy, which is one."""

from __future__ import annotations

import math

import numpy as np

from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate, linear_interval, logit_interval
from unlearn_audit.metrics.units import AnyArray, Clusters, check_probabilities, check_rows
from unlearn_audit.metrics.variation import Variation, variation


def _mean_and_variation(
    values: AnyArray, positive: AnyArray, clusters: Clusters | AnyArray | None
) -> tuple[float, Variation]:
    """Return ½ (mean over positives + mean over negatives) and how it varies."""
    means = np.array([values[np.flatnonzero(of)].mean() for of in (~positive, positive)])
    sizes = np.array([(~positive).sum(), positive.sum()])
    contributions = values - np.where(positive, means[1], means[0])
    contributions /= np.where(positive, sizes[1], sizes[0])
    contributions /= 2
    return float(means.mean()), variation(contributions, positive, clusters)


def class_balanced_mean(
    values: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return ½ (mean over positives + mean over negatives) with its interval for new worlds and new records.

    On rows with as many positives as negatives it is the plain mean. How it varies is summed by world and by record,
    or by single record where worlds are not known (`unlearn_audit.metrics.variation`).

    Parameters
    ----------
    values : (n,) float
        What is averaged.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    bounds : tuple of float
        The range of the mean: the interval is cut there, and is all of it where a class stands in a single
        unit.
    confidence : float
        1 − α.

    Raises
    ------
    AuditError
        A value is NaN, a class has no row, or there is not one world per row.

    Examples
    --------
    >>> class_balanced_mean(np.array([1.0, 3.0, 10.0]), np.array([True, True, False])).value
    6.0
    """
    values, positive = check_rows(values, positive)
    value, found = _mean_and_variation(values, positive, clusters)
    return linear_interval(value, found, bounds=bounds, confidence=confidence)


def class_balanced_proportion(
    values: AnyArray, positive: AnyArray, clusters: Clusters | AnyArray | None = None, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return `class_balanced_mean` of values in [0, 1], with its interval on the logit scale.

    At 10 worlds of 20 positives and 20 negatives with shared world effects, 1,000 simulations each, the
    interval covers 95.4 % where the truth is 0.77, 95.9 % at 0.956 and 97.5 % at 0.988; on the plain scale
    it would be 94.5, 92.0 and 92.6 %. With 400 negatives a world and strong world effects it covers 90 % at
    0.987, since a few worlds then hold nearly all errors. Near 0 and 1 it is a
    binomial one (`logit_interval`).

    Parameters
    ----------
    values : (n,) float
        What is averaged, in [0, 1].
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    confidence : float
        1 − α.

    Raises
    ------
    AuditError
        As `class_balanced_mean`, or a value lies outside [0, 1].

    Examples
    --------
    >>> class_balanced_proportion(np.array([1.0, 0.0, 1.0]), np.array([True, True, False])).value
    0.75
    """
    values, positive = check_probabilities(values, positive)
    value, found = _mean_and_variation(values, positive, clusters)
    return logit_interval(value, found, confidence)


def accuracy(
    confidence_positive: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
) -> Estimate:
    """Return the class-balanced accuracy of calling a row positive where its probability exceeds ½.

    A probability of exactly ½ says nothing and counts as half right, for positives and negatives alike, so
    that an attack which always answers ½ has accuracy ½ and not that of whichever way ties fall.

    Parameters
    ----------
    confidence_positive : (n,) float
        The attack's probability of positive, in [0, 1].
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.

    Raises
    ------
    AuditError
        As `class_balanced_proportion`.

    Examples
    --------
    >>> accuracy(np.array([0.9, 0.5, 0.2, 0.7]), np.array([True, True, False, False])).value
    0.625
    """
    probability, positive = check_probabilities(confidence_positive, positive)
    right = np.where(probability == 0.5, 0.5, (probability > 0.5) == positive)
    return class_balanced_proportion(right, positive, clusters)
