"""The columns of the table of observations: what each holds, and the checks that all of them pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import infer_dtype

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.memory import constant, once, shared

ROLES = ("deleted", "retained", "unseen", "reference")
"""What a record was to its pair of models; see the words in the documentation."""

DEFAULTS: dict[str, Any] = {
    "dataset": "",
    "side": "",
    "world": 0,
    "request": 0,
    "query": 0,
    "paper": True,
    "deleted_at": -1,
    "label": -1,
}
"""What a column holds where a file leaves it out; ``record`` then counts rows, ``deleted_at`` follows the role."""

_TOO_LARGE = 2**63
_EXACT_FLOATS = 2**53
"""Whole numbers beyond are not all floats: two of them may have become one."""

COLUMNS = ("dataset", "side", "world", "request", "record", "query", "role", "paper", "deleted_at", "label")

TEXTS = ("dataset", "side", "role")
"""The columns that hold text."""

PLAIN_ARRAYS = "biufUO"
"""Kinds of arrays that columns may be: booleans, numbers, texts, and objects where they are made in Python."""


def complete(columns: Mapping[str, Any], n: int, where: str, versions: int) -> pd.DataFrame:
    """Fill in the columns left out and bring all to their types."""
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise AuditError(f"{where} has the unknown column '{unknown[0]}'; the columns are {', '.join(COLUMNS)}")
    if "role" not in columns:
        raise AuditError(
            f"{where} has no column 'role'; each row needs one of {', '.join(ROLES)}. If the column has another name, "
            "say --column role=NAME; if the roles are in another file, add them to this one by the record"
        )
    filled: dict[str, Any] = {}
    for name in COLUMNS:
        if name in columns:
            given = columns[name]
            if isinstance(given, np.ndarray):
                check_array(given, name, where)
            # text in an array stays as it is: pandas would first make strings of its own of it
            text = isinstance(given, np.ndarray) and given.dtype.kind in "OU"
            values = pd.Series(given, dtype=object) if text else pd.Series(given, copy=False).reset_index(drop=True)
            if len(values) != n:
                raise AuditError(f"{where}: column '{name}' has {len(values)} values for {n} rows of posteriors")
        elif name == "record":
            values = pd.Series(np.arange(n))
        elif name == "deleted_at":
            # of more versions than two it is not known which update it was
            values = pd.Series(np.where((filled["role"] == "deleted") & (versions == 2), 1, -1))
        else:
            values = constant(DEFAULTS[name], n)
        filled[name] = once(_typed(values, name, where))
    return pd.DataFrame(filled, copy=False)


def check_array(given: npt.NDArray[Any], name: str, where: str) -> None:
    """Raise unless an array holds one plain value a row."""
    if given.ndim != 1:
        raise AuditError(f"{where}: column '{name}' has shape {given.shape}; one value per row is needed")
    if given.dtype.kind not in PLAIN_ARRAYS:
        raise AuditError(
            f"{where}: column '{name}' holds values of type {given.dtype}; numbers, texts, or true and false are needed"
        )


def _typed(values: pd.Series[Any], name: str, where: str) -> pd.Series[Any]:
    """Return one column in the type of its kind, or say what is wrong with it."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        # pandas has no half precision, and no bytes in the other order
        values = values.astype(np.float64 if values.dtype.kind == "f" else values.dtype.newbyteorder("="))
    right = {"dataset": object, "side": object, "role": object, "paper": bool}.get(name, np.int64)
    if values.dtype == right and (right is not object or infer_dtype(values, skipna=False) == "string"):
        return values
    if name in ("dataset", "side"):
        return shared(values.fillna("").astype(str))
    if bool(values.isna().any()):
        row = int(np.flatnonzero(values.isna().to_numpy())[0])
        raise AuditError(f"{where}: column '{name}' is empty in row {row}; every row needs a value")
    if name == "role":
        return shared(values.astype(str))
    if name == "paper":
        wrong = ~values.isin([True, False])
        if bool(wrong.any()):
            raise AuditError(f"{where}: column 'paper' holds {_shown(values[wrong])}; true and false are needed")
        return values.astype(bool)
    try:
        numbers = pd.to_numeric(values.astype(np.int64) if values.dtype == bool else values, errors="coerce")
        # beyond 64 bits a number would silently become another one
        most = _EXACT_FLOATS if numbers.dtype.kind == "f" else _TOO_LARGE
        wrong = numbers.isna() | (numbers % 1 != 0) | (numbers < -most) | (numbers >= most)
    except (TypeError, ValueError, OverflowError) as error:
        raise AuditError(f"{where}: column '{name}' holds {_shown(values)}; whole numbers are needed") from error
    if bool(wrong.any()):
        raise AuditError(
            f"{where}: column '{name}' holds {_shown(values[wrong])}; whole numbers of at most 64 bits are needed"
        )
    return numbers.astype(np.int64)


def _shown(values: pd.Series[Any]) -> str:
    """Return the first value for an error message."""
    return " ".join(str(values.iloc[0]).split())[:60]


def check_rows(rows: pd.DataFrame, n_classes: int, n_versions: int, where: str) -> None:
    """Raise unless roles, labels and versions are ones there can be."""
    unknown = ~rows["role"].isin(ROLES)
    if bool(unknown.any()):
        row = int(np.flatnonzero(unknown.to_numpy())[0])
        raise AuditError(
            f"{where}: row {row} has the role {rows['role'].iloc[row]!r}; it must be one of {', '.join(ROLES)}; "
            "translate other words with --role-value, as in --role-value deleted=removed"
        )
    for column, most in (("label", n_classes), ("deleted_at", n_versions)):
        wrong = (rows[column] < -1) | (rows[column] >= most)
        if bool(wrong.any()):
            row = int(np.flatnonzero(wrong.to_numpy())[0])
            raise AuditError(f"{where}: row {row} has {column} {rows[column].iloc[row]}; it must be -1 to {most - 1}")
