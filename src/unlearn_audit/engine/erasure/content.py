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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import read_packed
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.spreadsheet import rows_of_csv
from unlearn_audit.utils.tensors import is_tensors, read_tensors

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
            self._keep([pq.read_table(pa.BufferReader(content))])
        elif content.startswith(b"ARROW1"):
            self._keep([_arrow(content)])
        elif content.startswith(b"PK\x03\x04"):
            self._add_archive(content, depth)
        elif content.startswith(b"\x93NUMPY"):
            self._keep(_tables_of({"values": np.load(io.BytesIO(content), allow_pickle=False)}))
        elif is_tensors(content):
            # weights of a layer in one column: a table of thousands of columns says no more
            self._keep(_tables_of({name: values.reshape(-1) for name, values in read_tensors(content).items()}))
        else:
            self._add_text(content)

    def _keep(self, tables: Iterable[pa.Table]) -> None:
        """Take tables whose columns that say whose a row is can be read; raise of others."""
        for table in tables:
            if len(set(table.column_names)) < table.num_columns:
                raise ValueError("two columns have one name")
            for name in (*WHO, "dataset"):
                if name in table.column_names:
                    as_text(table[name])
            self.tables.append(table)

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
        self._keep(_tables_of(arrays))

    def _add_text(self, content: bytes) -> None:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            text = content.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            self.opaque = "is neither a table nor text that can be read"
            return
        try:
            table = _from_text(text)
        except ValueError:
            self.opaque = "looks like a table of rows and cannot be read as one"
            table = None
        if table is None:
            self.texts.append(text)
        else:
            self._keep([table])

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
    if len(set(header)) < len(header):
        raise ValueError("two columns have one name")
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(header, columns, strict=True)})


def _from_text(text: str) -> pa.Table | None:
    """Return lines with columns that say whose they are, between commas, semicolons or tabs or as JSON, as a table.

    Raises
    ------
    ValueError
        If columns say so and the lines do not fit them.
    """
    first = text.partition("\n")[0]
    for delimiter in ",;\t|":
        header = next(csv.reader([first], delimiter=delimiter), [])
        if any(name.strip() in WHO for name in header):
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
            return _table_of_texts([name.strip() for name in header], rows[1:])
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


def _tables_of(arrays: Mapping[str, npt.NDArray[Any]]) -> list[pa.Table]:
    """Return the columns of arrays as tables of one column each, and those of rows together."""
    columns = {name: column for of, values in arrays.items() for name, column in _columns_of(of, values)}
    n = {len(column) for name, column in columns.items() if name in WHO}
    rows = {name: column for name, column in columns.items() if n == {len(column)}}
    others = [pa.table({name: column}) for name, column in columns.items() if name not in rows]
    return [pa.table(rows), *others] if rows else others


def _columns_of(name: str, values: npt.NDArray[Any]) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of an array, named by its fields or numbered."""
    if values.dtype.names is not None:
        for field_name in values.dtype.names:
            yield from _columns_of(field_name, values[field_name])
        return
    if values.dtype.kind == "V":
        raise ValueError("an array holds values of no type")
    if values.dtype.kind not in "iuUSbf":
        return
    values = np.atleast_1d(values)
    across = values.reshape(len(values), -1).T if values.size else values[:0].reshape(1, -1)
    for number, column in enumerate(across):
        kept = column.astype(str) if column.dtype.kind in "US" else column
        kept = column.astype(np.float64) if column.dtype.kind == "f" else kept
        yield name if len(across) == 1 else f"{name}[{number}]", pa.array(kept)


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


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as texts; numbers with nothing after the point lose it.

    Raises
    ------
    pa.ArrowException
        If what it holds is no text.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string())


def parts(values: pa.Table) -> Iterator[pa.ChunkedArray]:
    """Yield, as texts, the columns of a table that may hold ids, those inside others too: all but figures."""
    for column in (leaf for whole in values.columns for leaf in _leaves(whole)):
        with suppress(pa.ArrowException):  # what is no text is no id
            if not pa.types.is_floating(column.type) or _is_whole(column):
                yield as_text(column)


def _leaves(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    if is_list(column.type):
        yield from _leaves(pc.list_flatten(column))
    elif pa.types.is_struct(column.type):
        for number in range(column.type.num_fields):
            yield from _leaves(pc.struct_field(column, number))
    else:
        yield column


def is_list(kind: pa.DataType) -> bool:
    """Return whether values of a type are lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_whole(column: pa.ChunkedArray) -> bool:
    """Return whether all numbers are whole, as ids are where some are missing."""
    numbers = column.cast(pa.float64())
    numbers = numbers.filter(pc.is_finite(numbers))
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers), min_count=0).as_py())
