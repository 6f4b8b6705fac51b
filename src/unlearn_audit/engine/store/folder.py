"""The folder of one run: marked, locked, never shared by two configurations, and with a digest of all that it holds."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.held import abandoned, half_written, is_part
from unlearn_audit.utils.manifest import LOCK, MANIFEST, Difference, Manifest, differences, files_of, recorded
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.modes import PRIVATE_FILE, make_folder

MARKER = "unlearn-audit-run.json"

PURGED = "purged.json"
"""In a run folder: that records were removed, how many rows, and when; it names nobody."""

NO_RUN = f"{{}} holds no run of unlearn-audit (it has no {MARKER}); give the folder of a run"


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=2)


@contextmanager
def run_folder(
    folder: Path,
    identity: Mapping[str, Any],
    say: Callable[[str], None] = _warn,
    store: Path | None = None,
    *,
    force: bool = False,
) -> Iterator[Path]:
    """Hold a folder for one run, and leave a manifest of what the run wrote there.

    Parameters
    ----------
    folder
        Made if it is not there; must be empty, of a run with the same identity (which is continued), or of one that
        failed before it wrote anything. Files that a killed process left half written are removed.
    identity
        What the run is: its resolved configuration.
    say
        Called with what an earlier run left here that is no longer as it was written; all of it is written again.
    store
        The store that the run uses, which is noted for whoever erases records later; None if it uses none.
    force
        Whether another run in the folder is replaced: the files that it wrote are removed. Where the folder holds
        any other file, or it is not known which files the run wrote, nothing is removed.

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
        _refuse_another(folder, identity, force=force)
        for left in list(half_written(folder, "**/*")):
            abandoned(left)
        with recorded(folder, _before(folder, say), MARKER):
            _claim(folder, identity, store)
            yield folder


@contextmanager
def existing_run(folder: Path) -> Iterator[Path]:
    """Hold the folder of a run that was made before, whatever run it is of.

    Raises
    ------
    AuditError
        If there is no such run, it is in use, or it cannot be written.
    """
    if not (folder / MARKER).is_file():
        raise AuditError(NO_RUN.format(folder))
    with _locked(folder, busy="wait for it", unwritable="check its permissions"):
        yield folder


def verified(folder: Path) -> tuple[Manifest, list[Difference]]:
    """Return the manifest of a run and how its folder differs from it.

    Raises
    ------
    AuditError
        If it is no run, or its manifest is missing or damaged.
    """
    if not (folder / MARKER).is_file() and not (folder / MANIFEST).is_file():
        raise AuditError(NO_RUN.format(folder))
    manifest = Manifest.read(folder)
    if manifest is None:
        raise AuditError(
            f"{folder} has no digests recorded: an earlier version made it, or its run did not end; run the audit "
            "again into it"
        )
    return manifest, differences(folder, manifest)


@contextmanager
def _locked(folder: Path, *, busy: str, unwritable: str) -> Iterator[None]:
    """Hold the lock of a folder, or say what to do if another run holds it or it cannot be written."""
    lock = FileLock(folder / LOCK, mode=PRIVATE_FILE)
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
    return sorted(name for name in names if not is_part(name))


def _refuse_foreign(folder: Path) -> None:
    """Raise if a folder has content that no run of ours can have put there."""
    others = [name for name in content_of(folder) if name != LOCK]
    # a run writes its marker before all else: looked for after the content, it cannot be missed
    if others and not (folder / MARKER).exists():
        raise AuditError(
            f"{folder} is not empty and holds no run of unlearn-audit (it has {others[0]}); "
            "choose a new folder with --out"
        )


def _refuse_another(folder: Path, identity: Mapping[str, Any], *, force: bool) -> None:
    """Raise if a locked folder holds what no run put there, or the run of another configuration; or remove that run."""
    marker = folder / MARKER
    try:
        _refuse_foreign(folder)
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from error
    if not marker.exists():
        return
    try:
        found = json.loads(marker.read_text(encoding="utf-8"), object_hook=_with_current_keys)
        key, there = found["key"], found["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(
            f"{marker} is broken, so which run {folder} holds is not known; remove that file or choose another --out"
        ) from error
    if digest(identity) in (key, digest(there)) or _left_nothing(folder):
        return
    if not force:
        raise AuditError(
            f"{folder} holds another run ({_difference(there, identity)}); choose another --out, or replace it with "
            "--force"
        )
    _remove_run(folder)


def _left_nothing(folder: Path) -> bool:
    """Whether a run that did not end left nothing in its folder but the marker that says whose it is."""
    return not (folder / MANIFEST).exists() and [name for name, _ in files_of(folder)] == [MARKER]


def _remove_run(folder: Path) -> None:
    """Remove the files that a run wrote into a locked folder, but for its marker; nothing where there are others."""
    manifest = Manifest.read(folder)
    there = dict(files_of(folder))
    written = {MARKER, PURGED} if manifest is None else {MARKER, PURGED, *manifest.files}
    others = [name for name in there if name not in written and not is_part(Path(name).name)]
    if others:
        known = "which no run wrote" if manifest else "and the digests that would say what a run wrote are missing"
        raise AuditError(
            f"{folder} holds another run and {shortened(others, 3)}, {known}; move what you need out of the folder and "
            "remove it, or choose another --out"
        )
    try:
        for name in there.keys() - {MARKER}:
            (folder / name).unlink()
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from error


def _claim(folder: Path, identity: Mapping[str, Any], store: Path | None) -> None:
    """Mark a locked folder as that of a run, with the stores that it ever used."""
    marker = folder / MARKER
    stores = sorted({*stores_noted(folder), *([] if store is None else [str(store.absolute())])})
    text = json.dumps({"key": digest(identity), "identity": identity, "stores": stores}, indent=1) + "\n"
    try:
        if not marker.exists() or marker.read_bytes() != text.encode():
            write_atomic(marker, text)
    except OSError as error:
        raise AuditError(f"{folder} cannot be written ({error.strerror}); choose another folder with --out") from error


def stores_noted(folder: Path) -> list[str]:
    """Return the stores that the marker of a run names; none in one of an earlier version."""
    try:
        return [str(name) for name in json.loads((folder / MARKER).read_bytes())["stores"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _before(folder: Path, say: Callable[[str], None]) -> Manifest | None:
    """Return the manifest of an earlier run of a folder, and say what is no longer as it says."""
    try:
        manifest = Manifest.read(folder)
        found = [] if manifest is None else differences(folder, manifest)
    except AuditError as error:
        say(f"{str(error).partition(';')[0]}; the run writes all of them again")
        return None
    if wrong := [each for each in found if each.what != "unexpected"]:
        say(f"{folder} has changed since the previous run ({listed(wrong)}); it is written again")
    if (folder / PURGED).exists():
        say(f"records were purged from {folder}; this run writes rows of all records that are in the data now")
    return manifest


def listed(found: Sequence[Difference]) -> str:
    """Return differences as one list.

    Examples
    --------
    >>> listed([Difference("scores.parquet", "changed"), Difference("report.html", "missing")])
    'scores.parquet changed, report.html missing'
    """
    return shortened(f"{each.file} {each.what}" for each in found)


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
        return f"{key} has changed"
    named = key.removeprefix("query.")
    return f"{named or 'configuration'}: {json.dumps(there)} there, {json.dumps(asked)} asked"
