"""Removes records from run folders and from the store, and looks whether anything of them is left.

What audits keep of a record are rows of tables: its id, its answers by every version, its scores. Rows are removed and
the tables written anew; an artefact of the store that holds a record is removed whole, since without the row it would
not be what its key says. Figures over all records stay.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unlearn_audit.engine.store.folder import existing_run
from unlearn_audit.engine.store.store import PAYLOADS, PIECE, Store
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.parquet import read_parquet, write_parquet
from unlearn_audit.observations.piece import read_packed
from unlearn_audit.utils.files import atomic_path, write_atomic
from unlearn_audit.utils.progress import Reporter, Silent
from unlearn_audit.utils.spreadsheet import escaped, rows_of_csv

NOTE = "purged.json"
"""In a run folder: that records were removed, how many rows, and when; it names nobody."""

WHO = ("record", "person")
"""The columns of our tables that say whose a row is."""

LONG_ENOUGH = 6
"""Characters from which on an id is looked for in any text; a shorter one stands in all figures by chance."""


@dataclass
class Purged:
    """What was removed.

    Attributes
    ----------
    rows, tables
        Rows removed from tables of run folders, and how many tables they were in.
    artefacts
        Artefacts removed from the store.
    datasets
        Names of the datasets whose rows were removed.
    removed, kept
        The answers of removed and of other rows as bytes, to look for.
    """

    rows: int = 0
    tables: int = 0
    artefacts: int = 0
    datasets: set[str] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set, repr=False)
    kept: set[bytes] = field(default_factory=set, repr=False)

    @property
    def secrets(self) -> set[bytes]:
        """Answers that no record but the removed ones got: leaves of a tree answer many records alike."""
        return self.removed - self.kept


def purge(
    runs: Sequence[Path],
    store: Store | None,
    ids: Collection[str],
    dataset: str | None = None,
    *,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> Purged:
    """Remove records from run folders and from the store, and make sure that they are gone.

    Parameters
    ----------
    runs
        Run folders; none may be in use.
    store
        The store that they used; None if there is none.
    ids
        Of the records, as text.
    dataset
        The dataset whose records they are; by default those of all datasets in which rows are found.
    dry_run
        Whether to remove nothing and only count.
    reporter
        Shows progress.

    Raises
    ------
    AuditError
        If a folder is no run, is in use or cannot be written; or if something is left of a record.
    """
    purged = Purged()
    for run in runs:
        with existing_run(run):
            before = purged.rows
            for path in _tables(run):
                _purge_table(path, ids, dataset, purged, dry_run=dry_run)
            if purged.rows > before and not dry_run:
                note = {"rows": purged.rows - before, "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}
                write_atomic(run / NOTE, json.dumps(note, indent=1) + "\n")
    names = {dataset} if dataset is not None else purged.datasets
    if store is not None:
        for key in _artefacts_with(store, ids, names, purged, reporter or Silent()):
            purged.artefacts += 1
            if not dry_run:
                store.remove(key)
    if not dry_run:
        left = list(traces([*runs, *([] if store is None else [store.folder])], ids, names, purged.secrets))
        if left:
            raise AuditError(
                f"something of the records is left in {', '.join(left[:5])}{' and more' if len(left) > 5 else ''}; "
                "no table of ours: remove what it holds of them yourself"
            )
    return purged


def traces(
    folders: Iterable[Path], ids: Collection[str], datasets: Collection[str], secrets: Collection[bytes]
) -> Iterator[str]:
    """Yield the files that still hold something of records: a row, their answers as bytes, or a long id as text."""
    long = sorted((re.escape(name.encode()) for name in ids if len(name) >= LONG_ENOUGH), key=len, reverse=True)
    # as a word of its own: digits of an id also stand inside other numbers
    texts = re.compile(rb"(?<![0-9A-Za-z.])(?:" + b"|".join(long) + rb")(?![0-9A-Za-z])") if long else None
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content = path.read_bytes()
            in_table = _rows_of(path, ids, datasets, secrets)
            in_text = in_table is None and texts is not None and texts.search(content) is not None
            if in_table or in_text or any(secret in content for secret in secrets):
                yield str(path)


def _tables(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.suffix in (".parquet", ".csv") and path.is_file())


def _read(path: Path) -> pa.Table | None:
    """Return a table with a column that says whose a row is; None for any other file."""
    if path.suffix not in _READERS:
        return None
    try:
        table = _READERS[path.suffix](path)
    except (pa.ArrowException, OSError, ValueError, csv.Error):
        return None
    return table if any(name in table.column_names for name in WHO) else None


def _read_csv(path: Path) -> pa.Table:
    """Return a table of texts, so that an id of digits stays what it is."""
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(header, columns, strict=True)})


_READERS = {
    ".parquet": pq.read_table,
    PIECE: lambda path: read_packed(path.read_bytes(), whole=True),
    ".csv": _read_csv,
}


def _theirs(table: pa.Table, ids: Collection[str], datasets: Collection[str] | None) -> npt.NDArray[np.bool_]:
    """Return (n,) which rows are theirs: of their ids, and of their dataset where the table says it."""
    # in tables for people an id that a spreadsheet would run is escaped
    asked = pa.array(sorted({*ids, *map(escaped, ids)}), type=pa.string())
    found = np.zeros(table.num_rows, dtype=bool)
    for name in WHO:
        if name in table.column_names:
            found |= _mask(pc.is_in(table[name].cast(pa.string()), value_set=asked))
    if datasets is not None and "dataset" in table.column_names:
        found &= _mask(pc.is_in(table["dataset"].cast(pa.string()), value_set=pa.array(sorted(datasets), pa.string())))
    return found


def _mask(values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(values.to_numpy(), dtype=bool)


def _purge_table(path: Path, ids: Collection[str], dataset: str | None, purged: Purged, *, dry_run: bool) -> None:
    table = _read(path)
    if table is None:
        return
    theirs = _theirs(table, ids, None if dataset is None else {dataset})
    purged.kept |= _answers(table, ~theirs)
    if not theirs.any():
        return
    if "dataset" in table.column_names:
        purged.datasets |= set(pc.unique(table["dataset"].filter(pa.array(theirs))).to_pylist())
    purged.rows += int(theirs.sum())
    purged.tables += 1
    purged.removed |= _answers(table, theirs)
    if dry_run:
        return
    if theirs.all():
        path.unlink()
        return
    with atomic_path(path) as temporary:
        if "posteriors" in table.column_names and path.suffix == ".parquet":
            write_parquet(read_parquet(path).select(~theirs), temporary)
        elif path.suffix == ".parquet":
            pq.write_table(table.filter(pa.array(~theirs)), temporary, compression="zstd")
        else:
            kept = table.filter(pa.array(~theirs))
            rows = zip(*(column.to_pylist() for column in kept.columns), strict=True)
            temporary.write_text(rows_of_csv([kept.column_names, *rows]), encoding="utf-8")


def _artefacts_with(
    store: Store, ids: Collection[str], datasets: Collection[str], purged: Purged, reporter: Reporter
) -> list[str]:
    """Return the keys of what holds one of the records, and of arrays of their dataset, which do not say whose."""
    keys = []
    stored = list(store.stored())
    show = reporter.stage("Looking through the store", len(stored))
    for number, artefact in enumerate(stored, start=1):
        show(number)
        paths = [path for suffix in PAYLOADS if (path := store.path(artefact.key, suffix)).exists()]
        for path in paths:
            table = _read(path)
            if table is None:
                if artefact.about.get("dataset") in datasets:
                    keys.append(artefact.key)
                continue
            theirs = _theirs(table, ids, datasets)
            if theirs.any():
                purged.removed |= _answers(table, theirs)
                keys.append(artefact.key)
            else:
                purged.kept |= _answers(table, ~theirs)
    return keys


def _answers(table: pa.Table, rows: npt.NDArray[np.bool_]) -> set[bytes]:
    """Return the answers of rows as the bytes that lie in memory and in files."""
    if "posteriors" not in table.column_names or not rows.any():
        return set()
    column = table["posteriors"].combine_chunks()
    flat = np.asarray(column.flatten(), dtype="<f4").reshape(table.num_rows, -1)
    return {row.tobytes() for row in flat[rows]}


def _rows_of(path: Path, ids: Collection[str], datasets: Collection[str], secrets: Collection[bytes]) -> bool | None:
    """Return whether a table holds a row or an answer of theirs; None for what is no table of ours."""
    table = _read(path)
    if table is None:
        return None
    every = np.ones(table.num_rows, dtype=bool)
    return bool(_theirs(table, ids, datasets).any() or _answers(table, every) & set(secrets))
