"""Observations as bytes: as the store keeps a world, and as it travels from the process that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrow import parts_of, to_arrow
from unlearn_audit.observations.table import Observations

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, eq=False)
class Packed:
    """A table as the bytes of an Arrow file, compact and compressed by LZ4: much faster than Parquet.

    Attributes
    ----------
    content
        The bytes; equal tables give equal ones.
    """

    content: bytes | memoryview
    _table: Observations | None = field(default=None, repr=False)

    @classmethod
    def of(cls, table: Observations) -> Packed:
        """Pack a table, which stays at hand in this process."""
        columns = to_arrow(table, compact=True)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, columns.schema, options=_OPTIONS) as file:
            file.write_table(columns)
        return cls(memoryview(sink.getvalue()), table)

    def table(self, path: Path = Path("a packed table")) -> Observations:
        """Return the table; what was packed had been checked, and is not checked again.

        Raises
        ------
        AuditError
            If the bytes are no packed table; ``path`` names them in the message.
        """
        if self._table is not None:
            return self._table
        try:
            columns = read_packed(self.content)
            return Observations.assemble(**_whole(parts_of(columns, path)))
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
            raise AuditError(f"{path} cannot be read as a packed table") from error

    def __getstate__(self) -> dict[str, Any]:
        """Travel as bytes alone."""
        return {"content": bytes(self.content), "_table": None}


def read_packed(content: bytes | memoryview) -> pa.Table:
    """Return the Arrow table in some bytes, once its buffers are known to fit each other.

    Raises
    ------
    pa.ArrowException, OSError
        If there is none.
    """
    with pa.ipc.open_file(pa.py_buffer(content)) as file:
        columns = file.read_all()
    columns.validate(full=True)
    return columns


def _whole(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a packed table with every column as an array in the type of its kind."""
    columns = {name: np.asarray(values) for name, values in parts["columns"].items()}
    return {**parts, "columns": {n: v.astype(np.int64) if v.dtype.kind == "i" else v for n, v in columns.items()}}
