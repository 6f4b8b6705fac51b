"""Temporary data: they lie in the store, where the next run and `prune` find what dead processes left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from unlearn_audit.engine.store.store import TEMPORARY, default_store_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.held import abandoned, half_written, held_folder, leftovers, owner_of, size_of
from unlearn_audit.utils.workers import remove_semaphores_of


@dataclass(eq=False)
class _Place:
    """Where the temporary data of some work lie; their folder is made once there are any."""

    root: Path
    stack: ExitStack

    @cached_property
    def folder(self) -> Path:
        return self.stack.enter_context(held_folder(self.root))


_PLACE: ContextVar[_Place | None] = ContextVar("place", default=None)


@contextmanager
def temporary_data_in(store: Path) -> Iterator[None]:
    """Let temporary data of a block lie in the folder of a store, and first remove what dead processes left there."""
    root, place = store / TEMPORARY, _PLACE.get()
    if place is not None and place.root == root:
        yield
        return
    remove_leftovers(store)
    with ExitStack() as stack:
        if not store.exists():
            stack.callback(_remove_if_empty, store)
        stack.callback(_PLACE.reset, _PLACE.set(_Place(root, stack)))
        yield


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder for temporary data, which is removed after the block.

    Raises
    ------
    AuditError
        If it cannot be made.
    """
    with ExitStack() as stack:
        place = _PLACE.get()
        if place is None:
            place = _Place(default_store_folder() / TEMPORARY, stack)
        try:
            folder = stack.enter_context(TemporaryDirectory(dir=place.folder, ignore_cleanup_errors=True))
        except OSError as error:
            raise AuditError(
                f"temporary data cannot be written in {place.root} ({error.strerror}); name another folder with "
                "--store or in the environment variable UNLEARN_AUDIT_STORE"
            ) from error
        yield Path(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def remove_leftovers(store: Path, *, dry_run: bool = False) -> list[int]:
    """Remove temporary data that dead processes left in the folder of a store; return the bytes of each.

    Parameters
    ----------
    store
        The folder; it need not be there.
    dry_run
        Whether to remove nothing and only say what would be removed.
    """
    sizes = []
    # its own marker is written beside what it marks
    for path in [*leftovers(store / TEMPORARY), *half_written(store)]:
        size = size_of(path)
        if abandoned(path, remove=not dry_run):
            sizes.append(size)
            if not dry_run and (owner := owner_of(path)) is not None:
                remove_semaphores_of(owner)
    return sizes
