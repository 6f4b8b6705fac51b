"""The formats of `columns`: how much a file of each holds, and how it is read."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.json as arrow_json
import pyarrow.parquet as arrow_parquet
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import check_amount, most_values
from unlearn_audit.utils.signatures import HEAD, refuse_separator, refuse_start

Source = Path | bytes
"""A file, or its content."""

_LINE = 1 << 26
"""Bytes of the longest header of a CSV that is read."""

_JSON_BLOCK = 1 << 24
"""Bytes that the reader of JSON lines takes at once; no line may be longer."""

# a text that is no key is taken as a whole too, so that none is looked through twice
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*+:|"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
"""The keys of a line of JSON."""

_NULL_ROW = re.compile(rb"(?:^|\})\s*+null")


@dataclass(frozen=True)
class Wanted:
    """How the columns of a file without types are read.

    Attributes
    ----------
    texts
        Columns that are text, whatever they look like.
    missing
        Texts that stand for a missing value in a CSV.
    dates
        Whether a column of dates or times is read as such; else as text.
    where
        What messages call the file.
    """

    texts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    dates: bool = True
    where: str = "the file"


@dataclass(frozen=True)
class Format:
    """A format of columns.

    Attributes
    ----------
    name
        What messages call it.
    read
        Reads a file.
    typed
        Whether a file states the type of each column.
    check
        Raises an `AuditError` before that, if a file holds more than is read or is recognised as something else.
    """

    name: str
    read: Callable[[Source, Wanted], pa.Table]
    typed: bool = False
    check: Callable[[Source, Path], None] = lambda _, __: None


def opened(source: Source) -> BinaryIO:
    """Return the content as a stream."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def size_of(source: Source) -> int:
    """Return how many bytes there are."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _refuse_others(source: Source, path: Path, *but: bytes) -> None:
    """Raise if the file starts as one of another format does."""
    with opened(source) as stream:
        refuse_start(path, stream.read(HEAD), *but)


def _check_csv(source: Source, path: Path) -> None:
    _refuse_others(source, path)
    with opened(source) as stream:
        first = stream.readline(_LINE)
        while first and not first.strip():  # the reader skips empty lines too
            first = stream.readline(_LINE)
        if len(first) == _LINE:
            raise AuditError(f"{path} has a header of more than {_LINE:,} bytes; is it a CSV, with an end to its line?")
        # the reader takes a header in any encoding
        header, second = first.decode("utf-8"), stream.readline(_LINE).decode("utf-8", errors="replace")
    refuse_separator(path, header.lstrip("\ufeff"), second)
    size = size_of(source)
    if size > most_values():  # a value takes a byte at least: that of its comma or the end of its line
        with opened(source) as stream:
            pieces = iter(lambda: stream.read(_LINE), b"")
            check_amount(path, sum(piece.count(b",") + piece.count(b"\n") for piece in pieces), size)


def _read_csv(source: Source, wanted: Wanted) -> pa.Table:
    def read(texts: Sequence[str]) -> pa.Table:
        return arrow_csv.read_csv(
            _stream(source),
            # in one thread: Arrow's pools abort a process that ends while they start, as one with a bad file does
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=block),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in texts},
                null_values=list(wanted.missing),
                strings_can_be_null=True,
            ),
        )

    # the reader takes a header that is longer than a block for none at all
    block = min(max(size_of(source), 1 << 20), _LINE)
    table = read(wanted.texts)
    dates = () if wanted.dates else _temporal(table)
    return read((*wanted.texts, *dates)) if dates else table


def _check_json_lines(source: Source, path: Path) -> None:
    _refuse_others(source, path)
    rows, names = 0, set[bytes]()
    with opened(source) as stream:
        for line in stream:
            rows += 1
            names.update(_KEY.findall(line))
            # Arrow ends the process at a row that is null
            if _NULL_ROW.search(line) and _NULL_ROW.search(_KEY.sub(b"", line)):
                raise AuditError(f"{path}: line {rows:,} holds null; write one JSON object a line")
    # every row gets a value of each key that any row has
    check_amount(path, rows * len(names), size_of(source))


def _read_json_lines(source: Source, wanted: Wanted) -> pa.Table:
    def read(texts: Sequence[str]) -> pa.Table:
        schema = pa.schema([(name, pa.string()) for name in texts])
        return arrow_json.read_json(
            _stream(source),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=_JSON_BLOCK),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema),
        )

    table = read(())
    dates = [name for name in _temporal(table) if not wanted.dates or name in wanted.texts]
    table = read(dates) if dates else table
    for name in wanted.texts:
        at = table.schema.get_field_index(name)
        if at >= 0 and (kinds.is_integer(table.schema.types[at]) or kinds.is_null(table.schema.types[at])):
            table = table.set_column(at, name, table.column(at).cast(pa.string()))
    return table


def _check_parquet(source: Source, path: Path) -> None:
    _refuse_others(source, path, b"PAR1\x15")
    with arrow_parquet.ParquetFile(_stream(source), pre_buffer=False) as file:
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
    check_amount(path, max(rows * width, sum(group.total_byte_size for group in groups) // 8), size_of(source))


def _read_parquet(source: Source, wanted: Wanted) -> pa.Table:
    with arrow_parquet.ParquetFile(_stream(source), pre_buffer=False) as file:
        texts = [
            field.name for field in file.schema_arrow if kinds.is_string(field.type) or kinds.is_binary(field.type)
        ]
    # a text that repeats lies in the file once, and is not copied until it is known how often
    with arrow_parquet.ParquetFile(_stream(source), pre_buffer=False, read_dictionary=texts) as file:
        schema = file.schema_arrow
        # one after the other, as what lies packed is otherwise held of all of them at once
        columns = [file.reader.read_column(at) for at in range(len(schema))]
    for at, (field, column) in enumerate(zip(schema, columns, strict=True)):
        if not kinds.is_dictionary(column.type):
            continue
        check_amount(
            f"{wanted.where}, in column '{field.name}',",
            max(len(column), _bytes_of_texts(column) // 8),
            size_of(source),
        )
        if field.name in texts:
            columns[at] = column.cast(column.type.value_type)
    typed = [field.with_type(column.type) for field, column in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(typed, schema.metadata))


def _bytes_of_texts(column: pa.ChunkedArray) -> int:
    """Return how many bytes a dictionary column of texts takes as plain texts."""
    if not (kinds.is_string(column.type.value_type) or kinds.is_binary(column.type.value_type)):
        return 0
    each = (pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() for chunk in column.chunks)
    return sum(total or 0 for total in each)


def _stream(source: Source) -> Any:
    return pa.BufferReader(source) if isinstance(source, bytes) else str(source)


def _temporal(table: pa.Table) -> tuple[str, ...]:
    """Return the columns of dates and times."""
    return tuple(
        name for name, kind in zip(table.column_names, table.schema.types, strict=True) if kinds.is_temporal(kind)
    )


_PARQUET = Format("Parquet", _read_parquet, typed=True, check=_check_parquet)

FORMATS: Mapping[str, Format] = {
    ".csv": Format("CSV", _read_csv, check=_check_csv),
    ".jsonl": Format("JSON lines", _read_json_lines, check=_check_json_lines),
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
"""Suffix of a file to its format."""
