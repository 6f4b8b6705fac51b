"""Columns that repeat themselves, kept in the memory of what differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def constant(value: Any, n: int) -> pd.Series[Any]:
    """Return a column of n rows that all hold one value; it takes the memory of one.

    Examples
    --------
    >>> constant("", 3).tolist()
    ['', '', '']
    """
    one = np.array(value, dtype=object if isinstance(value, str) else None)
    return pd.Series(np.broadcast_to(one, n), dtype=one.dtype, copy=False)


def once(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column that holds one value throughout as `constant` does, any other as it is."""
    array = values.to_numpy()
    return constant(array[0], len(array)) if len(array) and (array == array[0]).all() else values


def shared(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return texts as objects, one for all rows of the same text: of millions of rows each would take its own bytes."""
    codes, names = pd.factorize(texts)
    return pd.Series(np.asarray(names, dtype=object)[codes], dtype=object, copy=False)


def picked(values: pd.Series[Any], mask: npt.NDArray[Any]) -> pd.Series[Any]:
    """Return the rows of a column that a mask (booleans or positions) picks; a `constant` stays one."""
    array = values.to_numpy()
    if len(array) and array.strides == (0,):
        return constant(array[0], int(mask.sum()) if mask.dtype == bool else len(mask))
    return pd.Series(array[mask], dtype=values.dtype, copy=False)
