"""Observations as Parquet: arrays under a header of ours, or a flat table from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.flat import from_flat
from unlearn_audit.observations.messages import reason
from unlearn_audit.observations.table import COLUMNS, GROUP, SIGNAL, Observations

_HEADER = b"unlearn_audit"
_LAYOUT = 1
_BAD_HEADER = "an 'unlearn_audit' header that is broken or not ours; write it again, or drop that header"


class _Header(BaseModel):
    """What our Parquet says of its arrays."""

    versions: int
    classes: list[str]
    partial: bool
    signals: dict[str, list[int]]
    metadata: dict[str, Any]


def write_parquet(observations: Observations, to: Path | IO[bytes]) -> None:
    """Write the columns, arrays as lists of fixed size, and a header with their shapes."""
    n, versions, k = observations.posteriors.shape
    columns: dict[str, Any] = {name: pa.array(observations.rows[name]) for name in COLUMNS}
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
    table = pa.table(columns).replace_schema_metadata({_HEADER: json.dumps(header).encode()})
    texts = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
    # few of the numbers repeat, so that a dictionary of them costs more time and more bytes than they do; no reader
    # skips parts of a table by its statistics
    pq.write_table(table, to, compression="zstd", use_dictionary=texts, write_statistics=False)


def read_parquet(path: Path, content: bytes | None = None) -> Observations:
    """Read what `write_parquet` wrote, from ``content`` if that is given; without its header, a flat table."""
    try:
        with pq.ParquetFile(path if content is None else pa.BufferReader(content)) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise AuditError(f"{path} cannot be read as Parquet; write it again") from error
    repeated = [name for name in table.column_names if table.column_names.count(name) > 1]
    if repeated:
        raise AuditError(f"{path} has more than one column named '{repeated[0]}'; rename or drop one")
    metadata = table.schema.metadata or {}
    if _HEADER not in metadata:
        try:
            frame = table.to_pandas()
        except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
            raise AuditError(f"{path} cannot be read as a table ({reason(error)}); write it again") from error
        return from_flat(frame, path)
    header = _parse_header(metadata[_HEADER], path)

    def array(name: str, shape: list[int]) -> npt.NDArray[Any]:
        try:
            return np.asarray(table[name].combine_chunks().flatten()).reshape(table.num_rows, *shape)
        except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            raise AuditError(
                f"{path} has no column '{name}' with {' x '.join(map(str, shape))} numbers a row, as its header says; "
                "write it again"
            ) from error

    return Observations.create(
        {name: table[name].to_pandas() for name in COLUMNS if name in table.column_names},
        array("posteriors", [header.versions, len(header.classes)]),
        header.classes,
        partial=header.partial,
        signals={name: array(SIGNAL + name, shape) for name, shape in header.signals.items()},
        metadata=header.metadata,
        groups={
            name.removeprefix(GROUP): table[name].to_pandas() for name in table.column_names if name.startswith(GROUP)
        },
        where=str(path),
    )


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
