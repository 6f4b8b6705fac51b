"""A share of cases that come in worlds."""

from __future__ import annotations

import numpy as np

from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate, jackknife_error, logit_interval
from unlearn_audit.metrics.units import Array


def share(true: Array, worlds: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share of cases in which something holds, with an interval that treats worlds as independent.

    The error is the delete-one-world jackknife's, the interval `logit_interval`'s; with one world there is none.

    Parameters
    ----------
    true : (n,) bool
        Whether it holds.
    worlds : (n,) int
        The world of each case.
    confidence : float
        1 − α.

    Examples
    --------
    >>> share(np.array([True, True, False, True]), np.array([0, 0, 1, 1])).value
    0.75
    """
    holds = np.asarray(true, dtype=np.float64)
    codes = np.unique(worlds, return_inverse=True)[1].reshape(-1)
    sums, counts = np.bincount(codes, holds), np.bincount(codes)
    if len(counts) < 2:
        return Estimate(float(holds.mean()), 0.0, 1.0)
    error = jackknife_error((sums.sum() - sums) / (counts.sum() - counts))
    return logit_interval(float(holds.mean()), error, len(counts) - 1, len(counts), confidence)
