"""The records of a query: which columns versions are sent, and which stay here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.one_version import group_texts, texts_of
from unlearn_audit.observations.table import GROUP
from unlearn_audit.utils.columns import content_of, read_columns
from unlearn_audit.utils.messages import reason, shortened
from unlearn_audit.versions import Records


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of records are for.

    Attributes
    ----------
    record, label, person
        The column of the id (None: the row's number, from 0), of the class, and of whose record it is.
    groups
        By whose values risk is to be broken down; they are sent all the same.
    send
        The columns that are sent, in this order; empty for all that are none of those above and not excluded.
    exclude
        Columns that are not sent.
    """

    record: str | None = None
    label: str | None = None
    person: str | None = None
    groups: tuple[str, ...] = ()
    send: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Asked:
    """The records of a query.

    Attributes
    ----------
    records
        What is sent of them.
    ids
        (n,) texts that identify them, each once.
    kept
        Columns that go into the files besides the answers, by name.
    digest
        Of all that was given.
    """

    records: Records
    ids: npt.NDArray[np.object_]
    kept: dict[str, npt.NDArray[np.object_]]
    digest: str

    @classmethod
    def of(cls, given: str | Path | pd.DataFrame, columns: Columns) -> Asked:
        """Return the records of a table.

        Raises
        ------
        AuditError
            If it cannot be read, lacks a column, or an id is missing or there twice.
        """
        texts = [name for name in (columns.record, columns.label, columns.person) if name]
        if isinstance(given, pd.DataFrame):
            where, table = Path("the records"), _from_frame(given)
            digest = sha256(_bytes(table)).hexdigest()
        else:
            where = Path(given)
            content = content_of(where)
            table, digest = read_columns(where, texts, content), sha256(content).hexdigest()
        for what, names in (
            ("record", [columns.record] if columns.record else []),
            ("label", [columns.label] if columns.label else []),
            ("person", [columns.person] if columns.person else []),
            ("group", columns.groups),
            ("sent", columns.send),
            ("excluded", columns.exclude),
        ):
            for name in names:
                if name not in table.column_names:
                    raise AuditError(f"no {what} column '{name}' in {where}; it has {shortened(table.column_names)}")
        if not len(table):
            raise AuditError(f"{where} has no rows; give the records to ask about")
        apart = {*texts, *columns.exclude}
        sent = list(columns.send) or [name for name in table.column_names if name not in apart]
        if not sent:
            raise AuditError(f"{where} has no columns to send; it has {shortened(table.column_names)}")
        kept = {name: texts_of(table[name], name, where) for name in (columns.label, columns.person) if name}
        kept |= {GROUP + name: group_texts(table[name], name, where) for name in columns.groups}
        if columns.label:
            kept = {"label": kept.pop(columns.label), **kept}
        ids = np.arange(len(table)).astype(str).astype(object)
        if columns.record:
            ids = texts_of(table[columns.record], columns.record, where)
        _check_ids(ids, where)
        return cls(Records(table.select(sent)), ids, kept, digest)

    def __len__(self) -> int:
        return len(self.ids)


def _from_frame(frame: pd.DataFrame) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise AuditError(f"the records cannot be sent ({reason(error)}); give columns of numbers or texts") from error


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _check_ids(ids: Sequence[Any] | npt.NDArray[np.object_], where: Path) -> None:
    index = pd.Index(ids)
    if bool(index.has_duplicates):
        again = index[index.duplicated()]
        what = f"{len(again.unique()):,} record ids more than once, such as {again[0]}"
        raise AuditError(f"{where} holds {what}; give one row per record")
