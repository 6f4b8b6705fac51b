"""A share of cases that come in worlds."""

from __future__ import annotations

import math

import numpy as np

from unlearn_audit.metrics.intervals import CONFIDENCE, NEGLIGIBLE, Estimate, jackknife_error, logit_interval
from unlearn_audit.metrics.units import Array


def share(true: Array, worlds: Array, *, records: Array | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share of cases in which something holds, with an interval that treats worlds as independent.

    The error is the delete-one-world jackknife's, the interval `logit_interval`'s; with one world there is none. Where
    worlds audit the same records it is two-way, by world and by record (`units.clustered_error`), with the degrees of
    freedom of the way that varies more. Where no world differs it is that of as many independent cases.

    Parameters
    ----------
    true : (n,) bool
        Whether it holds.
    worlds : (n,) int
        The world of each case.
    records : (n,) int or None
        The record of each case, where worlds audit the same ones.
    confidence : float
        1 − α.

    Examples
    --------
    >>> share(np.array([True, True, False, True]), np.array([0, 0, 1, 1])).value
    0.75
    """
    holds = np.asarray(true, dtype=np.float64)
    error, fewest = _error(holds, worlds)
    degrees_of_freedom = fewest - 1
    if records is not None and fewest > 1:
        by_record, n_records = _error(holds, records)
        cells = np.unique(np.column_stack([worlds, records]), axis=0, return_inverse=True)[1]
        both, _ = _error(holds, cells.reshape(-1))
        if by_record > error:
            degrees_of_freedom = n_records - 1
        error = math.sqrt(max(error**2 + by_record**2 - both**2, error**2, by_record**2))
        fewest = min(fewest, n_records)
    value = float(holds.mean())
    if fewest < 2:
        return Estimate(value, 0.0, 1.0)
    if error < NEGLIGIBLE:
        # equal shares in all of a few worlds are chance, and no sign that shares do not vary
        error = math.sqrt(value * (1 - value) / len(holds))
    return logit_interval(value, error, degrees_of_freedom, fewest, confidence)


def _error(holds: Array, groups: Array) -> tuple[float, int]:
    """Return the error if groups are independent, and how many there are; infinite for a single one."""
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    sums, counts = np.bincount(codes, holds), np.bincount(codes)
    if len(counts) < 2:
        return float("inf"), 1
    return jackknife_error((sums.sum() - sums) / (counts.sum() - counts)), len(counts)
