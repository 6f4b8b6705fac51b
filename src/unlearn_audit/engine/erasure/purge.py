"""Removes records from run folders and from stores, and looks into every file for what is left of them.

What audits keep of a record are rows of tables: its id, its answers by every version, its scores. Rows are removed and
the tables written anew; an artefact of a store that holds a record is removed whole, since without the row it would
not be what its key says. Figures over all records stay.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from unlearn_audit.engine.erasure.content import Content
from unlearn_audit.engine.erasure.erased import By, Purged, left_behind
from unlearn_audit.engine.erasure.files import all_files, table_at, without
from unlearn_audit.engine.erasure.ids import look_alikes, plain
from unlearn_audit.engine.erasure.leftovers import is_held, leftovers, remove
from unlearn_audit.engine.erasure.runs import Run, check_dataset, kind_of_ids, stores_of
from unlearn_audit.engine.erasure.scan import Scan, Wanted, answers, ids_in
from unlearn_audit.engine.store.folder import MARKER, existing_run
from unlearn_audit.engine.store.marks import said_by
from unlearn_audit.engine.store.store import MARK, PAYLOADS, Store, is_key
from unlearn_audit.engine.store.store import MARKER as STORE_MARKER
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.manifest import LOCK, MANIFEST, Manifest, digest_of
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.progress import Reporter, Silent

NOTE = "purged.json"
"""In a run folder: that records were removed, how many rows, and when; it names nobody."""

_WRITTEN_BY_US = frozenset(
    ("report.html", "findings.json", "config.json", "plan.json", "naming.json", "reconstruction.json", "summary.md",
     "table.csv", "claims.csv", "figure.svg", "figure.png", NOTE, MARKER, MANIFEST)
)  # fmt: skip
"""Files of a run that no manifest of an earlier version names."""


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
        A store to search beside those that the runs name, or in place of one that is no longer where it was.
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
        work = _Erasure.of([Run.read(folder) for folder in folders], store, ids, dataset, by, without_store)
        return work.done(dry_run, reporter or Silent())


@dataclass
class _Table:
    """A table of a run folder with rows to remove."""

    run: Run
    path: Path
    rows: npt.NDArray[np.bool_]


@dataclass
class _Erasure:
    """One erasure: what is looked for where, and what was found."""

    runs: Sequence[Run]
    stores: Sequence[Store]
    wanted: Mapping[Path, Wanted]
    in_stores: Wanted
    purged: Purged
    tables: list[_Table] = field(default_factory=list)
    arrays: list[tuple[Store, str, str | None]] = field(default_factory=list)
    keys: dict[tuple[Store, str], None] = field(default_factory=dict)
    dead: list[Path] = field(default_factory=list)
    removed: set[bytes] = field(default_factory=set)
    kept: set[bytes] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    records_of: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        store: Path | Store | None,
        ids: Collection[str],
        dataset: str | None,
        by: By | None,
        without_store: bool,
    ) -> _Erasure:
        """Find out, before anything is touched, whose ids these are and where to look for them."""
        if dataset is not None:
            check_dataset(runs, dataset)
        kind = kind_of_ids(runs, by)
        asked = frozenset(plain(text) for text in ids) - {""}
        if not asked:
            raise AuditError("--ids names nobody; give at least one id")
        stores = [] if without_store else stores_of(runs, store)
        datasets = None if dataset is None else frozenset((dataset,))
        records: dict[Path, dict[str | None, frozenset[str]]] = {}
        everywhere: dict[str | None, set[str]] = {}
        of_each: dict[str, frozenset[str]] = {}
        for run in runs:
            here = records[run.folder] = {None: asked} if kind == "record" else {}
            if kind == "person" and run.knows == "person" and not run.is_release:
                for name, persons in run.records_of_each().items():
                    here[name] = frozenset().union(*(persons.get(text, ()) for text in asked))
                    for text, rows in persons.items():
                        of_each[text] = of_each.get(text, frozenset()) | rows
            for of, rows in here.items():
                everywhere.setdefault(of, set()).update(rows)
        return cls(
            runs,
            stores,
            {folder: Wanted(asked, here, datasets) for folder, here in records.items()},
            Wanted(asked, {name: frozenset(rows) for name, rows in everywhere.items()}, datasets),
            Purged(kind, stores=[each.folder for each in stores]),
            there=set(of_each),
            records_of=of_each,
        )

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
                f"{error.filename} cannot be read or written ({error.strerror}), so something may be left; mend that "
                "and purge again"
            ) from error
        if self.purged.left and not dry_run:
            raise AuditError(left_behind(self.purged.left))
        return self.purged

    def _find(self, reporter: Reporter) -> None:
        for run in self.runs:
            self._look_into(run)
        for store in self.stores:
            self._look_through(store, reporter)
        if self.datasets:
            of = {None, *self.datasets}
            self.keys |= {(store, key): None for store, key, about in self.arrays if about in of}
        self.dead = [path for folder, temporary in self._folders for path in leftovers(folder, temporary=temporary)]
        purged = self.purged
        purged.artefacts, purged.leftovers, purged.tables = len(self.keys), len(self.dead), len(self.tables)
        purged.rows = sum(int(table.rows.sum()) for table in self.tables)

    def _look_again(self, dry_run: bool) -> None:
        """Look into every file; of a dry run, into those that would not be removed or written anew."""
        secrets = frozenset(self.removed - self.kept)
        in_runs = {folder: Scan(of, secrets) for folder, of in self.wanted.items()}
        in_stores = Scan(self.in_stores, secrets)
        going = {*self.dead, *(table.path for table in self.tables)} if dry_run else set()
        gone = {key for _, key in self.keys} if dry_run else set()
        for path, scan, dataset, ours in self._files(in_runs, in_stores):
            if going & {path, *path.parents} or path.name.partition(".")[0] in gone:
                continue
            problem = scan.problem(path, dataset, written_by_us=ours)
            if problem is not None:
                self.purged.left[str(path)] = problem
        self.purged.scanned = sum(len(scan.seen) for scan in (*in_runs.values(), in_stores))

    @property
    def _folders(self) -> Iterator[tuple[Path, bool]]:
        yield from ((run.folder, False) for run in self.runs)
        yield from ((store.folder, True) for store in self.stores)

    def _look_into(self, run: Run) -> None:
        """Find the rows of a run folder."""
        wanted, named = self.wanted[run.folder], run.datasets.get("target")
        for path in self._files_of(run):
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
        """Find the artefacts of a store that hold rows or cannot be read, and those that do not say whose they are."""
        keys = sorted({key for path in store.folder.glob("??/*") if is_key(key := path.name.partition(".")[0])})
        show = reporter.stage("Looking through the store", len(keys))
        for number, key in enumerate(keys, start=1):
            show(number)
            mark = store.path(key, MARK)
            about = said_by(mark.read_bytes())[1].get("dataset") if mark.is_file() else None
            for path in (store.path(key, suffix) for suffix in PAYLOADS):
                if not path.is_file():
                    continue
                content = Content.of(path.read_bytes())
                rows = [self.in_stores.rows(table, about) for table in content.of_rows]
                for table, theirs in zip(content.of_rows, rows, strict=True):
                    self._note(table, theirs)
                if content.opaque is not None or any(theirs.any() for theirs in rows):
                    self.keys[store, key] = None
                    self.datasets |= {about} if about is not None and rows else set()
                elif not rows:
                    self.arrays.append((store, key, about))

    def _note(self, table: pa.Table, rows: npt.NDArray[np.bool_]) -> None:
        """Remember whose rows these are and what answers they got."""
        self.removed |= answers(table, rows)
        self.kept |= answers(table, ~rows)
        self.found |= ids_in(table.filter(pa.array(rows)))
        if self.purged.by == "record" or "record" not in table.column_names:
            self.there |= ids_in(table)

    def _name_missing(self) -> None:
        """Say of which ids nothing was found; refuse one in whose place another form of it is there."""
        asked = self.in_stores.ids
        self.purged.missing = sorted(
            text for text in asked - self.found if not self.records_of.get(text, frozenset()) & self.found
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
        for run in self.runs:
            tables = [table for table in self.tables if table.run is run]
            manifest = _manifest_of(run)
            for table in tables:
                name = table.path.relative_to(run.folder).as_posix()
                was_whole = manifest is not None and manifest.files.get(name) == digest_of(table.path)
                without(table.path, table.rows)
                self.purged.files.append(f"{run.folder.name}/{name}")
                if manifest is not None and was_whole:  # what differed before goes on to differ
                    left = digest_of(table.path) if table.path.exists() else None
                    manifest = manifest.updated(run.folder, {name: left})
            if tables or any(run.folder in path.parents for path in self.dead):
                note = {"rows": sum(int(table.rows.sum()) for table in tables), "at": at}
                write_atomic(run.folder / NOTE, json.dumps(note, indent=1) + "\n")
                if manifest is not None:
                    manifest.updated(run.folder, {NOTE: digest_of(run.folder / NOTE)})

    def _files(self, in_runs: Mapping[Path, Scan], in_stores: Scan) -> Iterator[tuple[Path, Scan, str | None, bool]]:
        """Yield every file, who looks into it, its dataset, and whether this program wrote it."""
        for run in self.runs:
            manifest = _manifest_of(run)
            ours = _WRITTEN_BY_US | (set() if manifest is None else manifest.files.keys())
            for path in self._files_of(run):
                name = path.relative_to(run.folder).as_posix()
                if name != LOCK:
                    yield path, in_runs[run.folder], run.datasets.get("target"), name in ours
        for store in self.stores:
            for path in all_files(store.folder):
                key, _, suffix = path.name.partition(".")
                of_a_store = path.name == STORE_MARKER or (is_key(key) and f".{suffix}" in (MARK, *PAYLOADS))
                yield path, in_stores, None, of_a_store

    def _files_of(self, run: Run) -> list[Path]:
        """Return what lies in a run folder, but for a store that is looked through as such."""
        stores = {store.folder.resolve() for store in self.stores}
        return [path for path in all_files(run.folder) if not stores & set(path.resolve().parents)]


def _manifest_of(run: Run) -> Manifest | None:
    """Return the manifest of a run; none where it is damaged, which keeps nobody's rows from being removed."""
    try:
        return Manifest.read(run.folder)
    except AuditError:
        return None
