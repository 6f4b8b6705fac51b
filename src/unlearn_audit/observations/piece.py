"""The observations of one world, before those of a side become one table.

A piece is made where its world is, travels as bytes to the process with the command, is stored as these bytes, and is
not checked again when it is read: their digest says that they are what was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrow import array_of, header_of, lists, with_header
from unlearn_audit.observations.table import ROLES, SIGNAL, Observations

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")

NUMBERS = ("request", "record", "query", "role", "deleted_at", "label")
"""The columns of a piece that hold whole numbers."""


@dataclass(frozen=True, eq=False)
class Piece:
    """The rows of one world.

    Attributes
    ----------
    dataset, side, world
        What all of them share.
    columns
        (n,) each: the `NUMBERS`, of which ``role`` is a place in `ROLES`, and ``paper``, as the table has them.
    posteriors
        (n, versions, classes) float32.
    classes
        (classes,) names.
    signals
        Further arrays of n rows, by name.
    """

    dataset: str
    side: str
    world: int
    columns: Mapping[str, npt.NDArray[Any]]
    posteriors: npt.NDArray[np.float32]
    classes: tuple[str, ...]
    signals: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.posteriors)


def table_of(pieces: Sequence[Piece]) -> Observations:
    """Return the pieces of one side, of the same versions, classes and signals, as one table."""
    sizes = [len(piece) for piece in pieces]

    def of_each(values: Sequence[Any]) -> npt.NDArray[Any]:
        kind = object if isinstance(values[0], str) else np.int64
        return np.repeat(np.array(values, dtype=kind), sizes)

    columns = {name: np.concatenate([piece.columns[name] for piece in pieces]) for name in (*NUMBERS, "paper")}
    first = pieces[0]
    return Observations.assemble(
        {
            **{name: columns[name].astype(np.int64, copy=False) for name in NUMBERS},
            "paper": columns["paper"],
            "role": np.array(ROLES, dtype=object)[columns["role"]],
            **{name: of_each([getattr(piece, name) for piece in pieces]) for name in ("dataset", "side", "world")},
        },
        np.concatenate([piece.posteriors for piece in pieces]),
        first.classes,
        signals={name: np.concatenate([piece.signals[name] for piece in pieces]) for name in first.signals},
    )


class _Header(BaseModel):
    """What the bytes of a piece say of it."""

    dataset: str
    side: str
    world: int
    versions: int
    classes: list[str]
    signals: dict[str, list[int]]


@dataclass(frozen=True, eq=False)
class Packed:
    """A piece as the bytes of an Arrow file, numbers as short as they can be, compressed by LZ4.

    Attributes
    ----------
    content
        The bytes; equal pieces give equal ones.
    """

    content: bytes | memoryview
    _piece: Piece | None = field(default=None, repr=False)

    @classmethod
    def of(cls, piece: Piece) -> Packed:
        """Pack a piece, which stays at hand in this process."""
        columns: dict[str, Any] = {name: pa.array(_short(piece.columns[name])) for name in NUMBERS}
        columns["paper"] = pa.array(piece.columns["paper"])
        columns["posteriors"] = lists(piece.posteriors)
        columns |= {SIGNAL + name: lists(values) for name, values in piece.signals.items()}
        header = _Header(
            dataset=piece.dataset,
            side=piece.side,
            world=piece.world,
            versions=piece.posteriors.shape[1],
            classes=list(piece.classes),
            signals={name: list(values.shape[1:]) for name, values in piece.signals.items()},
        )
        table = with_header(columns, header)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema, options=_OPTIONS) as file:
            file.write_table(table)
        return cls(memoryview(sink.getvalue()), piece)

    def __getstate__(self) -> dict[str, Any]:
        """Travel as bytes alone."""
        return {"content": bytes(self.content), "_piece": None}

    def piece(self, path: Path = Path("a packed world")) -> Piece:
        """Return the piece.

        Raises
        ------
        AuditError
            If the bytes are none; ``path`` names them in the message.
        """
        if self._piece is not None:
            return self._piece
        try:
            table = read_packed(self.content)
            columns = {name: np.asarray(table[name].combine_chunks()) for name in NUMBERS}
            columns["paper"] = table["paper"].combine_chunks().to_numpy(zero_copy_only=False)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise AuditError(f"{path} cannot be read as a packed world") from error
        header = header_of(table, _Header, path)
        return Piece(
            header.dataset,
            header.side,
            header.world,
            columns,
            array_of(table, "posteriors", [header.versions, len(header.classes)], path),
            tuple(header.classes),
            {name: array_of(table, SIGNAL + name, shape, path) for name, shape in header.signals.items()},
        )


def read_packed(content: bytes | memoryview, *, whole: bool = False) -> pa.Table:
    """Return the Arrow table in some bytes, ``whole`` with the dataset that all rows share as a column.

    Raises
    ------
    pa.ArrowException, OSError, AuditError
        If there is none.
    """
    with pa.ipc.open_file(pa.py_buffer(content)) as file:
        table = file.read_all()
    # buffers that do not fit each other would be read beyond their ends
    table.validate(full=True)
    if not whole:
        return table
    dataset = header_of(table, _Header, Path("a packed world")).dataset
    return table.append_column("dataset", pa.array([dataset] * table.num_rows, type=pa.string()))


def _short(numbers: npt.NDArray[Any]) -> npt.NDArray[np.signedinteger[Any]]:
    """Return whole numbers in the shortest type that holds them all."""
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    types = (np.int8, np.int16, np.int32, np.int64)
    return numbers.astype(next(t for t in types if np.iinfo(t).min <= low and high <= np.iinfo(t).max))
