"""Writing files so that a killed process never leaves half of one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from unlearn_audit.utils.held import hold_part

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


@contextmanager
def atomic_path(path: Path, *, durable: bool = True, within: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, or ``within`` a folder, that takes its place once the block ends well.

    A reader finds the old file, the new file or none, never a part of one, whenever the process is killed. If it is
    ``durable`` the content reaches the disk before the name does, so that this holds when the machine loses its power,
    too; what carries a digest of its own, and can be made again, need not wait for the disk.
    """
    held = hold_part(within or path.parent, path.name)
    if sys.platform == "win32":
        held.close()  # as a file that is open keeps its name there
    try:
        yield held.path
        if durable:
            with held.path.open("rb") as written:
                os.fsync(written.fileno())
        held.path.chmod(0o644)
        if (note := _recorder.get()) is not None:
            note(path, held.path)
        _rename(held.path, path)
    finally:
        held.remove()


def _rename(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)


def write_atomic(
    path: Path, content: bytes | memoryview | str, *, durable: bool = True, within: Path | None = None
) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` as `atomic_path` does; missing parent folders are made."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, durable=durable, within=within) as temporary:
        temporary.write_bytes(data)
