"""Which parameters of ``fit`` have one value a record, and what these are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.config.blocks import WEIGHT
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.suggest import advice

FitColumns = dict[str, npt.NDArray[Any]]
"""(n,) values by the name of a parameter."""


def columns_named(given: Mapping[str, Any], columns: Any) -> list[str]:
    """Return the columns that parameters of ``fit`` name: they are no features."""
    return [value for value in given.values() if isinstance(value, str) and value in columns]


def fit_columns(given: Mapping[str, Any], frame: pd.DataFrame | None, n: int, where: str) -> FitColumns:
    """Return those of the parameters of ``fit`` that have one value a record; the others are constants.

    Parameters
    ----------
    given
        By name: a text that is the name of a column, (n,) values, or anything else.
    frame
        The (n, ...) table of the records, with all its columns; None where there is none.
    n
        How many records there are.
    where
        What the table is called in messages.

    Raises
    ------
    AuditError
        If there is no such column of weights, values are missing, or weights are no numbers.
    """
    found: FitColumns = {}
    for name, value in given.items():
        is_weight = name.split("__")[-1] == WEIGHT
        if isinstance(value, str) and frame is not None and value in frame.columns:
            found[name] = _checked(frame[value], name, f"column {value!r} of {where}", is_weight)
        elif isinstance(value, str) and is_weight:
            known = () if frame is None else map(str, frame.columns)
            raise AuditError(f"{where} has no column {value!r} for {name}; {_instead(value, list(known))}")
        elif isinstance(value, list | tuple | np.ndarray | pd.Series) and (is_weight or len(value) == n):
            if np.shape(value) != (n,):
                raise AuditError(
                    f"{name} has shape {np.shape(value)} for {n:,} records; one value per record is needed"
                )
            found[name] = _checked(pd.Series(np.asarray(value)), name, name, is_weight)
    return found


def _instead(name: str, known: list[str]) -> str:
    return advice(name, known) if known else "it has no columns with names, so give one value per record"


def _checked(values: pd.Series[Any], name: str, what: str, is_weight: bool) -> npt.NDArray[Any]:
    if values.isna().any():
        raise AuditError(
            f"{what} lacks {int(values.isna().sum()):,} of {len(values):,} values, and {name} needs one per record; "
            "fill them in, or drop those records"
        )
    if not is_weight:
        return np.asarray(values)
    if not pd.api.types.is_any_real_numeric_dtype(values.dtype) or not np.isfinite(values.to_numpy(np.float64)).all():
        raise AuditError(f"{what} holds something that is not a finite number, and {name} needs numbers")
    return values.to_numpy(np.float64)
