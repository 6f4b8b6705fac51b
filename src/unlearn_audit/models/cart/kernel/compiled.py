"""The decorators of every function that is compiled, and where what was compiled is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba

from unlearn_audit.models.cart.place import compiled_folder

_Function = TypeVar("_Function", bound=Callable[..., object])


def entry_point(function: _Function) -> _Function:
    """Compile a function that Python calls, when it is first called; what was compiled is kept for other processes.

    Nothing in it may make an array: references are not counted, which would take half of the time.
    """
    return _compiled(function, inner=False)


def compiled(function: _Function) -> _Function:
    """Compile a function that only compiled ones call, as `entry_point` does: without what Python would call."""
    return _compiled(function, inner=True)


def _compiled(function: _Function, *, inner: bool) -> _Function:
    options: dict[str, Any] = {"nogil": True, "_nrt": False, "no_cfunc_wrapper": True, "no_cpython_wrapper": inner}
    with _kept_in(str(compiled_folder())):
        try:
            return cast(_Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:  # no folder can be written: each process compiles for itself
            return cast(_Function, numba.njit(**options)(function))


@contextmanager
def _kept_in(folder: str) -> Iterator[None]:
    """Let numba keep what is declared here in a folder, and what others declare where it was."""
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = folder
    try:
        yield
    finally:
        settings.CACHE_DIR = before
