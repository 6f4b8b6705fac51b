"""Observations as an Arrow table: their columns, arrays as lists of fixed size, and a header of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.table import COLUMNS, GROUP, SIGNAL, TEXTS, Observations

HEADER = b"unlearn_audit"
"""Under which key of a table's metadata the header stands."""

_LAYOUT = 1
_BAD_HEADER = "an 'unlearn_audit' header that is broken or not ours; write it again, or drop that header"


class _Header(BaseModel):
    """What a table of ours says of its arrays."""

    versions: int
    classes: list[str]
    partial: bool
    signals: dict[str, list[int]]
    metadata: dict[str, Any]


def to_arrow(observations: Observations, *, compact: bool = False) -> pa.Table:
    """Return observations as an Arrow table, ``compact`` with texts as codes and numbers as short as they can be."""
    n, versions, k = observations.posteriors.shape
    columns: dict[str, Any] = {
        name: _compact(observations.rows[name]) if compact else pa.array(observations.rows[name]) for name in COLUMNS
    }
    flat = pa.array(np.ascontiguousarray(observations.posteriors).reshape(-1))
    columns["posteriors"] = pa.FixedSizeListArray.from_arrays(flat, versions * k)
    for name, values in observations.signals.items():
        width = int(np.prod(values.shape[1:], dtype=int))
        columns[SIGNAL + name] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(n * width)), width)
    columns |= {GROUP + name: pa.array(values) for name, values in observations.groups.items()}
    header = {
        "layout": _LAYOUT,
        "versions": versions,
        "classes": observations.classes,
        "partial": observations.partial,
        "signals": {name: values.shape[1:] for name, values in observations.signals.items()},
        "metadata": dict(observations.metadata),
    }
    return pa.table(columns).replace_schema_metadata({HEADER: json.dumps(header).encode()})


def parts_of(table: pa.Table, path: Path) -> dict[str, Any]:
    """Return what `Observations.create` takes from an Arrow table that has a header of ours.

    Raises
    ------
    AuditError
        If the header is not one of ours or does not fit the table; ``path`` names it in the message.
    """
    header = _parse_header((table.schema.metadata or {}).get(HEADER, b""), path)

    def array(name: str, shape: list[int]) -> npt.NDArray[Any]:
        try:
            return np.asarray(table[name].combine_chunks().flatten()).reshape(table.num_rows, *shape)
        except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            raise AuditError(
                f"{path} has no column '{name}' with {' x '.join(map(str, shape))} numbers a row, as its header says; "
                "write it again"
            ) from error

    return {
        "columns": {name: _values(table[name]) for name in COLUMNS if name in table.column_names},
        "posteriors": array("posteriors", [header.versions, len(header.classes)]),
        "classes": header.classes,
        "partial": header.partial,
        "signals": {name: array(SIGNAL + name, shape) for name, shape in header.signals.items()},
        "metadata": header.metadata,
        "groups": {
            name.removeprefix(GROUP): table[name].to_pandas() for name in table.column_names if name.startswith(GROUP)
        },
    }


def _compact(column: pd.Series[Any]) -> pa.Array:
    values = column.to_numpy()
    if column.name in TEXTS:
        codes, known = pd.factorize(values)
        return pa.DictionaryArray.from_arrays(_short(codes), pa.array(known, type=pa.string()))
    return pa.array(values if values.dtype == bool else _short(values))


def _short(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.signedinteger[Any]]:
    """Return whole numbers in the shortest type that holds them all."""
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    types = (np.int8, np.int16, np.int32, np.int64)
    return numbers.astype(next(t for t in types if np.iinfo(t).min <= low and high <= np.iinfo(t).max))


def _values(column: pa.ChunkedArray) -> Any:
    """Return a column for a frame: coded texts as the objects that they stand for."""
    if pa.types.is_dictionary(column.type) and not column.null_count:
        coded = column.combine_chunks()
        return np.array(coded.dictionary.to_pylist(), dtype=object)[np.asarray(coded.indices)]
    return column.to_pandas()


def _parse_header(raw: bytes, path: Path) -> _Header:
    try:
        header = json.loads(raw)
        layout = header.get("layout") if isinstance(header, dict) else None
        if isinstance(layout, int) and layout > _LAYOUT:
            raise AuditError(f"{path} has layout {layout}, newer than this version reads; upgrade unlearn-audit")
        if layout == _LAYOUT:
            return _Header.model_validate(header)
    except AuditError:
        raise
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{path} has {_BAD_HEADER}") from error
    raise AuditError(f"{path} has {_BAD_HEADER}")
