"""Writing files so that a killed process never leaves half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

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
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place once the block ends without an error.

    A reader finds the old file, the new file or none, never a part of one, whenever the process is killed. If it is
    ``durable`` the content reaches the disk before the name does, so that this holds when the machine loses its power,
    too; what carries a digest of its own, and can be made again, need not wait for the disk.
    """
    try:
        handle, name = _beside(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = _beside(path)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o644)
        if (note := _recorder.get()) is not None:
            note(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> tuple[int, str]:
    return tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")


def write_atomic(path: Path, content: bytes | memoryview | str, *, durable: bool = True) -> None:
    """Write ``content`` (text as UTF-8) to ``path`` as `atomic_path` does; missing parent folders are made."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(data)
