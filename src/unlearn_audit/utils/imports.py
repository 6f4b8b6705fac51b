"""Imports of many modules, which take longer than a small audit's attacks: made faster, or while others work."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def import_meanwhile(*names: str) -> None:
    """Import modules in a thread, so that they are there once they are needed; whoever needs one says what is wrong."""

    def get() -> None:
        with suppress(Exception):
            for name in names:
                import_module(name)

    threading.Thread(target=get, daemon=True, name="imports").start()
