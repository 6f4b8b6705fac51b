"""Labels that name no classes: several for each record, or numbers to be predicted as such."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from unlearn_audit.errors import AuditError

MOST_CLASSES = 1000
"""More distinct labels than these are no classes."""

_MOST_FRACTIONS = 20
"""Distinct numbers with fractions among them from which on they are quantities, and no classes that are called so."""

BIN = "bin them, as with pandas.qcut(y, 4, labels=False), and audit a classifier of the bins"


def refuse_several(y: Any, n: int) -> None:
    """Raise an `AuditError` if there are several labels a record, given how many records there are."""
    if not (sparse.issparse(y) or isinstance(y, list | tuple | np.ndarray | pd.DataFrame | pd.Series)):
        return
    shape = y.shape if sparse.issparse(y) or isinstance(y, pd.DataFrame) else _shape(y)
    if len(shape) == 2 and shape[0] == n and shape[1] != 1:
        raise AuditError(
            f"y has {shape[1] or 'several'} labels for each record, and an audit needs a classifier of one; audit one "
            "label at a time, once for each column of y"
        )


def refuse_numbers(values: npt.NDArray[Any], what: str) -> None:
    """Raise an `AuditError` if labels are quantities, given what they are called in messages.

    Numbers are where they have fractions and many are distinct.
    """
    if values.dtype.kind != "f":
        return
    finite = values[np.isfinite(values)]
    distinct = np.unique(finite)
    if len(distinct) > _MOST_FRACTIONS and (distinct != np.floor(distinct)).any():
        raise AuditError(
            f"{what} holds {len(distinct):,} distinct numbers with fractions, which are quantities, not classes; {BIN}"
        )


def _shape(y: Any) -> tuple[int, ...]:
    """Return the shape of labels; entries that are lists or sets count as a second dimension without a size."""
    if isinstance(y, np.ndarray) and not y.dtype.hasobject:
        return tuple(y.shape)
    if len(y) and all(isinstance(of, list | tuple | set | frozenset | np.ndarray) for of in y):
        lengths = {len(of) for of in y}
        return (len(y), lengths.pop() if len(lengths) == 1 else 0)
    return (len(y),)
