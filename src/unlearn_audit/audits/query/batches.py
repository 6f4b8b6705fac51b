"""The answers of a query, batch by batch, in its folder: whoever was interrupted goes on from there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from unlearn_audit.models.program.files import PREFIX, content_as, put
from unlearn_audit.utils.files import CannotWrite
from unlearn_audit.versions import Replies

_NAMED = re.compile(r"\.(?:before|after)-\d{8}\.batch\.part")


@dataclass(frozen=True)
class Batches:
    """The batches of both sides; they are removed once the files are written.

    Attributes
    ----------
    folder
        Of the query.
    """

    folder: Path

    def get(self, side: str, number: int, n: int) -> Replies | None:
        """Return what was answered for the n records of a batch; None if that is not known."""
        with suppress(OSError, pa.ArrowException, ValueError, KeyError):
            table = arrow_parquet.read_table(self._path(side, number))
            if len(table) == n:
                return _replies(table)
        return None

    def keep(self, side: str, number: int, replies: Replies) -> None:
        """Keep what was answered.

        Raises
        ------
        CannotWrite
            If it cannot be written.
        """
        path = self._path(side, number)
        # half of a batch is none: it gets its name once it is whole
        new = path.with_name(f"{path.name}.new.part")
        try:
            put(new, content_as(_table(replies), ".parquet"))
            os.replace(new, path)
        except OSError as error:
            raise CannotWrite(error.errno or 5, error.strerror or str(error), str(path)) from error

    def remove(self) -> None:
        """Remove all that is kept."""
        for path in list(self._all()):
            path.unlink(missing_ok=True)

    def _path(self, side: str, number: int) -> Path:
        return self.folder / f".{side}-{number:08d}.batch.part"

    def _all(self) -> Iterator[Path]:
        for path in self.folder.iterdir():
            if _NAMED.fullmatch(path.name.removesuffix(".new.part")):
                yield path


def _table(replies: Replies) -> pa.Table:
    if replies.values is None:
        return pa.table({"label": pa.array(replies.labels, pa.string())})
    named = replies.classes is not None
    classes = replies.classes or tuple(map(str, range(replies.values.shape[1])))
    columns = {PREFIX + name: pa.array(replies.values[:, at]) for at, name in enumerate(classes)}
    return pa.table(columns).replace_schema_metadata({"named": str(int(named))})


def _replies(table: pa.Table) -> Replies:
    if table.column_names == ["label"]:
        return Replies(labels=np.asarray(table["label"].to_pylist(), dtype=object))
    named = table.schema.metadata[b"named"] == b"1"
    classes = tuple(name.removeprefix(PREFIX) for name in table.column_names)
    values = np.column_stack([column.to_numpy() for column in table.columns])
    return Replies(values=values.astype(np.float64), classes=classes if named else None)
