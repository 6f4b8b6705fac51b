"""Observations as Parquet: arrays under a header of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from unlearn_audit.observations.arrow import array_of, header_of, lists, with_header
from unlearn_audit.observations.table import COLUMNS, GROUP, SIGNAL, TEXTS, Observations
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.spilled import release

ROWS_AT_ONCE = 1 << 17
"""Rows that are packed at once, which bounds the memory that writing takes."""


class _Header(BaseModel):
    """What our Parquet says of its arrays."""

    versions: int
    classes: list[str]
    partial: bool
    signals: dict[str, list[int]]
    metadata: dict[str, Any]


def write_parquet(observations: Observations, path: Path) -> None:
    """Write the columns, arrays as lists of fixed size, and a header with their shapes."""
    columns: dict[str, Any] = {name: pa.array(observations.rows[name]) for name in COLUMNS}
    columns["posteriors"] = lists(observations.posteriors)
    columns |= {SIGNAL + name: lists(values) for name, values in observations.signals.items()}
    columns |= {GROUP + name: pa.array(values) for name, values in observations.groups.items()}
    header = _Header(
        versions=observations.n_versions,
        classes=list(observations.classes),
        partial=observations.partial,
        signals={name: list(values.shape[1:]) for name, values in observations.signals.items()},
        metadata=dict(observations.metadata),
    )
    # few of the numbers repeat, so that a dictionary of them costs more time and more bytes than they do; no reader
    # skips parts of a table by its statistics
    pq.write_table(
        with_header(columns, header),
        path,
        compression="zstd",
        use_dictionary=list(TEXTS),
        write_statistics=False,
        row_group_size=ROWS_AT_ONCE,
    )


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame without its index, as `pandas.DataFrame.to_parquet` does, some rows at once."""
    schema = pa.Schema.from_pandas(frame[:1], preserve_index=False)
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(frame), ROWS_AT_ONCE):
            rows = frame[start : start + ROWS_AT_ONCE]
            writer.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False))
            for name in frame.columns:
                if isinstance(values := frame[name].array, pd.arrays.NumpyExtensionArray):
                    release(values.to_numpy())


def read_parquet(path: Path) -> Observations:
    """Read what `write_parquet` wrote."""
    return from_arrays(read_columns(path), path)


def from_arrays(table: pa.Table, path: Path) -> Observations:
    """Turn a table with a header of ours into observations."""
    header = header_of(table, _Header, path)
    return Observations.create(
        {name: table[name].to_pandas() for name in COLUMNS if name in table.column_names},
        array_of(table, "posteriors", [header.versions, len(header.classes)], path),
        header.classes,
        partial=header.partial,
        signals={name: array_of(table, SIGNAL + name, shape, path) for name, shape in header.signals.items()},
        metadata=header.metadata,
        groups={
            name.removeprefix(GROUP): table[name].to_pandas() for name in table.column_names if name.startswith(GROUP)
        },
        where=str(path),
    )
