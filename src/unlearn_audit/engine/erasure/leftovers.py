"""What killed runs left half written, and whether a running one still holds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from unlearn_audit.engine.store.store import TEMPORARY
from unlearn_audit.utils.held import abandoned


def leftovers(folder: Path, *, temporary: bool) -> Iterator[Path]:
    """Yield files half written in a folder, however deep, and all that lies in a store's folder of temporary data."""
    place = folder / TEMPORARY
    if temporary and place.is_dir() and not place.is_symlink():
        yield from sorted(place.iterdir())
    for path in sorted(folder.rglob(".?*.part")):
        if not (temporary and place in path.parents):
            yield path


def is_held(path: Path) -> bool:
    """Return whether a running audit holds a leftover: the file itself, or the lock next to a folder of that name."""
    lock = path.with_name(f"{path.name}.lock") if path.is_dir() and not path.is_symlink() else path
    return lock.exists() and not abandoned(lock, remove=False)


def remove(path: Path) -> None:
    """Remove a leftover; of a link, the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
