"""How small an effect a run could have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from unlearn_audit.metrics.epsilon import epsilon_bound
from unlearn_audit.metrics.intervals import CONFIDENCE
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


def power_of(positives: int, negatives: int, worlds: int, *, design_effect: float = 1.0) -> Power:
    """Return what a run can show.

    The error of an AUC of a half is sqrt((n₁ + n₀ + 1)/(12 n₁ n₀)) for untied scores of independent rows (Mann and
    Whitney 1947), times the root of the design effect; t_{W-1} at 0.975 plus t_{W-1} at 0.8 times it is seen.

    Parameters
    ----------
    positives, negatives, worlds
        Rows, and the worlds that they come from; one world stands for independent rows.
    design_effect
        By how much more the AUC varies than over independent rows, where that is known.

    Examples
    --------
    >>> found = power_of(200, 4200, 10)
    >>> round(found.auc, 3), round(found.lowest_fpr, 4), round(found.epsilon, 2)
    (0.566, 0.0024, 7.02)
    """
    error = math.sqrt(design_effect * (positives + negatives + 1) / (12 * positives * negatives))
    freedom = worlds - 1 if worlds > 1 else max(min(positives, negatives) - 1, 1)
    reach = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) + special.stdtrit(freedom, POWER)
    smallest = 0.5 + float(reach) * error
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
