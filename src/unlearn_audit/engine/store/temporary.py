"""Temporary data: they lie in the store, where the next run and `prune` find what dead processes left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from unlearn_audit.utils.held import abandoned, half_written, leftovers, owner_of, size_of
from unlearn_audit.utils.temporary import (
    TEMPORARY,
    place_of_temporary_data,
    temporary_data_below,
    temporary_folder,
)
from unlearn_audit.utils.workers import remove_semaphores_of

__all__ = ["remove_leftovers", "temporary_data_in", "temporary_folder"]


@contextmanager
def temporary_data_in(store: Path) -> Iterator[None]:
    """Let temporary data of a block lie in the folder of a store, and first remove what dead processes left there."""
    root = store / TEMPORARY
    if place_of_temporary_data() == root:
        yield
        return
    remove_leftovers(store)
    with ExitStack() as stack:
        if not store.exists():
            stack.callback(_remove_if_empty, store)
        stack.enter_context(temporary_data_below(root))
        yield


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
    # its own marker is written next to what it marks
    for path in [*leftovers(store / TEMPORARY), *half_written(store)]:
        size = size_of(path)
        if abandoned(path, remove=not dry_run):
            sizes.append(size)
            if not dry_run and (owner := owner_of(path)) is not None:
                remove_semaphores_of(owner)
    return sizes
