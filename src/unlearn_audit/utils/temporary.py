"""Where temporary data lie: in the store of the work that needs them, so that they are found if its process dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.held import held_folder

TEMPORARY = "tmp"
"""The folder in a store of what is half written and of temporary data."""


def default_store_folder() -> Path:
    """Return ``UNLEARN_AUDIT_STORE``, else a folder in the user's cache."""
    chosen = os.environ.get("UNLEARN_AUDIT_STORE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("unlearn-audit", appauthor=False)) / "store"


@dataclass(eq=False)
class _Place:
    """Where the temporary data of some work lie; their folder is made once there are any."""

    root: Path
    stack: ExitStack

    @cached_property
    def folder(self) -> Path:
        return self.stack.enter_context(held_folder(self.root))


_PLACE: ContextVar[_Place | None] = ContextVar("place", default=None)


def place_of_temporary_data() -> Path | None:
    """Return the folder that holds the temporary data of what runs here; None where none was named."""
    place = _PLACE.get()
    return None if place is None else place.root


@contextmanager
def temporary_data_below(root: Path) -> Iterator[None]:
    """Let temporary data of a block lie in a folder of its own below ``root``, which is removed with them."""
    with ExitStack() as stack:
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
        # workers may have been started in another folder
        yield Path(folder).absolute()
