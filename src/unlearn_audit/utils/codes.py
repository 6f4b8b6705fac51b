"""Numbers from 0 without gaps for the different values of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_FEW_GAPS = 4
"""Numbers below this many times as many as there are values are counted."""


def codes_of(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return (n,) the place of each value among the different ones, in their order: codes from 0 without gaps.

    Values that are such codes already are returned as they are, and not copied.

    Examples
    --------
    >>> codes_of(np.array([7, 3, 7, 9])).tolist()
    [1, 0, 1, 2]
    """
    if values.dtype.kind == "i" and len(values) and values.min() >= 0 and values.max() < _FEW_GAPS * len(values):
        # counting takes no sorting
        there = np.bincount(values) > 0
        if there.all():
            return values.astype(np.intp, copy=False)
        return np.asarray((np.cumsum(there) - 1)[values])
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def codes_of_rows(rows: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return (n,) the place of each row among the different ones, in their order: what `numpy.unique` gives, sooner.

    Examples
    --------
    >>> codes_of_rows(np.array([[0.5, 2.0], [0.5, 1.0], [0.25, 9.0], [0.5, 2.0]])).tolist()
    [2, 1, 0, 2]
    """
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    codes = np.empty(len(rows), dtype=np.intp)
    codes[order] = np.cumsum(np.append(False, (ordered[1:] != ordered[:-1]).any(axis=1))[: len(rows)])
    return codes


def in_half(numbers: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """Return whole numbers of at most ``most`` in 4 bytes each where these hold them, else as they are."""
    return numbers.astype(np.int32) if most <= np.iinfo(np.int32).max else numbers
