"""Removes records from run folders and from stores, and looks into every file for what is left of them.

What audits keep of a record are rows of tables: its id, its answers by every version, its scores. Rows are removed and
the tables written anew; an artefact of a store that holds a record is removed whole, since without the row it would
not be what its key says. Figures over all records stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from unlearn_audit.engine.erasure.content import Content
from unlearn_audit.engine.erasure.erased import By, Purged, left_behind
from unlearn_audit.engine.erasure.files import table_at, without
from unlearn_audit.engine.erasure.leftovers import is_held, leftovers, remove
from unlearn_audit.engine.erasure.runs import Run, stores_of
from unlearn_audit.engine.erasure.scan import Scan, answers, ids_in
from unlearn_audit.engine.erasure.sought import Sought, manifest_of
from unlearn_audit.engine.store.folder import PURGED, existing_run
from unlearn_audit.engine.store.marks import said_by
from unlearn_audit.engine.store.store import MARK, PAYLOADS, Store, is_key
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.ids import look_alikes
from unlearn_audit.utils.manifest import digest_of
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.progress import Reporter, Silent


def purge(
    runs: Sequence[Path],
    store: Path | Store | None,
    ids: Collection[str],
    dataset: str | None = None,
    *,
    by: By | None = None,
    without_store: bool = False,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> Purged:
    """Remove records from run folders and from the stores that they used, and make sure that they are gone.

    Nothing is removed before everything that is needed was found; what fails later can be tried again.

    Parameters
    ----------
    runs
        Run folders; none may be in use.
    store
        A store to search besides those that the runs name, or in place of one that is no longer where it was.
    ids
        Of records or people, as text.
    dataset
        The dataset whose records they are; by default all datasets of the runs.
    by
        What the ids are of; by default what the runs know.
    without_store
        Whether no store is searched, since there is none any more.
    dry_run
        Whether to remove nothing and only count.
    reporter
        Shows progress.

    Raises
    ------
    AuditError
        If a folder is no run or is in use, a store is not there, it is not known whose ids these are, anything cannot
        be read or written, or something is left of a record.
    """
    folders = list({folder.resolve(): folder for folder in runs}.values())
    with ExitStack() as held:
        for folder in folders:
            held.enter_context(existing_run(folder))
        read = [Run.read(folder) for folder in folders]
        stores = [] if without_store else stores_of(read, store)
        work = _Erasure(Sought.of(read, stores, ids, dataset, by))
        return work.done(dry_run, reporter or Silent())


@dataclass
class _Table:
    """A table of a run folder with rows to remove."""

    run: Run
    path: Path
    rows: npt.NDArray[np.bool_]


@dataclass
class _Erasure:
    """One erasure: what is sought, and what was found.

    Attributes
    ----------
    sought
        Whose rows, and where.
    tables, keys, dead
        What is to be removed: rows, artefacts, and leftovers of killed runs.
    unclear
        Artefacts that do not say whose they are, with the names of their data.
    removed, kept
        Answers of rows that are removed, and of others.
    found, there
        Ids of rows that are removed, and of all.
    datasets
        Names of the data in which rows were found.
    """

    sought: Sought
    tables: list[_Table] = field(default_factory=list)
    keys: dict[tuple[Store, str], None] = field(default_factory=dict)
    dead: list[Path] = field(default_factory=list)
    unclear: list[tuple[Store, str, str | None]] = field(default_factory=list)
    removed: set[bytes] = field(default_factory=set)
    kept: set[bytes] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    purged: Purged = field(default_factory=Purged)

    def __post_init__(self) -> None:
        self.purged.by = self.sought.by
        self.purged.stores = [store.folder for store in self.sought.stores]
        self.there |= self.sought.records_of.keys()

    def done(self, dry_run: bool, reporter: Reporter) -> Purged:
        """Look for everything, remove it, and look again."""
        try:
            self._find(reporter)
            self._name_missing()
            if not dry_run:
                self._remove()
            self._look_again(dry_run)
        except OSError as error:
            raise AuditError(
                f"{error.filename} cannot be read or written ({error.strerror}), so traces may remain; fix that and "
                "purge again"
            ) from error
        if self.purged.left and not dry_run:
            raise AuditError(left_behind(self.purged.left))
        return self.purged

    def _find(self, reporter: Reporter) -> None:
        for run in self.sought.runs:
            self._look_into(run)
        for store in self.sought.stores:
            self._look_through(store, reporter)
        if self.datasets:
            of = {None, *self.datasets}
            self.keys |= {(store, key): None for store, key, about in self.unclear if about in of}
            self.purged.other_data = 0
        self.dead = [path for folder, temporary in self._folders for path in leftovers(folder, temporary=temporary)]
        purged = self.purged
        purged.artefacts, purged.leftovers, purged.tables = len(self.keys), len(self.dead), len(self.tables)
        purged.rows = sum(int(table.rows.sum()) for table in self.tables)

    def _look_again(self, dry_run: bool) -> None:
        """Look into every file; of a dry run, into those that would not be removed or written anew."""
        secrets = frozenset(self.removed - self.kept)
        self.purged.answers = len(secrets)
        in_runs = {folder: Scan(of, secrets) for folder, of in self.sought.in_runs.items()}
        in_stores = Scan(self.sought.in_stores, secrets)
        going = {*self.dead, *(table.path for table in self.tables)} if dry_run else set()
        gone = {key for _, key in self.keys} if dry_run else set()
        for path, run, ours in self.sought.files():
            if going & {path, *path.parents} or path.name.partition(".")[0] in gone:
                continue
            scan, dataset = (in_stores, None) if run is None else (in_runs[run.folder], run.datasets.get("target"))
            problem = scan.problem(path, dataset, written_by_us=ours)
            if problem is not None:
                self.purged.left[str(path)] = problem
        self.purged.scanned = sum(len(scan.seen) for scan in (*in_runs.values(), in_stores))

    @property
    def _folders(self) -> Iterator[tuple[Path, bool]]:
        yield from ((run.folder, False) for run in self.sought.runs)
        yield from ((store.folder, True) for store in self.sought.stores)

    def _look_into(self, run: Run) -> None:
        """Find the rows of a run folder."""
        wanted, named = self.sought.in_runs[run.folder], run.datasets.get("target")
        if (run.folder / PURGED).exists():  # maybe without the store, which may still have what was made of these rows
            self.datasets |= set(run.datasets.values())
        for path in self.sought.files_of(run):
            if path.suffix not in (".parquet", ".csv") or path.is_symlink() or not path.is_file():
                continue
            table = table_at(path)
            if table is None:
                continue
            rows = wanted.rows(table, named)
            self._note(table, rows)
            if rows.any():
                self.tables.append(_Table(run, path, rows))
                self.datasets |= set(run.datasets.values())

    def _look_through(self, store: Store, reporter: Reporter) -> None:
        """Find the artefacts of a store that hold rows or cannot be read, and those that do not say whose they are.

        Those of other data by the same name do not say it either, as the records have other numbers there.
        """
        keys = sorted({key for path in store.folder.glob("??/*") if is_key(key := path.name.partition(".")[0])})
        data = self.sought.data
        show = reporter.stage("Searching the store", len(keys))
        for number, key in enumerate(keys, start=1):
            show(number)
            mark = store.path(key, MARK)
            document, names = said_by(mark.read_bytes()) if mark.is_file() else ({}, {})
            about = names.get("dataset")
            other = bool(data) and about in self.sought.names and document.get("data", "") not in {"", *data}
            for path in (store.path(key, suffix) for suffix in PAYLOADS):
                if not path.is_file():
                    continue
                content = Content.of(path.read_bytes())
                rows = [self.sought.in_stores.rows(table, about) for table in content.of_rows]
                for table, theirs in zip(content.of_rows, rows, strict=True):
                    self._note(table, theirs)
                if content.opaque is not None or any(theirs.any() for theirs in rows):
                    self.keys[store, key] = None
                    self.datasets |= {about} if about is not None and rows else set()
                elif not rows or other:
                    self.unclear.append((store, key, about))
                    self.purged.other_data += other

    def _note(self, table: pa.Table, rows: npt.NDArray[np.bool_]) -> None:
        """Remember whose rows these are and what answers they got."""
        self.removed |= answers(table, rows)
        self.kept |= answers(table, ~rows)
        self.found |= ids_in(table.filter(pa.array(rows)))
        if self.purged.by == "record" or "record" not in table.column_names:
            self.there |= ids_in(table)

    def _name_missing(self) -> None:
        """Say of which ids nothing was found; refuse one in whose place another form of it is there."""
        asked = self.sought.in_stores.ids
        self.purged.missing = sorted(
            text for text in asked - self.found if not self.sought.records_of.get(text, frozenset()) & self.found
        )
        unknown = [text for text in self.purged.missing if text not in self.there]
        if meant := look_alikes(unknown, self.there - asked):
            pairs = shortened(f"{given} ({there} is there)" for given, there in meant.items())
            raise AuditError(
                f"--ids: nothing is stored under {pairs}; nothing was removed: write each id as it is stored, or leave "
                "it out"
            )

    def _remove(self) -> None:
        """Remove what was found: from stores first, so that what fails here is still found in the runs."""
        for path in self.dead:
            if is_held(path):
                raise AuditError(f"{path} is in use by a running audit; wait for it and purge again")
        for path in self.dead:
            remove(path)
        for store, key in self.keys:
            store.remove(key)
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        for run in self.sought.runs:
            tables = [table for table in self.tables if table.run is run]
            for table in tables:
                without(table.path, table.rows, self._announcing(run, table.path))
                self.purged.files.append(f"{run.folder.name}/{table.path.relative_to(run.folder).as_posix()}")
            note = run.folder / PURGED
            if tables or any(run.folder in path.parents for path in self.dead):
                counted = {"rows": sum(int(table.rows.sum()) for table in tables), "at": at}
                write_atomic(note, json.dumps(counted, indent=1) + "\n")
            manifest = manifest_of(run)
            if manifest is not None and note.is_file():
                manifest.updated(run.folder, {PURGED: digest_of(note)})

    def _announcing(self, run: Run, path: Path) -> Callable[[str | None], None]:
        """Return what writes a table's next digest into the manifest, where the table is now as the manifest says.

        It is there before the table is: killed in between, the next attempt makes the same table again.
        """
        name, manifest = path.relative_to(run.folder).as_posix(), manifest_of(run)
        if manifest is None or manifest.files.get(name) != digest_of(path):
            return lambda digest: None  # noqa: ARG005 - what differed before goes on to differ
        return lambda digest: manifest.updated(run.folder, {name: digest})
