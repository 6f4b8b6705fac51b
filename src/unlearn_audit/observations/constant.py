"""Columns that hold one value in every row, and take the memory of one."""

from __future__ import annotations

from typing import Any

import numpy as np
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
