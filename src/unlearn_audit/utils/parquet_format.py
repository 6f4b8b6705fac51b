"""Parquet: columns that state their types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as arrow_parquet
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import check_amount
from unlearn_audit.utils.sources import ROWS_AT_ONCE, Format, Source, Wanted, for_arrow, refuse_others, size_of


@contextmanager
def _file(source: Source, wanted: Wanted, **options: Any) -> Iterator[arrow_parquet.ParquetFile]:
    with (
        for_arrow(source, wanted.where) as stream,
        arrow_parquet.ParquetFile(stream, pre_buffer=False, **options) as file,
    ):
        yield file


def _check(source: Source, wanted: Wanted) -> None:
    path = wanted.where
    refuse_others(source, path, b"PAR1\x15")
    with _file(source, wanted) as file:
        of, schema = file.metadata, file.schema_arrow
        # nothing is asked of a single column: where its metadata are damaged, Arrow ends the process
        groups = [of.row_group(at) for at in range(of.num_row_groups)]
    width = 0
    for field in schema:
        listed = kinds.is_fixed_size_list(field.type)
        if kinds.is_nested(field.type) and not (listed and not kinds.is_nested(field.type.value_type)):
            raise AuditError(
                f"{path}: column '{field.name}' holds values of kind {field.type}; numbers, texts, or true and false "
                "are needed"
            )
        width += field.type.list_size if listed else 1
    rows = max(of.num_rows, sum(group.num_rows for group in groups))
    values = max(rows * width, sum(group.total_byte_size for group in groups) // 8)
    check_amount(path, values, size_of(source), streamed=wanted.streamed)


def _read(source: Source, wanted: Wanted) -> pa.Table:
    with _file(source, wanted) as file:
        texts = [
            field.name for field in file.schema_arrow if kinds.is_string(field.type) or kinds.is_binary(field.type)
        ]
    # a text that repeats lies in the file once, and is not copied until it is known how often
    with _file(source, wanted, read_dictionary=texts) as file:
        schema = file.schema_arrow
        places = [at for at, name in enumerate(schema.names) if wanted.only is None or name in wanted.only]
        # one after the other, as what lies packed is otherwise held of all of them at once
        columns = [file.reader.read_column(at) for at in places]
    fields = [schema.field(at) for at in places]
    for at, (field, column) in enumerate(zip(fields, columns, strict=True)):
        if not kinds.is_dictionary(column.type):
            continue
        check_amount(
            f"{wanted.where}, in column '{field.name}',",
            max(len(column), _bytes_of_texts(column) // 8),
            size_of(source),
        )
        if field.name in texts:
            columns[at] = column.cast(column.type.value_type)
    typed = [field.with_type(column.type) for field, column in zip(fields, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(typed, schema.metadata))


def _bytes_of_texts(column: pa.ChunkedArray) -> int:
    """Return how many bytes a dictionary column of texts takes as plain texts."""
    if not (kinds.is_string(column.type.value_type) or kinds.is_binary(column.type.value_type)):
        return 0
    each = (pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() for chunk in column.chunks)
    return sum(total or 0 for total in each)


def _schema(source: Source, wanted: Wanted) -> pa.Schema:
    with _file(source, wanted) as file:
        return file.schema_arrow


def _blocks(source: Source, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    with _file(source, wanted) as file:
        yield from file.iter_batches(ROWS_AT_ONCE, columns=list(wanted.only or ()), use_threads=False)


PARQUET = Format("Parquet", _check, _read, _schema, _blocks, typed=True)
