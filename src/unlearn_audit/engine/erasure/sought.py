"""Whose rows are sought, and where: found out before anything is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearn_audit.engine.erasure.erased import By
from unlearn_audit.engine.erasure.files import all_files
from unlearn_audit.engine.erasure.runs import Run, check_dataset, kind_of_ids
from unlearn_audit.engine.erasure.scan import Wanted
from unlearn_audit.engine.store.folder import MARKER, PURGED
from unlearn_audit.engine.store.store import MARK, PAYLOADS, Store, is_key
from unlearn_audit.engine.store.store import MARKER as STORE_MARKER
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.ids import plain
from unlearn_audit.utils.manifest import LOCK, MANIFEST, Manifest

_WRITTEN_BY_US = frozenset(
    ("report.html", "findings.json", "config.json", "plan.json", "naming.json", "reconstruction.json", "summary.md",
     "table.csv", "claims.csv", "figure.svg", "figure.png", PURGED, MARKER, MANIFEST)
)  # fmt: skip
"""Files of a run that no manifest of an earlier version names."""


@dataclass(frozen=True)
class Sought:
    """Whose rows are sought in which run folders and stores.

    Attributes
    ----------
    runs, stores
        Where.
    by
        What the ids are of.
    in_runs
        Whose, by run folder.
    in_stores
        Whose, in any store.
    records_of
        The numbers of the rows of each person that the owners' tables name; empty where ids are of records.
    """

    runs: Sequence[Run]
    stores: Sequence[Store]
    by: By
    in_runs: Mapping[Path, Wanted]
    in_stores: Wanted
    records_of: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        stores: Sequence[Store],
        ids: Collection[str],
        dataset: str | None,
        by: By | None,
    ) -> Sought:
        """Find out whose ids these are.

        Raises
        ------
        AuditError
            If that is not known, or no run is of the dataset.
        """
        if dataset is not None:
            check_dataset(runs, dataset)
        kind = kind_of_ids(runs, by)
        asked = frozenset(plain(text) for text in ids) - {""}
        if not asked:
            raise AuditError("--ids names no one; give at least one id")
        datasets = None if dataset is None else frozenset((dataset,))
        in_runs: dict[Path, Wanted] = {}
        everywhere: dict[str | None, frozenset[str]] = {}
        records_of: dict[str, frozenset[str]] = {}
        for run in runs:
            here: dict[str | None, frozenset[str]] = {None: asked} if kind == "record" else {}
            if kind == "person" and run.knows == "person" and not run.is_release:
                for name, persons in run.records_of_each().items():
                    here[name] = frozenset().union(*(persons.get(text, frozenset()) for text in asked))
                    records_of |= {text: records_of.get(text, frozenset()) | rows for text, rows in persons.items()}
            everywhere |= {name: everywhere.get(name, frozenset()) | rows for name, rows in here.items()}
            in_runs[run.folder] = Wanted(asked, here, datasets)
        return cls(runs, stores, kind, in_runs, Wanted(asked, everywhere, datasets), records_of)

    @property
    def names(self) -> set[str]:
        """The names of the datasets of the runs."""
        return {name for run in self.runs for name in run.datasets.values()}

    @property
    def data(self) -> set[str]:
        """The digests of their data; where a run has none, none can be recognised by it."""
        return set().union(*(run.data for run in self.runs))

    def files_of(self, run: Run) -> list[Path]:
        """Return what lies in a run folder, but for a store that is looked through as such."""
        at = run.folder.resolve()
        inside = {folder for store in self.stores if at in (folder := store.folder.resolve()).parents}
        return [path for path in all_files(run.folder) if not inside & _folders_of(path)]

    def files(self) -> Iterator[tuple[Path, Run | None, bool]]:
        """Yield every file, the run that it is of, if it is of one, and whether this program wrote it."""
        for run in self.runs:
            manifest = manifest_of(run)
            ours = _WRITTEN_BY_US | (set() if manifest is None else manifest.files.keys())
            for path in self.files_of(run):
                name = path.relative_to(run.folder).as_posix()
                if name != LOCK or path.stat().st_size:
                    yield path, run, name in ours
        runs = {run.folder.resolve() for run in self.runs}
        for store in self.stores:
            for path in all_files(store.folder):
                if runs & _folders_of(path):
                    continue
                key, _, suffix = path.name.partition(".")
                yield path, None, path.name == STORE_MARKER or (is_key(key) and f".{suffix}" in (MARK, *PAYLOADS))


def _folders_of(path: Path) -> set[Path]:
    """Return the folders that a file or link is in, wherever it leads."""
    folder = path.parent.resolve()
    return {folder, *folder.parents}


def manifest_of(run: Run) -> Manifest | None:
    """Return the manifest of a run; none where it is damaged, which keeps nobody's rows from being removed."""
    try:
        return Manifest.read(run.folder)
    except AuditError:
        return None
