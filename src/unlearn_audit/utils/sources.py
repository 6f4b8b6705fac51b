"""A file, or its content, as a stream, unpacked where it's compressed; and how its columns are to be read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.types as kinds

from unlearn_audit.utils.signatures import HEAD, refuse_start
from unlearn_audit.utils.unpacking import compression_of, unpacked

Source = Path | bytes
"""A file, or its content."""

ROWS_AT_ONCE = 1 << 16
"""Rows that a block of a stream holds at the most."""


@dataclass(frozen=True)
class Wanted:
    """How the columns of a file are read.

    Attributes
    ----------
    where
        What messages call the file.
    texts
        Columns that are text, whatever they look like.
    missing
        Texts that stand for a missing value in a CSV.
    dates
        Whether a column of dates or times is read as such; else as text.
    only
        The columns that are read; None for all.
    streamed
        Whether the file is read piece by piece.
    delimiter, decimal, encoding
        How a text file is written, where that is known.
    """

    where: Path = Path("the file")
    texts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    dates: bool = True
    only: tuple[str, ...] | None = None
    streamed: bool = False
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Format:
    """A format of columns.

    Attributes
    ----------
    name
        What messages call it.
    check
        Raises an `AuditError` before reading, if a file holds more than is read or is recognised as something else.
    read
        Reads a file.
    schema
        Returns the columns; None where only reading the file tells.
    blocks
        Yields some columns piece by piece; None where a file is read as a whole.
    typed
        Whether a file states the type of each column.
    """

    name: str
    check: Callable[[Source, Wanted], None]
    read: Callable[[Source, Wanted], pa.Table]
    schema: Callable[[Source, Wanted], pa.Schema] | None = None
    blocks: Callable[[Source, Wanted], Iterator[pa.RecordBatch]] | None = None
    typed: bool = False


def as_stored(source: Source) -> BinaryIO:
    """Return the bytes as they lie in the file, as a stream."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def opened(source: Source, path: Path) -> IO[bytes]:
    """Return the content as a stream, unpacked where it is compressed; ``path`` names it in messages."""
    stream = as_stored(source)
    try:
        return unpacked(stream, size_of(source), path)
    except BaseException:
        stream.close()
        raise


def size_of(source: Source) -> int:
    """Return how many bytes the file takes."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


@contextmanager
def streaming(source: Source, path: Path) -> Iterator[Any]:
    """Yield what Arrow reads from start to end, unpacked on the way where it is compressed."""
    if not _is_packed(source):
        with for_arrow(source, path) as stream:
            yield stream
        return
    with opened(source, path) as held, pa.PythonFile(held, mode="r") as stream:
        yield stream


def _is_packed(source: Source) -> bool:
    with as_stored(source) as stream:
        return compression_of(stream.read(16)) is not None


def for_arrow(source: Source, path: Path) -> Any:
    """Return what Arrow reads from any place: the file, or its content where that is at hand or compressed."""
    if _is_packed(source):
        with opened(source, path) as stream:
            return pa.BufferReader(stream.read())
    return pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source))


def refuse_others(source: Source, path: Path, *but: bytes) -> None:
    """Raise if the file starts as one of another format does."""
    with opened(source, path) as stream:
        refuse_start(path, stream.read(HEAD), *but)


def chosen(table: pa.Table, wanted: Wanted) -> pa.Table:
    """Return the columns that are wanted."""
    return table if wanted.only is None else table.select(list(wanted.only))


def temporal(table: pa.Table) -> tuple[str, ...]:
    """Return the columns of dates and times."""
    types = cast(list[pa.DataType], table.schema.types)
    return tuple(name for name, kind in zip(table.column_names, types, strict=True) if kinds.is_temporal(kind))
