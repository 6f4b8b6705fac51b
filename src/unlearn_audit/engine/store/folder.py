"""The folder of one run: marked, locked, and never shared by two configurations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import PRIVATE_FILE, make_folder, write_atomic

_MARKER = "unlearn-audit-run.json"
_LOCK = ".lock"


@contextmanager
def run_folder(folder: Path, identity: Mapping[str, Any]) -> Iterator[Path]:
    """Hold a folder for one run.

    Parameters
    ----------
    folder
        Made if it is not there; must be empty, or of a run with the same identity (which is continued).
    identity
        What the run is: its resolved configuration.

    Raises
    ------
    AuditError
        If the folder holds anything else, belongs to another configuration, is in use, or cannot be written.
    """
    try:
        make_folder(folder)
        _refuse_foreign(folder)  # already here, as nothing, not even a lock, is written among the files of others
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from error
    with _locked(folder, busy="wait for it or choose another --out", unwritable="choose another folder with --out"):
        _claim(folder, identity)
        yield folder


@contextmanager
def existing_run(folder: Path) -> Iterator[Path]:
    """Hold the folder of a run that was made before, whatever run it is of.

    Raises
    ------
    AuditError
        If there is no such run, it is in use, or it cannot be written.
    """
    if not (folder / _MARKER).is_file():
        raise AuditError(f"{folder} holds no run of unlearn-audit (it has no {_MARKER}); give the folder of a run")
    with _locked(folder, busy="wait for it", unwritable="check its permissions"):
        yield folder


@contextmanager
def _locked(folder: Path, *, busy: str, unwritable: str) -> Iterator[None]:
    """Hold the lock of a folder, or say what to do if another run holds it or it cannot be written."""
    lock = FileLock(folder / _LOCK, mode=PRIVATE_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise AuditError(f"{folder} is in use by another run; {busy}") from error
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); {unwritable}") from error
    try:
        yield
    finally:
        lock.release()


def content_of(folder: Path) -> list[str]:
    """Return the sorted names of what a folder holds, but for files that someone is still writing."""
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not (name.startswith(".") and name.endswith(".part")))


def _refuse_foreign(folder: Path) -> None:
    """Raise if a folder has content that no run of ours can have put there."""
    others = [name for name in content_of(folder) if name != _LOCK]
    # a run writes its marker before all else: looked for after the content, it cannot be missed
    if others and not (folder / _MARKER).exists():
        raise AuditError(
            f"{folder} is not empty and holds no run of unlearn-audit (it has {others[0]}); "
            "choose a new folder with --out"
        )


def _claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Mark a locked folder as that of a run, or check that it already is."""
    marker = folder / _MARKER
    try:
        _refuse_foreign(folder)
        if not marker.exists():
            write_atomic(marker, json.dumps({"key": digest(identity), "identity": identity}, indent=1) + "\n")
            return
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from error
    try:
        found = json.loads(marker.read_text(encoding="utf-8"), object_hook=_with_current_keys)
        key, there = found["key"], found["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(
            f"{marker} is broken, so whose run {folder} holds is not known; remove that file or choose another --out"
        ) from error
    if digest(identity) not in (key, digest(there)):
        raise AuditError(f"{folder} holds another run ({_difference(there, identity)}); choose another --out")


def _with_current_keys(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of a recorded configuration with the keys of today: in data, ``person`` was called ``unit``."""
    return {"person" if key == "unit" and "file" in block else key: value for key, value in block.items()}


def _difference(there: Any, asked: Any, key: str = "") -> str:
    """Say where two configurations first differ."""
    if isinstance(there, dict) and isinstance(asked, dict):
        for name in sorted(there.keys() | asked.keys()):
            if there.get(name) != asked.get(name):
                return _difference(there.get(name), asked.get(name), f"{key}.{name}" if key else name)
    if all(isinstance(value, str) and len(value) == 64 for value in (there, asked)):
        return f"{key} is not the same any more"
    return f"{key or 'configuration'}: {json.dumps(there)} there, {json.dumps(asked)} asked"
