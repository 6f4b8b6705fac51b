"""Files and folders that their process holds while it works: one that nobody holds was left by a dead process.

The system gives up a lock with the process that has it, however it dies, so a lock tells the living from the dead
where the number of a process, or the age of a file, would guess.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from unlearn_audit.utils.modes import PRIVATE_FILE, PRIVATE_FOLDER, check_name, make_folder

_PART, _LOCK = ".part", ".lock"

_HALF_WRITTEN = re.compile(r"\..+\.\w{8}\.part")

_SECONDS_TO_WAIT = 5.0

_DOOR = threading.Lock()
_MINE: set[Path] = set()
"""What this process holds."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Take a lock; raise a `BlockingIOError` if another has it, another `OSError` where the disk knows no locks."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass
class Held:
    """A file that this process holds.

    Attributes
    ----------
    path
        Where it lies.
    descriptor
        It is held as long as this is open; None once it is closed.
    """

    path: Path
    descriptor: int | None

    def close(self) -> None:
        """Hold it no longer; it stays."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def remove(self) -> None:
        """Remove it where it still has its name, and hold it no longer."""
        try:
            _remove(self.path)
        finally:
            self.close()
            _MINE.discard(self.path)
        if sys.platform == "win32":  # where nothing that is open can be removed
            _remove(self.path)


def hold_part(folder: Path, name: str, mode: int = PRIVATE_FILE) -> Held:
    """Make and hold the file that is to become ``name``, see `half_written`; a missing folder is made."""
    return _hold_new(folder, f".{name}.", _PART, mode)


@contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """Make a folder within ``folder`` and hold it for a while, then remove it, and ``folder`` too if it is empty."""
    held = _hold_new(folder, f"{os.getpid()}-", _LOCK)
    inside = _folder_of(held.path)
    try:
        inside.mkdir(PRIVATE_FOLDER)
        yield inside
    finally:
        held.remove()
        with suppress(OSError):
            folder.rmdir()


def is_part(name: str) -> bool:
    """Return whether a file is named as one is that is to become another, by this version or an earlier one.

    Examples
    --------
    >>> is_part(".findings.json.0123abcd.part"), is_part("records.bin.part")
    (True, False)
    """
    return name.startswith(".") and name.endswith(_PART)


def half_written(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """Yield the files in a folder that are to become others, whether or not a process still writes them."""
    for path in folder.glob(pattern):
        if _HALF_WRITTEN.fullmatch(path.name) and path.is_file():
            yield path


def leftovers(folder: Path) -> Iterator[Path]:
    """Yield what `hold_part` and `held_folder` made in a folder, whether or not a process still holds it."""
    yield from half_written(folder)
    for lock in folder.glob(f"*{_LOCK}"):
        if owner_of(lock) is not None:
            yield lock


def owner_of(leftover: Path) -> int | None:
    """Return the number of the process that made a folder to hold; None for a file."""
    process = leftover.name.partition("-")[0]
    return int(process) if process.isdecimal() else None


def size_of(path: Path) -> int:
    """Return the bytes of a leftover, its folder included; what vanishes meanwhile has none."""
    size = 0
    for file in (path, *(_folder_of(path).rglob("*") if path.suffix == _LOCK else ())):
        with suppress(OSError):
            size += file.stat().st_size if file.is_file() else 0
    return size


def abandoned(path: Path, *, remove: bool = True) -> bool:
    """Return whether no process holds a leftover, and remove it then, unless told otherwise.

    On a disk that knows no locks nothing counts as abandoned.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    held = Held(path, descriptor)
    try:
        _lock(descriptor)
        if remove:
            held.remove()
    except OSError:
        return False
    finally:
        held.close()
    return True


def remove_all_held() -> None:
    """Remove what this process holds, and let it hold nothing more: for one that ends at once."""
    _DOOR.acquire(timeout=_SECONDS_TO_WAIT)
    for path in list(_MINE):
        _remove(path)


def _hold_new(folder: Path, prefix: str, suffix: str, mode: int = PRIVATE_FILE) -> Held:
    check_name(folder / prefix)
    while True:
        path = folder / f"{prefix}{secrets.token_hex(4)}{suffix}"
        with _DOOR:
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), mode)
            except FileNotFoundError:
                make_folder(folder)
                continue
            except FileExistsError:
                if not folder.is_dir():
                    raise
                continue
            held = Held(path, descriptor)
            _MINE.add(held.path)
        if not _taken_by_another(descriptor, held.path):
            return held
        held.remove()


def _taken_by_another(descriptor: int, path: Path) -> bool:
    """Lock a new file, unless another process found it before that, took it for abandoned and removes it."""
    try:
        _lock(descriptor)
    except BlockingIOError:
        return True
    except OSError:
        pass
    try:
        return not os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return True


def _folder_of(lock: Path) -> Path:
    return lock.with_suffix("")


def _remove(path: Path) -> None:
    if path.suffix == _LOCK:
        shutil.rmtree(_folder_of(path), ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)
