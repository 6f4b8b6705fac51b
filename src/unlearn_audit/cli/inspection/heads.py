"""The first rows of a large file, as a smaller file of the same format."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from unlearn_audit.utils.columns import FORMATS, suffix_of
from unlearn_audit.utils.parquet_format import PARQUET
from unlearn_audit.utils.sources import ROWS_AT_ONCE, opened

WHOLE = 1 << 26
"""Bytes up to which a file is read as a whole."""

_HEAD = 1 << 23
_TEXTS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson")


def head_of(path: Path) -> tuple[bytes | None, str | None]:
    """Return the first rows of a file, and how much of it they are in words; None and None where all is read."""
    suffix = suffix_of(path, ".npz")
    if path.stat().st_size <= WHOLE or suffix not in (*_TEXTS, *(of for of in FORMATS if FORMATS[of] is PARQUET)):
        return None, None
    if suffix in _TEXTS:
        with opened(path, path) as stream:
            held = stream.read(_HEAD)
        at = max(held.rfind(b"\n"), held.rfind(b"\r"))
        return held[: at + 1], f"its first {at + 1:,} bytes"
    with arrow_parquet.ParquetFile(path, pre_buffer=False) as file:
        batch = next(file.iter_batches(ROWS_AT_ONCE, use_threads=False))
        rows = file.metadata.num_rows
        table = pa.Table.from_batches([batch], file.schema_arrow)
    sink = pa.BufferOutputStream()
    arrow_parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes(), f"its first {len(table):,} of {rows:,} rows"
