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


def in_half(numbers: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """Return whole numbers of at most ``most`` in 4 bytes each where these hold them, else as they are."""
    return numbers.astype(np.int32) if most <= np.iinfo(np.int32).max else numbers
