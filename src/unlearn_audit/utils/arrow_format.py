"""Arrow files and streams (IPC), which Feather files are too: batches of columns that state their types."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import check_amount
from unlearn_audit.utils.sources import ROWS_AT_ONCE, Format, Source, Wanted, chosen, for_arrow, refuse_others, size_of

_MAGIC = b"ARROW1\0\0"
_MOST_FIELDS = 1 << 20


@contextmanager
def _at_messages(source: Source, wanted: Wanted) -> Iterator[Any]:
    """Yield the file from its first message: a file is a stream between a start and an end."""
    with for_arrow(source, wanted.where) as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            stream.seek(0)
        yield stream


def _check(source: Source, wanted: Wanted) -> None:
    path = wanted.where
    refuse_others(source, path, _MAGIC[:7])
    with _at_messages(source, wanted) as stream:
        schema = pa.ipc.open_stream(stream).schema
    for field in schema:
        kind = field.type.value_type if kinds.is_dictionary(field.type) else field.type
        if kinds.is_nested(kind):
            raise AuditError(
                f"{path}: column '{field.name}' holds values of kind {field.type}; numbers, texts, or true and false "
                "are needed"
            )
    values = held = 0
    with _at_messages(source, wanted) as stream:
        for message in pa.ipc.MessageReader.open_stream(stream):
            rows, size = _size(message)
            values, held = values + rows * len(schema), held + size
    check_amount(path, max(values, held // 8), size_of(source), streamed=wanted.streamed)


def _size(message: pa.Message) -> tuple[int, int]:
    """Return the rows of a message and the bytes that its buffers take once they are unpacked.

    The layout is that of Message.fbs in Arrow's specification.
    """
    if message.body is None or message.type not in ("record batch", "dictionary"):
        return 0, 0
    held, body = message.metadata.to_pybytes(), message.body
    try:
        batch = _table(held, _field(held, _table(held, 0), 2))
        if message.type == "dictionary":
            batch = _table(held, _field(held, batch, 1))
        (rows,) = struct.unpack_from("<q", held, _field(held, batch, 0)) if _slot(held, batch, 0) else (0,)
        total = body.size
        if _slot(held, batch, 3):  # compressed: each buffer starts with how many bytes it unpacks to
            buffers = _table(held, _field(held, batch, 2))
            (count,) = struct.unpack_from("<I", held, buffers)
            for at in range(min(count, _MOST_FIELDS)):
                offset, length = struct.unpack_from("<qq", held, buffers + 4 + 16 * at)
                if length > 8:
                    (size,) = struct.unpack("<q", body.slice(offset, 8).to_pybytes())
                    total += max(size, 0)
    except (struct.error, IndexError, ValueError) as error:
        raise AuditError("an Arrow message is not whole") from error
    return max(rows, 0), total


def _table(held: bytes, at: int) -> int:
    (offset,) = struct.unpack_from("<I", held, at)
    return at + int(offset)


def _slot(held: bytes, table: int, field: int) -> int:
    (back,) = struct.unpack_from("<i", held, table)
    start = table - back
    (size,) = struct.unpack_from("<H", held, start)
    if 4 + 2 * field >= size:
        return 0
    return int(struct.unpack_from("<H", held, start + 4 + 2 * field)[0])


def _field(held: bytes, table: int, field: int) -> int:
    return table + _slot(held, table, field)


def _read(source: Source, wanted: Wanted) -> pa.Table:
    with _at_messages(source, wanted) as stream:
        return chosen(pa.ipc.open_stream(stream).read_all(), wanted)


def _schema(source: Source, wanted: Wanted) -> pa.Schema:
    with _at_messages(source, wanted) as stream:
        return pa.ipc.open_stream(stream).schema


def _blocks(source: Source, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    with _at_messages(source, wanted) as stream:
        for batch in pa.ipc.open_stream(stream):
            batch.validate(full=True)
            some = batch.select(list(wanted.only or ()))
            for at in range(0, some.num_rows, ROWS_AT_ONCE):
                yield some.slice(at, ROWS_AT_ONCE)


ARROW = Format("Arrow", _check, _read, _schema, _blocks, typed=True)
