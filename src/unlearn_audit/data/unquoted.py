"""Texts about records without the values of records: errors of libraries quote them, and logs are read by others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w.]*\w)")
_LIST = re.compile(r"\[[^\[\]]*\]")
_LEFT_OUT = "[values left out]"

_SHORTEST = 3
"""Characters of a value below which it is looked for in quotes alone; shorter ones stand in words by chance."""


def without_values(text: str, records: Any) -> str:
    """Return a text in which values of records are replaced by the column that they stand in.

    A short number, such as an age, says nothing alone, and a text full of such numbers may speak of sizes: so numbers
    are replaced from four digits with a decimal point on, or five without, and in lists of three or more.

    Parameters
    ----------
    text
        What a library said.
    records
        (n, ...) the records that it worked on: an array, a DataFrame or a sparse matrix.

    Examples
    --------
    >>> people = pd.DataFrame({"name": ["Ada", "Bob"], "pay": [51234.5, 2.0]})
    >>> without_values("could not convert string to float: 'Ada'", people)
    "could not convert string to float: a value of column 'name'"
    >>> without_values("2 rows; row [2.0, 1, 0] and 51234.5", people)
    "2 rows; row [values left out] and a value of column 'pay'"
    """
    columns = list(_columns(records))
    for where, values in columns:
        if not _are_numbers(values):
            text = _without_texts(text, where, values)
    text = _LIST.sub(lambda found: _LEFT_OUT if len(_NUMBER.findall(found[0])) > 2 else found[0], text)
    numbers = [
        (where, values.to_numpy(dtype=float, na_value=np.nan)) for where, values in columns if _are_numbers(values)
    ]
    return _NUMBER.sub(lambda found: _of_number(found[0], numbers), text)


def _columns(records: Any) -> Iterator[tuple[str, pd.Series[Any]]]:
    if not isinstance(records, pd.DataFrame):
        # of a sparse matrix what is stored: a zero says nothing of a record
        array = records.data if issparse(records) else np.asarray(records)
        frame = pd.DataFrame(array) if array.ndim == 2 else pd.DataFrame({"0": array.reshape(-1)})
        named = "feature {}" if array.ndim == 2 else "a feature"
    else:
        frame, named = records, "column {!r}"
    for i, name in enumerate(frame.columns):
        yield f"a value of {named.format(name)}", frame.iloc[:, i]


def _are_numbers(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values)


def _without_texts(text: str, where: str, values: pd.Series[Any]) -> str:
    found = {str(value) for value in values.dropna().unique()} - {""}
    for value in sorted((value for value in found if value in text), key=len, reverse=True):
        quoted = re.escape(value)
        alone = rf"|(?<!\w){quoted}(?!\w)" if len(value) >= _SHORTEST else ""
        text = re.sub(rf"'{quoted}'|\"{quoted}\"{alone}", lambda _: where, text)
    return text


def _of_number(text: str, columns: list[tuple[str, np.ndarray[Any, Any]]]) -> str:
    digits = re.sub(r"[eE].*", "", text).lstrip("+-0.").replace(".", "")
    if len(digits) < (4 if "." in text else 5):
        return text
    value, decimals = float(text), len(re.sub(r"[eE].*", "", text).partition(".")[2])
    within = max(0.5 * 10.0**-decimals, 1e-9 * abs(value)) * 1.001 if "e" not in text.lower() else 1e-3 * abs(value)
    return next((where for where, values in columns if (np.abs(values - value) <= within).any()), text)
