"""What a file holds, whatever it is called: tables, text, or something that cannot be looked into. Nothing is executed.

The first bytes say what a file is, so a copy under another name is read as what it is.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import read_packed
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.spreadsheet import rows_of_csv

WHO = ("record", "person", "subject")
"""The columns of our tables that say whose a row is; ``subject`` is what an earlier version called a person."""

_LARGEST = 1 << 31
"""Bytes to which a compressed file may grow."""

_DEPTH = 4
"""How many archives may lie inside each other."""


@dataclass
class Content:
    """What a file holds.

    Attributes
    ----------
    tables
        With every column, whether or not one says whose a row is.
    texts
        Of text files and members of archives.
    raw
        The bytes of the file and of all that is packed in it.
    opaque
        Why something in it cannot be looked into; None where everything was.
    """

    tables: list[pa.Table] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    opaque: str | None = None

    @classmethod
    def of(cls, content: bytes) -> Content:
        """Look into some bytes."""
        found = cls()
        try:
            found._add(content, 0)
        except _BROKEN as error:
            found.opaque = f"cannot be read ({reason(error) or type(error).__name__})"
        return found

    def _add(self, content: bytes, depth: int) -> None:
        if not content:
            return
        self.raw.append(content)
        if depth > _DEPTH:
            raise ValueError("too many archives inside each other")
        for start, unpack in _PACKED.items():
            if content.startswith(start):
                self._add(_bounded(unpack, content), depth + 1)
                return
        if content.startswith(b"PAR1"):
            self.tables.append(pq.read_table(pa.BufferReader(content)))
        elif content.startswith(b"ARROW1"):
            self.tables.append(_arrow(content))
        elif content.startswith(b"PK\x03\x04"):
            self._add_archive(content, depth)
        elif content.startswith(b"\x93NUMPY"):
            self.tables += _table_of({"values": np.load(io.BytesIO(content), allow_pickle=False)})
        else:
            self._add_text(content)

    def _add_archive(self, content: bytes, depth: int) -> None:
        arrays = {}
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                if member.file_size > _LARGEST:
                    raise ValueError("a member is too large")
                inside = archive.read(member)
                if inside.startswith(b"\x93NUMPY"):
                    self.raw.append(inside)
                    arrays[member.filename.removesuffix(".npy")] = np.load(io.BytesIO(inside), allow_pickle=False)
                else:
                    self._add(inside, depth + 1)
        self.tables += _table_of(arrays)

    def _add_text(self, content: bytes) -> None:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            text = content.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            self.opaque = "is neither a table nor text that can be read"
            return
        table = _from_text(text)
        if table is None:
            self.texts.append(text)
        else:
            self.tables.append(table)

    @property
    def of_rows(self) -> list[pa.Table]:
        """The tables with a column that says whose a row is."""
        return [table for table in self.tables if any(name in table.column_names for name in WHO)]


def read_csv(content: bytes) -> pa.Table:
    """Return a CSV as a table of texts, so that an id of digits stays what it is.

    Raises
    ------
    ValueError, csv.Error
        If it is none.
    """
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return _table_of_texts(header, rows)


def write_csv(table: pa.Table) -> str:
    """Return the text of a CSV that `read_csv` reads."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return rows_of_csv([table.column_names, *rows])


def _table_of_texts(header: list[str], rows: list[list[str]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(header, columns, strict=True)})


def _from_text(text: str) -> pa.Table | None:
    """Return lines with columns that say whose they are, between commas, semicolons or tabs or as JSON, as a table."""
    first = text.partition("\n")[0]
    for delimiter in ",;\t|":
        header = next(csv.reader([first], delimiter=delimiter), [])
        if any(name.strip() in WHO for name in header):
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
            try:
                return _table_of_texts([name.strip() for name in header], rows[1:])
            except ValueError:
                return None
    if first.lstrip().startswith("{"):
        try:
            lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return None
        if all(isinstance(line, dict) and any(name in line for name in WHO) for line in lines):
            names = [name for name in WHO if any(name in line for line in lines)]
            return pa.table({name: pa.array([_text(line.get(name)) for line in lines], pa.string()) for name in names})
    return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _arrow(content: bytes) -> pa.Table:
    try:
        return read_packed(content, whole=True)
    except AuditError:  # an Arrow file that is no world of ours
        return read_packed(content)


def _table_of(arrays: Mapping[str, npt.NDArray[Any]]) -> list[pa.Table]:
    """Return arrays of one dimension as tables of one column each, and those of rows together."""
    flat = {name: values for name, values in arrays.items() if values.ndim <= 1 and values.dtype.kind in "iuUSbf"}
    columns = {name: pa.array(np.atleast_1d(values.astype(str))) for name, values in flat.items()}
    who = {name: column for name, column in columns.items() if name in WHO}
    n = {len(column) for column in who.values()}
    rows = {name: column for name, column in columns.items() if n == {len(column)}}
    others = [pa.table({name: column}) for name, column in columns.items() if name not in rows]
    return [pa.table(rows), *others] if rows else others


def _bounded(unpack: Callable[[io.BytesIO], Any], content: bytes) -> bytes:
    with unpack(io.BytesIO(content)) as stream:
        inside = bytes(stream.read(_LARGEST + 1))
    if len(inside) > _LARGEST:
        raise ValueError("it is too large once it is unpacked")
    return inside


_PACKED: Mapping[bytes, Callable[[io.BytesIO], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": lambda stream: pa.CompressedInputStream(pa.PythonFile(stream), "zstd"),
}

_BROKEN = (
    ValueError, OSError, EOFError, KeyError, TypeError, RuntimeError, MemoryError, pa.ArrowException, csv.Error,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


def parts(values: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Yield the columns of a table that may hold ids: whole numbers and texts."""
    for name in values.column_names:
        column = values[name]
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
            yield name, column.cast(pa.string())
