"""The manifest of a folder: a digest of every file that a run wrote there, so that nothing in it changes unseen.

It tells damage and later changes. It is no signature: whoever changes a file and the manifest with it is not found out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import recording, write_atomic
from unlearn_audit.utils.invocation import invocation

MANIFEST = "unlearn-audit-manifest.json"

LOCK = ".lock"
"""In a folder of a run: held while one writes there."""

_LAYOUT = 1
_OF_THE_RUN = ("finished", "command")
_DEPTH = 2
"""How far below its manifest a file of a run lies at most."""


@dataclass(frozen=True)
class Manifest:
    """What a run wrote.

    Attributes
    ----------
    files
        Path from the folder, with slashes, to the SHA-256 of the content.
    version
        Of the program that wrote them.
    finished
        When the run ended, in universal time; None in a manifest of an earlier version.
    command
        The command line without ids; None where the package was called from Python, or in one of an earlier version.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    version: str = field(default_factory=lambda: version("unlearn-audit"))
    finished: str | None = None
    command: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Return the manifest of a folder; None if there is none, as in a folder of an earlier version.

        Raises
        ------
        AuditError
            If it cannot be read or is not as it was written.
        """
        path = folder / MANIFEST
        if not os.path.lexists(path):
            return None
        try:
            document = dict(json.loads(path.read_bytes()))
            if document.pop("digest") != _digest(document) or document["layout"] != _LAYOUT:
                raise ValueError("it has changed since it was written")
            return cls(
                {str(name): str(value) for name, value in document["files"].items()},
                str(document["version"]),
                *(None if document.get(name) is None else str(document[name]) for name in _OF_THE_RUN),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AuditError(
                f"{path} is damaged or of another version, so it is not known whether the files next to it have "
                "changed; run the audit again into this folder"
            ) from error

    def write(self, folder: Path) -> None:
        """Write it into the folder, in place of any that is there."""
        document = {
            "layout": _LAYOUT,
            "version": self.version,
            **{name: getattr(self, name) for name in _OF_THE_RUN},
            "files": dict(sorted(self.files.items())),
        }
        write_atomic(folder / MANIFEST, json.dumps({**document, "digest": _digest(document)}, indent=1) + "\n")

    def updated(self, folder: Path, changed: Mapping[str, str | None]) -> None:
        """Write the manifest into the folder with other digests of some files; a file with None is gone."""
        files = {name: of for name, of in {**self.files, **changed}.items() if of is not None}
        if files != self.files:
            replace(self, files=files).write(folder)


What = Literal["missing", "changed", "unexpected", "unreadable"]


@dataclass(frozen=True, order=True)
class Difference:
    """A file of a folder that is not as a run wrote it."""

    file: str
    what: What


def differences(folder: Path, manifest: Manifest) -> list[Difference]:
    """Compare the files of a folder, and those alone, with its manifest; links are looked at and not followed.

    Parameters
    ----------
    folder
        Of a run. What lies in a folder of its own with a marker of this program is not counted to it.
    manifest
        What the run wrote there.
    """
    there = dict(files_of(folder))
    found = []
    for name in sorted(manifest.files.keys() | there.keys()):
        if name not in there:
            found.append(Difference(name, "missing"))
        elif name not in manifest.files:
            found.append(Difference(name, "unexpected"))
        elif not there[name]:
            found.append(Difference(name, "changed"))
        else:
            try:
                if digest_of(folder / name) != manifest.files[name]:
                    found.append(Difference(name, "changed"))
            except OSError:
                found.append(Difference(name, "unreadable"))
    return found


def files_of(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the path, from the folder, of each file there, and whether it is a plain one; no lock, and no manifest."""
    for at, folders, names in os.walk(folder):
        below = Path(at)
        folders[:] = sorted(name for name in folders if not _is_of_its_own(below / name))
        for name in sorted([*names, *(of for of in folders if (below / of).is_symlink())]):
            path = below / name
            if below == folder and name in (MANIFEST, LOCK):
                continue
            yield path.relative_to(folder).as_posix(), S_ISREG(path.lstat().st_mode)


def _is_of_its_own(folder: Path) -> bool:
    """Return whether a folder inside a run's holds a store or another run, as where ``--store`` lies in ``--out``."""
    if not S_ISDIR(folder.lstat().st_mode):
        return False
    try:
        return any(name.startswith("unlearn-audit-") for name in os.listdir(folder))
    except OSError:
        return False


def check_recorded(path: Path) -> None:
    """Raise if a file lies in the folder of a run and is not as the run wrote it.

    A file that no manifest names passes: that of a folder of an earlier version, or one that no run wrote.

    Raises
    ------
    AuditError
        If the file was changed, or the manifest above it is damaged.
    """
    path = path.absolute()
    for folder in path.parents[:_DEPTH]:
        manifest = Manifest.read(folder)
        wanted = None if manifest is None else manifest.files.get(path.relative_to(folder).as_posix())
        if wanted is not None and not _may_be(path, wanted):
            raise AuditError(
                f"{path} has changed since the run wrote it (see unlearn-audit verify {folder}); run the audit again "
                "into this folder, or copy the file elsewhere if the change is intended"
            )


def _may_be(path: Path, digest: str) -> bool:
    """Return whether a file has a digest, or whether whoever reads it will say why it cannot be read."""
    try:
        return digest_of(path) == digest
    except OSError:
        return True


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def recorded(folder: Path, before: Manifest | None, marker: str) -> Iterator[None]:
    """Write a manifest of what is written, by this package, into a folder while the block runs; last, and atomically.

    The manifest of before is removed as the first file is written, so that none ever speaks of other files.

    Parameters
    ----------
    folder
        Of a run.
    before
        The manifest that is there. What it names and is not written again stays named if it is as it was.
    marker
        A file that was there before and belongs to the run.
    """
    written: dict[str, str] = {}
    top = folder.absolute()

    def note(path: Path, temporary: Path) -> None:
        path = path.absolute()
        if top not in path.parents or any(_is_of_its_own(up) for up in path.parents if top in up.parents):
            return
        if not written:
            (folder / MANIFEST).unlink(missing_ok=True)
        written[path.relative_to(top).as_posix()] = digest_of(temporary)

    with recording(note):
        yield
    if not written:
        return
    old = {} if before is None else {name: of for name, of in before.files.items() if name not in written}
    kept = {name: of for name, of in old.items() if _is_as(folder / name, of)}
    Manifest(
        {**kept, marker: digest_of(folder / marker), **written},
        finished=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=invocation(),
    ).write(folder)


def _is_as(path: Path, digest: str) -> bool:
    try:
        return S_ISREG(path.lstat().st_mode) and digest_of(path) == digest
    except OSError:
        return False


def _digest(document: Mapping[str, Any]) -> str:
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
