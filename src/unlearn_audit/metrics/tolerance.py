"""A bound that most of a distribution keeps to, from a sample and without knowing its shape (Wilks 1941)."""

from __future__ import annotations

import math

import numpy as np
import scipy

from unlearn_audit.utils.typing import Array


def exceedances_allowed(n: int, share: float, error: float) -> int:
    """Return how many of n draws may lie above a bound which a share keeps to; -1 if n is too small for any bound.

    It is the largest r with P(Binomial(n, 1 - share) <= r) at most ``error``.

    Examples
    --------
    >>> exceedances_allowed(58, 0.95, 0.05), exceedances_allowed(59, 0.95, 0.05), exceedances_allowed(200, 0.95, 0.05)
    (-1, 0, 4)
    """
    r = int(scipy.stats.binom.ppf(error, n, 1 - share))
    while r >= 0 and scipy.stats.binom.cdf(r, n, 1 - share) > error:
        r -= 1
    return r


def draws_needed(share: float, error: float) -> int:
    """Return the fewest draws of which the largest is such a bound.

    Examples
    --------
    >>> draws_needed(0.95, 0.05)
    59
    """
    return math.ceil(math.log(error) / math.log(share) - 1e-9)


def upper_tolerance_bound(values: Array, share: float, error: float) -> float | None:
    """Return a bound that at least ``share`` of all values keep to, but with probability ``error``; None if n is small.

    Examples
    --------
    >>> upper_tolerance_bound(np.arange(200.0), 0.95, 0.05)
    195.0
    """
    r = exceedances_allowed(len(values), share, error)
    return None if r < 0 else float(np.sort(values)[::-1][r])
