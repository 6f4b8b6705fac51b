"""Writing files so that a killed process never leaves half of one, and so that only their owner can read them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.held import hold_part
from unlearn_audit.utils.modes import NO_TEXT, PRIVATE_FILE, PUBLISHABLE_FILE, make_folder

Recorder = Callable[[Path, Path], None]
"""Takes where a file will be, and where its content is."""

_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording(note: Recorder) -> Iterator[None]:
    """Call a function with each file that is written while the block runs, just before it takes its place."""
    before = _recorder.set(note)
    try:
        yield
    finally:
        _recorder.reset(before)


class CannotWrite(OSError, AuditError):
    """A file or folder that cannot be written: the sentence that a user reads, and an `OSError` with all it knows.

    Examples
    --------
    >>> print(CannotWrite(28, "No space left on device", "out/findings.json"))
    out/findings.json cannot be written (No space left on device); make room there, or write elsewhere
    """

    def __init__(self, number: int, why: str, path: str) -> None:
        OSError.__init__(self, number, why, path)

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


@contextmanager
def atomic_path(
    path: Path, *, durable: bool = True, publishable: bool = False, within: Path | None = None
) -> Iterator[Path]:
    """Yield a temporary path that takes the place of ``path`` once the block ends without an error.

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
    within
        A folder of the same disk for what is half written; by default that of ``path``.

    Raises
    ------
    CannotWrite
        If it cannot be written.
    """
    with _named(path):
        held = hold_part(within or path.parent, path.name, PUBLISHABLE_FILE if publishable else PRIVATE_FILE)
        if sys.platform == "win32":
            held.close()  # as a file that is open keeps its name there
        try:
            yield held.path
            if durable:
                with held.path.open("rb") as written:
                    os.fsync(written.fileno())
            if (note := _recorder.get()) is not None:
                note(path, held.path)
            _rename(held.path, path)
        finally:
            held.remove()


def _rename(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except FileNotFoundError:
        make_folder(path.parent)
        temporary.replace(path)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of whatever cannot be written that it is ``path``, and not its temporary neighbour."""
    try:
        yield
    except CannotWrite:
        raise
    except OSError as error:
        # what a library adds to a number of the system can be long
        why = NO_TEXT if error.errno == errno.EILSEQ else os.strerror(error.errno) if error.errno else _said(error)
        raise CannotWrite(error.errno or errno.EIO, why, str(path)) from error


def _said(error: OSError) -> str:
    return " ".join(str(error).split())


def write_atomic(
    path: Path,
    content: bytes | memoryview | str,
    *,
    durable: bool = True,
    publishable: bool = False,
    within: Path | None = None,
) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` as `atomic_path` does; missing parent folders are made."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, durable=durable, publishable=publishable, within=within) as temporary:
        temporary.write_bytes(data)
