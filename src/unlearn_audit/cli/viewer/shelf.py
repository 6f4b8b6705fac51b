"""The runs under a folder: found, read as far as they can be, and said what is wrong with the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG

from unlearn_audit.audits.comparison.findings import RunRow
from unlearn_audit.audits.comparison.folders import FINDINGS, SCORES, read_run
from unlearn_audit.cli.viewer.files import PAGES, shown_files
from unlearn_audit.engine.store.folder import MARKER
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.manifest import MANIFEST, check_recorded

DEPTH = 4
"""How far below its folder a run is looked for."""

MOST = 2_000
"""Folders beyond these are not looked at."""

KINDS = {
    FINDINGS: "run",
    "methods.json": "methods",
    "comparison.json": "comparison",
    "naming.json": "naming",
    "reconstruction.json": "reconstruction",
    "rectification.json": "rectification",
    "plan.json": "release plan",
    "claims.csv": "experiment",
}
"""What a command leaves, and what its run is called."""

DAMAGED, UNFINISHED, FOREIGN = "damaged", "unfinished", "foreign"
"""The kinds of folders that cannot be read."""

_READ = (MARKER, MANIFEST, SCORES, *KINDS, *PAGES)
"""Files that are looked into."""


@dataclass(frozen=True)
class Entry:
    """A folder on the list.

    Attributes
    ----------
    key
        What addresses call it: a digest of its path from the top.
    name
        Its path from the top.
    kind
        One of `KINDS`, ``release``, or what is wrong with it.
    folder
        Where it lies.
    row
        What it found, of a run or a release.
    problem
        Why it cannot be read, in a sentence; empty where it can.
    files
        Names of its files that are shown.
    changed
        When its findings were written, in seconds.
    """

    key: str
    name: str
    kind: str
    folder: Path
    row: RunRow | None
    problem: str
    files: tuple[str, ...]
    changed: float

    @property
    def page(self) -> str | None:
        """The file that people read; None where there is none."""
        return next((name for name in PAGES if name in self.files), None)


@dataclass(frozen=True)
class Shelf:
    """All that lies under a folder.

    Attributes
    ----------
    top
        The folder, without links in its path.
    """

    top: Path

    @classmethod
    def of(cls, folder: Path) -> Shelf:
        """Return what lies under a folder.

        Raises
        ------
        AuditError
            If there is no such folder.
        """
        if not folder.is_dir():
            raise AuditError(f"{folder} is not a folder; give the one that holds the runs")
        return cls(folder.resolve())

    def entries(self) -> tuple[list[Entry], bool]:
        """Return the folders of runs, those directly below that hold none, and whether not all were looked at."""
        found: list[Entry] = []
        holding: set[str] = set()
        for looked, (folder, names) in enumerate(_walk(self.top)):
            if looked == MOST:
                return found, True
            if names & {MARKER, *KINDS}:
                found.append(self._entry(folder))
                holding.add(folder.relative_to(self.top).parts[0] if folder != self.top else "")
        for name in () if "" in holding else sorted(_folders(self.top)):
            if name not in holding:
                found.append(self._foreign(self.top / name))
        return found, False

    def _entry(self, folder: Path) -> Entry:
        stamp = tuple((name, *_stamp(folder / name)) for name in _READ)
        kind, row, problem, files = _read(folder, self._name(folder), stamp)
        changed = max((of[1] for of in stamp), default=0) / 1e9
        return Entry(self._key(folder), self._name(folder), kind, folder, row, problem, files, changed)

    def _foreign(self, folder: Path) -> Entry:
        problem = f"There is no run of unlearn-audit in it, or up to {DEPTH} folders below the top."
        return Entry(self._key(folder), self._name(folder), FOREIGN, folder, None, problem, (), 0.0)

    def _name(self, folder: Path) -> str:
        return folder.name if folder == self.top else folder.relative_to(self.top).as_posix()

    def _key(self, folder: Path) -> str:
        return sha256(os.fsencode(folder.relative_to(self.top))).hexdigest()[:16]


def _walk(top: Path) -> Iterator[tuple[Path, set[str]]]:
    """Yield folders with the names of their files, the top first; none below a run, and no link is followed."""
    for at, folders, names in os.walk(top):
        folder, held = Path(at), set(names)
        deep = len(folder.relative_to(top).parts) >= DEPTH or (folder != top and held & {MARKER, *KINDS})
        folders[:] = [] if deep else sorted(of for of in folders if _is_folder(folder / of))
        yield folder, held


def _folders(top: Path) -> list[str]:
    with os.scandir(top) as found:
        return [of.name for of in found if not of.name.startswith(".") and of.is_dir(follow_symlinks=False)]


def _is_folder(path: Path) -> bool:
    return not path.name.startswith(".") and path.name != "observations" and not path.is_symlink()


def _stamp(path: Path) -> tuple[int, int, bool]:
    """Return when a file was changed, how large it is, and whether it is a plain one; zeros where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return 0, 0, True
    return found.st_mtime_ns, found.st_size, S_ISREG(found.st_mode)


_Stamps = tuple[tuple[str, int, int, bool], ...]
_Read = tuple[str, RunRow | None, str, tuple[str, ...]]
"""The kind of a folder, what it found, what is wrong, and the files that are shown."""


@lru_cache(maxsize=2 * MOST)
def _read(folder: Path, name: str, stamp: _Stamps) -> _Read:
    """Read a folder; what was read is kept as long as its files have the same stamp."""
    odd = [of for of, _, _, plain in stamp if not plain]
    if odd:
        return DAMAGED, None, f"{odd[0]} is a link or not a plain file, so this folder is not read.", ()
    there = {of for of, changed, _, _ in stamp if changed}
    document = next((of for of in KINDS if of in there), None)
    if document is None:
        return UNFINISHED, None, "The run did not finish, or left no figures; repeat its command to continue.", ()
    try:
        for file in (document, *(of for of in PAGES if of in there)):
            check_recorded(folder / file)
        run = read_run(folder, name) if document == FINDINGS else None
        files = tuple(shown_files(folder))
    except (AuditError, OSError) as error:
        return DAMAGED, None, f"{error}.", ()
    row = None if run is None else run.row
    return (KINDS[document] if row is None else row.kind), row, "", files
