"""Writing files so that a killed process never leaves half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
