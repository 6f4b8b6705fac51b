"""What all Arrow tables of ours share: arrays as lists of fixed size, and a header with their shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel

from unlearn_audit.errors import AuditError

HEADER = b"unlearn_audit"
"""Under which key of a table's metadata the header stands."""

_LAYOUT = 1
_BAD_HEADER = "an 'unlearn_audit' header that is broken or not ours; write it again, or drop that header"

Header = TypeVar("Header", bound=BaseModel)


def with_header(columns: dict[str, Any], header: BaseModel) -> pa.Table:
    """Return a table of some columns under a header."""
    stated = {"layout": _LAYOUT, **header.model_dump(mode="json")}
    return pa.table(columns).replace_schema_metadata({HEADER: json.dumps(stated).encode()})


def header_of(table: pa.Table, kind: type[Header], path: Path) -> Header:
    """Return the header of a table.

    Raises
    ------
    AuditError
        If it is not one of ours, of this kind; ``path`` names it in the message.
    """
    try:
        header = json.loads((table.schema.metadata or {}).get(HEADER, b""))
        layout = header.get("layout") if isinstance(header, dict) else None
        if isinstance(layout, int) and layout > _LAYOUT:
            raise AuditError(f"{path} has layout {layout}, newer than this version reads; upgrade unlearn-audit")
        if layout == _LAYOUT:
            return kind.model_validate(header)
    except AuditError:
        raise
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{path} has {_BAD_HEADER}") from error
    raise AuditError(f"{path} has {_BAD_HEADER}")


def lists(values: npt.NDArray[Any]) -> pa.FixedSizeListArray:
    """Return (n, ...) numbers as a column with a list a row."""
    width = int(np.prod(values.shape[1:], dtype=int))
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(len(values) * width)), width)


def array_of(table: pa.Table, name: str, shape: list[int], path: Path) -> npt.NDArray[Any]:
    """Return the (n, *shape) numbers of such a column.

    Raises
    ------
    AuditError
        If there is no such column; ``path`` names the table in the message.
    """
    try:
        return np.asarray(table[name].combine_chunks().flatten()).reshape(table.num_rows, *shape)
    except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise AuditError(
            f"{path} has no column '{name}' with {' x '.join(map(str, shape))} numbers per row, as its header says; "
            "write it again"
        ) from error
