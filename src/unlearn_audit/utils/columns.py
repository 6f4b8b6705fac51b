"""Files of columns, each read in the same way by every command. A file is data: nothing in it is ever executed.

A further format is one entry of `FORMATS`, with the function that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.json as arrow_json
import pyarrow.parquet as arrow_parquet
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import reason

Source = Path | bytes
"""A file, or its content."""

_JSON_BLOCK = 1 << 24
"""Bytes that the reader of JSON lines takes at once; no line may be longer."""


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
    """

    texts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    dates: bool = True


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
    """

    name: str
    read: Callable[[Source, Wanted], pa.Table]
    typed: bool = False


def _read_csv(source: Source, wanted: Wanted) -> pa.Table:
    def read(texts: Sequence[str]) -> pa.Table:
        return arrow_csv.read_csv(
            _stream(source),
            # in one thread: Arrow's pools abort a process that ends while they start, as one with a bad file does
            read_options=arrow_csv.ReadOptions(use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in texts},
                null_values=list(wanted.missing),
                strings_can_be_null=True,
            ),
        )

    _first_line(source).decode("utf-8")  # the reader takes a header in any encoding
    table = read(wanted.texts)
    dates = () if wanted.dates else _temporal(table)
    return read((*wanted.texts, *dates)) if dates else table


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
    for at, (name, kind) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        if name in wanted.texts and (kinds.is_integer(kind) or kinds.is_null(kind)):
            table = table.set_column(at, name, table[name].cast(pa.string()))
    return table


def _read_parquet(source: Source, wanted: Wanted) -> pa.Table:  # noqa: ARG001 - its columns have types
    with arrow_parquet.ParquetFile(_stream(source), pre_buffer=False) as file:
        return file.read(use_threads=False)


def _stream(source: Source) -> Any:
    return pa.BufferReader(source) if isinstance(source, bytes) else str(source)


def _first_line(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source.partition(b"\n")[0]
    with source.open("rb") as file:
        return file.readline()


def _temporal(table: pa.Table) -> tuple[str, ...]:
    """Return the columns of dates and times."""
    return tuple(
        name for name, kind in zip(table.column_names, table.schema.types, strict=True) if kinds.is_temporal(kind)
    )


_PARQUET = Format("Parquet", _read_parquet, typed=True)

FORMATS: Mapping[str, Format] = {
    ".csv": Format("CSV", _read_csv),
    ".jsonl": Format("JSON lines", _read_json_lines),
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
"""Suffix of a file to its format."""


def suffix_of(path: Path, *others: str, advice: str = "") -> str:
    """Return the suffix of a file, in lower case.

    Parameters
    ----------
    path
        The file.
    others
        Suffixes that are read beside those of `FORMATS`.
    advice
        What else can be given, for the message.

    Raises
    ------
    AuditError
        If it is a folder, or files of that suffix are not read.
    """
    if path.is_dir():
        raise AuditError(f"{path} is a folder; name one file")
    suffix = path.suffix.lower()
    known = (*FORMATS, *others)
    if suffix not in known:
        raise AuditError(
            f"{path} is not a {', '.join(known[:-1])} or {known[-1]} file; other formats (pickles above all, which can "
            f"run code) are not read, so export it to one of these{advice}"
        )
    return suffix


_EMPTY = "{} is empty; give a file with rows"


def check_file(path: Path) -> None:
    """Raise an `AuditError` unless there is a file and it holds anything."""
    if not path.is_file():
        raise AuditError(f"no file at {path}; check the path")
    if not path.stat().st_size:
        raise AuditError(_EMPTY.format(path))


def content_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    AuditError
        If there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise AuditError(f"no file at {path}; check the path")
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({reason(error)}); check who may read it") from error


def read_columns(
    path: Path,
    texts: Sequence[str] = (),
    content: bytes | None = None,
    *,
    missing: Sequence[str] = ("",),
    dates: bool = True,
) -> pa.Table:
    """Read a file of columns; its suffix tells the format.

    Parameters
    ----------
    path
        A file with a suffix of `FORMATS`. A CSV is UTF-8, separated by commas, with a header; JSON lines hold one
        object a row.
    texts
        Columns that are text, whatever they look like. Parquet states its own types.
    content
        The file's bytes, where they were read already.
    missing
        Texts that stand for a missing value in a CSV.
    dates
        Whether a column of dates or times is read as such; else as text.

    Raises
    ------
    AuditError
        If there is no such file, it cannot be read, or a column is there twice.
    """
    form = FORMATS[suffix_of(path)]
    if content is None:
        check_file(path)
    elif not content:
        raise AuditError(_EMPTY.format(path))
    try:
        table = form.read(path if content is None else content, Wanted(tuple(texts), tuple(missing), dates))
        names = table.column_names
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise AuditError(f"{path} cannot be read ({error.strerror}); check the file") from error
        raise AuditError(f"{path} cannot be read as {form.name} ({reason(error)}); export it again") from error
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise AuditError(f"{path} has more than one column named '{repeated[0]}'; rename or drop one")
    for name, kind in zip(names, table.schema.types, strict=True):
        if not form.typed and kinds.is_binary(kind):
            raise AuditError(f"column '{name}' of {path} is not UTF-8 text; save the file as UTF-8")
    return table
