"""Confidence intervals: from a standard error, from a jackknife, and where nothing varies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from unlearn_audit.metrics.units import Array, Units

CONFIDENCE = 0.95
"""The confidence level of every interval, unless a caller asks for another."""

NEGLIGIBLE = 1e-12
"""A standard error below this is rounding: nothing varied."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the ends of its interval.

    Examples
    --------
    >>> Estimate(0.7, 0.6, 0.8).interval
    (0.6, 0.8)
    """

    value: float
    low: float
    high: float
    error: float | None = None
    freedom: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end."""
        return self.low, self.high


def all_or_nothing_interval(value: float, n_units: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return the interval of a proportion that is exactly 0 or 1 in every independent unit.

    The far end is the exact binomial one: were the chance that a unit comes out whole below
    (α/2)^(1/m), m whole units in a row would have a probability below α/2.

    Parameters
    ----------
    value : float
        0 or 1.
    n_units : int
        The number m of independent units.
    confidence : float
        1 − α.

    Examples
    --------
    >>> estimate = all_or_nothing_interval(1.0, 10)
    >>> round(estimate.low, 3), estimate.high
    (0.692, 1.0)
    """
    reach = ((1 - confidence) / 2) ** (1 / n_units)
    return Estimate(1.0, reach, 1.0) if value == 1 else Estimate(0.0, 0.0, 1 - reach)


def t_quantile(degrees_of_freedom: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t.

    Examples
    --------
    >>> round(t_quantile(9), 3)
    2.262
    """
    return float(special.stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def t_interval(
    value: float,
    error: float,
    degrees_of_freedom: int,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return value ± t · error, cut at the bounds of the statistic; all of them for an infinite error.

    Examples
    --------
    >>> estimate = t_interval(0.1, 0.1, 9, bounds=(-1.0, 1.0))
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (-0.126, 0.326)
    """
    reach = t_quantile(degrees_of_freedom, confidence) * error
    return Estimate(value, max(value - reach, bounds[0]), min(value + reach, bounds[1]))


def logit_interval(
    value: float, error: float, degrees_of_freedom: int, n_units: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the interval of a proportion-like figure, symmetric on the logit scale.

    The ends are expit(logit(v) ± t · error / (v (1 − v))), so they stay inside (0, 1) and lean towards ½.

    Parameters
    ----------
    value : float
        The estimate v in [0, 1]; exactly 0 or 1 gives `all_or_nothing_interval`.
    error : float
        Its standard error; 0 gives a point, infinity gives [0, 1].
    degrees_of_freedom : int
        Of the standard error.
    n_units : int
        The number of independent units, which is used where the value is 0 or 1.
    confidence : float
        1 − α.

    Examples
    --------
    >>> estimate = logit_interval(0.8, 0.05, 9, 10)
    >>> round(estimate.low, 3), round(estimate.high, 3)
    (0.664, 0.89)
    """
    if math.isinf(error):
        return Estimate(value, 0.0, 1.0)
    if value in (0, 1):
        return all_or_nothing_interval(value, n_units, confidence)
    if error < NEGLIGIBLE:
        return Estimate(value, value, value)
    centre = special.logit(value)
    reach = t_quantile(degrees_of_freedom, confidence) * error / (value * (1 - value))
    return Estimate(value, float(special.expit(centre - reach)), float(special.expit(centre + reach)))


def jackknife_error(leave_one_out: Array) -> float:
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


def jackknife(
    statistic: Callable[[Array], float],
    units: Units,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return any smooth statistic with the t interval of its delete-one-unit jackknife.

    The statistic is computed once per unit, so this is meant for worlds; linear statistics have
    faster ways (`class_balanced_mean`).

    Parameters
    ----------
    statistic : callable
        Takes the (n,) bool mask of the rows to keep and returns a float.
    units : Units
        What is independent.
    bounds : tuple of float
        The range of the statistic.
    confidence : float
        1 − α.

    Examples
    --------
    >>> from unlearn_audit.metrics.units import independent_units
    >>> x, truth = np.array([1.0, 2.0, 6.0, 3.0]), np.array([True, False, True, False])
    >>> estimate = jackknife(lambda keep: float(x[keep].mean()), independent_units(truth, [0, 0, 1, 1]))
    >>> estimate.value
    3.0
    """
    value = float(statistic(np.ones(len(units.codes), dtype=bool)))
    if units.fewest < 2:
        return Estimate(value, *bounds)
    without = np.array([statistic(units.codes != unit) for unit in range(units.n_units)])
    error = jackknife_error(without)
    return t_interval(value, error, units.degrees_of_freedom, bounds=bounds, confidence=confidence)


def difference_of_intervals(first: Estimate, second: Estimate) -> Estimate:
    """Return first − second with an interval built from both intervals, by squaring and adding.

    It is for differences whose own variance is zero because neither figure varied (Zou and Donner 2008).

    Examples
    --------
    >>> estimate = difference_of_intervals(Estimate(1.0, 0.7, 1.0), Estimate(0.5, 0.5, 0.5))
    >>> round(estimate.low, 3), estimate.high
    (0.2, 0.5)
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, max(value - below, -1.0), min(value + above, 1.0))
