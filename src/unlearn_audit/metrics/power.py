"""How small an effect a run could have seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from unlearn_audit.metrics.claims import HEADLINE
from unlearn_audit.metrics.epsilon import epsilon_bound
from unlearn_audit.metrics.intervals import NEGLIGIBLE, Estimate, t_quantile
from unlearn_audit.metrics.low_fpr import MIN_EXPECTED_FALSE_POSITIVES
from unlearn_audit.metrics.roc import GUESSING

POWER = 0.8
"""The chance with which the smallest effect is seen."""


@dataclass(frozen=True)
class Power:
    """What so many rows in so many worlds can show.

    Attributes
    ----------
    auc
        The smallest AUC that the verdict would claim in 80 % of runs.
    lowest_fpr
        The lowest false-positive rate at which a true-positive rate is given.
    epsilon
        What a lower bound on epsilon could reach at most, were all rows independent.
    """

    auc: float
    lowest_fpr: float
    epsilon: float


def errors_to_claim(degrees_of_freedom: float, confidence: float = HEADLINE) -> float:
    """Return t_{.985} + t_{.8}: an effect of so many standard errors is claimed in 80 % of runs.

    The first quantile is that of an interval: by default the one by which the verdict claims a leak
    (`unlearn_audit.metrics.claims`).

    Examples
    --------
    >>> round(errors_to_claim(9), 3)
    3.457
    """
    return t_quantile(degrees_of_freedom, confidence) + float(special.stdtrit(degrees_of_freedom, POWER))


def difference_seen(claim: Estimate, confidence: float = HEADLINE) -> float | None:
    """Return the difference of two AUCs that would be claimed with a probability of 80 %, 0.5 at most.

    It is the reach of the claiming interval, enlarged as an effect has to be that is claimed in 80 % of runs; so it is
    never smaller than what the interval allows for.

    Parameters
    ----------
    claim
        The difference, with the interval by which it is claimed.
    confidence
        Of that interval.

    Returns
    -------
    float or None
        None where nothing varies.

    Examples
    --------
    >>> round(difference_seen(Estimate(0.0, -0.02, 0.02, 0.008, 9.0)), 4)
    0.0269
    >>> difference_seen(Estimate(0.0, 0.0, 0.0, 0.0, 9.0)) is None
    True
    """
    reach = max(claim.high - claim.value, claim.value - claim.low)
    if reach < NEGLIGIBLE or not math.isfinite(claim.freedom):
        return None
    return min(reach * errors_to_claim(claim.freedom, confidence) / t_quantile(claim.freedom, confidence), GUESSING)


def smallest_auc(logit_error: float, degrees_of_freedom: float) -> float:
    """Return the smallest AUC that is claimed in 80 % of runs, from the standard error of its logit.

    Examples
    --------
    >>> round(smallest_auc(0.1, 9), 3)
    0.586
    """
    return float(special.expit(errors_to_claim(degrees_of_freedom) * logit_error))


def independent_logit_error(positives: int, negatives: int) -> float:
    """Return the standard error of the logit of an AUC of a half, for untied scores of independent rows.

    It is 4 sqrt((n₁ + n₀ + 1)/(12 n₁ n₀)) (Mann and Whitney 1947).

    Examples
    --------
    >>> round(independent_logit_error(200, 4200), 4)
    0.0836
    """
    return 4 * math.sqrt((positives + negatives + 1) / (12 * positives * negatives))


def power_of(positives: int, negatives: int, worlds: int) -> Power:
    """Return what a run can show at best: rows are taken as independent, though worlds and records vary.

    Parameters
    ----------
    positives, negatives, worlds
        Rows, and the worlds that they come from; one world stands for independent rows.

    Examples
    --------
    >>> found = power_of(200, 4200, 10)
    >>> round(found.auc, 3), round(found.lowest_fpr, 4), round(found.epsilon, 2)
    (0.572, 0.0024, 7.02)
    """
    freedom = worlds - 1 if worlds > 1 else max(min(positives, negatives) - 1, 1)
    return Power(
        smallest_auc(independent_logit_error(positives, negatives), freedom),
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
