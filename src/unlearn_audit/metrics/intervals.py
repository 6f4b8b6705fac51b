"""Confidence intervals: from a variation, and near 0 and 1, where errors are too few to vary."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from unlearn_audit.metrics.units import AnyArray
from unlearn_audit.metrics.variation import Variation

CONFIDENCE = 0.95
"""The confidence level of every interval, unless a caller asks for another."""

NEGLIGIBLE = 1e-12
"""A standard error below this is rounding: nothing varied."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the ends of its interval, and what they come from.

    Attributes
    ----------
    value, low, high : float
        The figure, and the ends of its interval.
    error : float
        Its standard error; NaN where the interval rests on none, infinite where nothing is known of it.
    freedom : float
        Degrees of freedom of the error; NaN where there are none.

    Examples
    --------
    >>> Estimate(0.7, 0.6, 0.8).interval
    (0.6, 0.8)
    """

    value: float
    low: float
    high: float
    error: float = math.nan
    freedom: float = math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end."""
        return self.low, self.high


def t_quantile(degrees_of_freedom: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t.

    Examples
    --------
    >>> round(t_quantile(9), 3)
    2.262
    """
    return float(special.stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def linear_interval(
    value: float,
    found: Variation,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return value ± the reach of its variation, cut at the bounds of the statistic.

    Examples
    --------
    >>> one = Variation(0.01, 9, 0.0, 0.0, 100, 100, "world", 10)
    >>> estimate = linear_interval(0.1, one, bounds=(-1.0, 1.0))
    >>> round(estimate.low, 3), round(estimate.high, 3), round(estimate.error, 3), estimate.freedom
    (-0.126, 0.326, 0.1, 9.0)
    """
    reach = found.reach(confidence)
    return Estimate(
        value, max(value - reach, bounds[0]), min(value + reach, bounds[1]), found.error, found.effective_freedom
    )


FEW_ERRORS = 2.0
"""Independent cases ranked wrong, or right, up to which an interval near 1, or 0, is a binomial one."""


def few_errors(value: float, found: Variation, confidence: float = CONFIDENCE) -> bool:
    """Return whether a proportion-like figure stands so near 0 or 1 that its variance says little."""
    return found.independent_cases(confidence) * min(value, 1 - value) <= FEW_ERRORS


def logit_interval(value: float, found: Variation, confidence: float = CONFIDENCE) -> Estimate:
    """Return the interval of a proportion-like figure, symmetric on the logit scale except near 0 and 1.

    The ends are expit(logit(v) ± reach/(v (1 − v))), so they stay inside (0, 1) and lean towards ½. Near 1 the
    variance seen says little, since a few rows hold all errors, and at 1 nothing: where at most `FEW_ERRORS` of
    the independent cases (`Variation.independent_cases`) are wrong, the interval is that of Clopper and Pearson
    (1934) for as many cases and errors, whole or not; near 0 likewise. More worlds of the same scores make it
    narrower in every case.

    Parameters
    ----------
    value : float
        The estimate v in [0, 1].
    found : Variation
        Its variation.
    confidence : float
        1 − α.

    Examples
    --------
    >>> estimate = logit_interval(0.8, Variation(0.0025, 9, 0.0, 0.0, 200, 200, "world", 10))
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (0.664, 0.89)
    >>> perfect = logit_interval(1.0, Variation(0.0, 9, 0.0, 0.0, 200, 200, "world", 10))
    >>> round(perfect.low, 3), perfect.high
    (0.982, 1.0)
    """
    error, freedom = found.error, found.effective_freedom
    if math.isinf(error):
        return Estimate(value, 0.0, 1.0, error, freedom)
    if error < NEGLIGIBLE and 0 < value < 1:
        # every row counts the same, as in scores without an order
        return Estimate(value, value, value, error, freedom)
    if few_errors(value, found, confidence):
        cases = found.independent_cases(confidence)
        return Estimate(value, *binomial_ends(value * cases, cases, confidence), error, freedom)
    centre, reach = special.logit(value), found.reach(confidence) / (value * (1 - value))
    return Estimate(value, float(special.expit(centre - reach)), float(special.expit(centre + reach)), error, freedom)


def binomial_ends(right: float, cases: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact ends of a proportion (Clopper and Pearson 1934); counts need not be whole.

    Examples
    --------
    >>> low, high = binomial_ends(10, 10)
    >>> round(low, 3), high
    (0.692, 1.0)
    """
    tail, wrong = (1 - confidence) / 2, cases - right
    low = 0.0 if right <= 0 else float(special.betaincinv(right, wrong + 1, tail))
    high = 1.0 if wrong <= 0 else float(special.betaincinv(right + 1, wrong, 1 - tail))
    return low, high


def jackknife_error(leave_one_out: AnyArray) -> float:
    """Return the jackknife's standard error, sqrt((W−1)/W Σ (θ_(w) − mean θ)²).

    Parameters
    ----------
    leave_one_out : (W,) float
        The statistic without each unit in turn.

    Examples
    --------
    For a mean it is the usual standard error:

    >>> x = np.array([1.0, 2.0, 6.0])
    >>> bool(np.isclose(jackknife_error((x.sum() - x) / 2), x.std(ddof=1) / np.sqrt(3)))
    True
    """
    n = len(leave_one_out)
    spread = leave_one_out - leave_one_out.mean()
    return float(np.sqrt((n - 1) / n * (spread @ spread)))


def difference_of_intervals(first: Estimate, second: Estimate) -> Estimate:
    """Return first − second with an interval built from both intervals, by squaring and adding.

    It is for differences of which a figure stands so near 0 or 1 that its variance says little (Zou and Donner 2008).

    Examples
    --------
    >>> estimate = difference_of_intervals(Estimate(1.0, 0.7, 1.0), Estimate(0.5, 0.5, 0.5))
    >>> round(estimate.low, 3), estimate.high
    (0.2, 0.5)
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(
        value, max(value - below, -1.0), min(value + above, 1.0), math.hypot(first.error, second.error), first.freedom
    )
