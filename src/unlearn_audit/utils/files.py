"""Writing files so that a killed process never leaves half of one, and so that only their owner can read them."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearn_audit.errors import AuditError

PRIVATE_FILE, PUBLISHABLE_FILE, PRIVATE_FOLDER = 0o600, 0o666, 0o700
"""Modes from which the umask takes away: what may hold records is its owner's alone under every umask."""


_NO_TEXT = "its name is no text in the encoding of this system"


class CannotWrite(OSError, AuditError):
    """A file or folder that cannot be written: the sentence that a user reads, and an `OSError` with all it knows.

    Examples
    --------
    >>> print(CannotWrite(28, "No space left on device", "out/findings.json"))
    out/findings.json cannot be written (No space left on device); make room there, or write elsewhere
    """

    def __str__(self) -> str:
        """Return the sentence."""
        return f"{self.filename} cannot be written ({self.strerror}); {self._advice}"

    @property
    def _advice(self) -> str:
        if self.errno in (errno.ENOSPC, errno.EDQUOT):
            return "make room there, or write elsewhere"
        if self.errno in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
            return "move away what has this name, or write elsewhere"
        return "write elsewhere"


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; what is there keeps its mode.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    _check_name(path)
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        path.mkdir(PRIVATE_FOLDER, exist_ok=True)


@contextmanager
def atomic_path(path: Path, *, durable: bool = True, publishable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place once the block ends without an error.

    A reader finds the old file, the new file or none, never a part of one, whenever the process is killed.

    Parameters
    ----------
    path
        Where the content goes. Missing parent folders are made.
    durable
        Whether the content reaches the disk before the name does, so that this holds when the machine loses its
        power, too; what carries a digest, and can be made again, need not wait for the disk.
    publishable
        Whether the file names no record and gets the mode that the umask gives; any other is its owner's alone.

    Raises
    ------
    CannotWrite
        If it cannot be written.
    """
    with _named(path):
        temporary = _beside(path, PUBLISHABLE_FILE if publishable else PRIVATE_FILE)
    try:
        with _named(path):
            yield temporary
            if durable:
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of whatever cannot be written that it is ``path``, and not its temporary neighbour."""
    try:
        yield
    except CannotWrite:
        raise
    except OSError as error:
        # what a library adds to a number of the system can be long
        why = _NO_TEXT if error.errno == errno.EILSEQ else os.strerror(error.errno) if error.errno else _said(error)
        raise CannotWrite(error.errno or errno.EIO, why, str(path)) from error


def _said(error: OSError) -> str:
    return " ".join(str(error).split())


def _beside(path: Path, mode: int) -> Path:
    """Make an empty file beside another and return its path."""
    _check_name(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileNotFoundError:
        make_folder(path.parent)
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    os.close(handle)
    return temporary


def _check_name(path: Path) -> None:
    """Raise an `OSError` where not every library that writes can write the name: bytes that are no text, or a zero."""
    try:
        os.fsencode(path)
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, _NO_TEXT, str(path)) from error
    if "\0" in str(path):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))


def write_atomic(
    path: Path, content: bytes | memoryview | str, *, durable: bool = True, publishable: bool = False
) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` as `atomic_path` does; missing parent folders are made."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, durable=durable, publishable=publishable) as temporary:
        temporary.write_bytes(data)
