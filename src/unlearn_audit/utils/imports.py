"""Imports of many modules at once, which takes longer than a small audit's attacks: faster, and beforehand."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage while modules are imported, and never again among what they made."""
    enabled, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if enabled:
            gc.enable()


def import_whole(module: str) -> None:
    """Import a module and all that it imports."""
    with importing():
        import_module(module)
