"""How small an effect a run could have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from unlearn_audit.metrics.epsilon import epsilon_bound
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.metrics.low_fpr import MIN_EXPECTED_FALSE_POSITIVES

POWER = 0.8
"""The chance with which the smallest effect is seen."""


@dataclass(frozen=True)
class Power:
    """What so many rows in so many worlds can show.

    Attributes
    ----------
    auc
        The smallest AUC whose interval would exclude 0.5 in 80 % of runs; None where nothing would.
    lowest_fpr
        The lowest false-positive rate at which a true-positive rate is given.
    epsilon
        What a lower bound on epsilon could reach at most, were all rows independent.
    """

    auc: float | None
    lowest_fpr: float
    epsilon: float


def smallest_excess(error: float, degrees_of_freedom: int) -> float:
    """Return (t_{.975} + t_{.8}) · error: an effect of this size is told from none in 80 % of runs.

    Examples
    --------
    >>> round(smallest_excess(0.01, 9), 4)
    0.0315
    """
    return (t_quantile(degrees_of_freedom) + float(special.stdtrit(degrees_of_freedom, POWER))) * error


def power_of(positives: int, negatives: int, worlds: int) -> Power:
    """Return what a run can show.

    The error of an AUC of a half is sqrt((n₁ + n₀ + 1)/(12 n₁ n₀)) for untied scores of independent rows (Mann and
    Whitney 1947); what is seen is `smallest_excess` of it.

    Parameters
    ----------
    positives, negatives, worlds
        Rows, and the worlds that they come from; one world stands for independent rows.

    Examples
    --------
    >>> found = power_of(200, 4200, 10)
    >>> round(found.auc, 3), round(found.lowest_fpr, 4), round(found.epsilon, 2)
    (0.566, 0.0024, 7.02)
    """
    error = math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    freedom = worlds - 1 if worlds > 1 else max(min(positives, negatives) - 1, 1)
    smallest = 0.5 + smallest_excess(error, freedom)
    return Power(
        smallest if smallest < 1 else None,
        MIN_EXPECTED_FALSE_POSITIVES / negatives,
        epsilon_bound(0, positives, 0, negatives).ceiling,
    )


def negatives_needed(fpr: float) -> int:
    """Return how many negatives a true-positive rate at a false-positive rate needs.

    Examples
    --------
    >>> negatives_needed(0.001)
    10000
    """
    return math.ceil(MIN_EXPECTED_FALSE_POSITIVES / fpr - 1e-9)
