"""Text files with a row a line: CSV with any delimiter, decimal and encoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.dialects import SAMPLE, Dialect, dialect_of
from unlearn_audit.utils.limits import check_amount, most_values
from unlearn_audit.utils.sources import (
    ROWS_AT_ONCE,
    Format,
    Source,
    Wanted,
    opened,
    refuse_others,
    size_of,
    streaming,
    temporal,
)

_LINE = 1 << 26
"""Bytes of the longest header that is read."""

_BLOCK = 1 << 23
"""Bytes that are read at once of a file that is streamed."""


def dialect(source: Source, wanted: Wanted) -> Dialect:
    """Return how a text file is written."""
    with opened(source, wanted.where) as stream:
        sample = stream.read(SAMPLE)
    return dialect_of(sample, wanted.where, wanted.delimiter, wanted.decimal, wanted.encoding)


def _check(source: Source, wanted: Wanted) -> None:
    path = wanted.where
    refuse_others(source, path, b"\xff\xfe", b"\xfe\xff")
    with opened(source, path) as stream:
        first = stream.readline(_LINE)
        while first and not first.strip():  # the reader skips empty lines too
            first = stream.readline(_LINE)
        if len(first) == _LINE:
            raise AuditError(f"{path} has a header of more than {_LINE:,} bytes; is it a CSV with line ends?")
    found, most = dialect(source, wanted), most_values(streamed=wanted.streamed)
    sign = found.delimiter.encode()
    with opened(source, path) as stream:
        held = values = 0
        # a value takes a byte at least: that of its delimiter or the end of its line
        for piece in iter(lambda: stream.read(1 << 22), b""):
            held += len(piece)
            values += piece.count(sign) + piece.count(b"\n")
    if held > most:
        check_amount(path, values, size_of(source), streamed=wanted.streamed)


def _options(source: Source, wanted: Wanted, kinds: dict[str, pa.DataType], block: int) -> dict[str, Any]:
    found = dialect(source, wanted)
    return {
        # in one thread: Arrow's pools abort a process that ends while they start, as one with a bad file does
        "read_options": arrow_csv.ReadOptions(
            use_threads=False,
            block_size=block,
            skip_rows=found.skipped,
            # any other name of it would be taken through Python
            encoding="utf8" if found.encoding == "utf-8" else found.encoding,
        ),
        "parse_options": arrow_csv.ParseOptions(newlines_in_values=True, delimiter=found.delimiter),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=kinds,
            null_values=list(wanted.missing),
            strings_can_be_null=True,
            decimal_point=found.decimal,
            include_columns=list(wanted.only or ()),
        ),
    }


def _block_size(source: Source, wanted: Wanted, usual: int) -> int:
    # the reader takes a header that is longer than a block for none at all
    with opened(source, wanted.where) as stream:
        header = len(stream.readline(_LINE))
    return max(usual, min(2 * header, _LINE))


def _read(source: Source, wanted: Wanted) -> pa.Table:
    if wanted.only == ():
        return pa.table({})
    if wanted.streamed:
        return _read_by_column(source, wanted)
    block = _block_size(source, wanted, min(max(size_of(source), 1 << 20), _LINE))

    def read(texts: Sequence[str]) -> pa.Table:
        kinds = {name: pa.string() for name in texts}
        with streaming(source, wanted.where) as stream:
            return arrow_csv.read_csv(stream, **_options(source, wanted, kinds, block))

    table = read(wanted.texts)
    dates = () if wanted.dates else temporal(table)
    return read((*wanted.texts, *dates)) if dates else table


def _read_by_column(source: Source, wanted: Wanted) -> pa.Table:
    """Read a file piece by piece as texts, then find out types column by column: at once, all of it would be held."""
    names = _schema(source, wanted).names if wanted.only is None else list(wanted.only)
    block = _block_size(source, wanted, _BLOCK)
    options = _options(source, replace(wanted, only=tuple(names)), dict.fromkeys(names, pa.string()), block)
    with streaming(source, wanted.where) as stream, arrow_csv.open_csv(stream, **options) as reader:
        table = reader.read_all()
    decimal = options["convert_options"].decimal_point
    for at, name in enumerate(names):
        if name not in wanted.texts:
            table = table.set_column(at, name, _typed(table.select([name]), replace(wanted, only=None), decimal))
    return table


def _typed(column: pa.Table, wanted: Wanted, decimal: str) -> pa.ChunkedArray:
    """Return one column of texts in the type that a CSV of it alone is read in."""
    if not column.num_rows:
        return pa.chunked_array([], pa.null())
    sink = pa.BufferOutputStream()
    delimiter = ";" if decimal == "," else ","
    # next to another column, since a line without a value would be none
    beside = column.rename_columns(["x"]).append_column("y", pa.nulls(column.num_rows, pa.string()))
    arrow_csv.write_csv(beside, sink, arrow_csv.WriteOptions(delimiter=delimiter))
    alone = replace(wanted, delimiter=delimiter, decimal=decimal, encoding="utf-8", texts=(), streamed=False)
    return _read(sink.getvalue().to_pybytes(), alone).column(0)


def _schema(source: Source, wanted: Wanted) -> pa.Schema:
    options = _options(source, replace(wanted, only=None), {}, _block_size(source, wanted, _BLOCK))
    with streaming(source, wanted.where) as stream, arrow_csv.open_csv(stream, **options) as reader:
        return reader.schema


def _blocks(source: Source, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """Yield columns of numbers; from where they are no plain numbers, as texts."""
    done, block = 0, _block_size(source, wanted, _BLOCK)
    for kind in (pa.float64(), pa.string()):
        options = _options(source, wanted, dict.fromkeys(wanted.only or (), kind), block)
        try:
            with streaming(source, wanted.where) as stream, arrow_csv.open_csv(stream, **options) as reader:
                seen = 0
                for batch in reader:
                    start, seen = seen, seen + batch.num_rows
                    for at in range(max(done - start, 0), batch.num_rows, ROWS_AT_ONCE):
                        piece = batch.slice(at, ROWS_AT_ONCE)
                        done += piece.num_rows
                        yield piece
            return
        except pa.ArrowInvalid as error:
            if kind == pa.string() or "conversion error" not in str(error):
                raise


CSV = Format("CSV", _check, _read, _schema, _blocks)
