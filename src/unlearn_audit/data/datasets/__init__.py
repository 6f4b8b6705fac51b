"""Datasets known by name, a file a family: its `Source`, which says where the data come from, and its loader.

A file lists what it holds in ``DATASETS``, name to source and loader, and is found by lying in this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from unlearn_audit.data.base import Images, Table
from unlearn_audit.data.source import Source

Loader = Callable[[Path], Table | Images]
"""Reads a dataset from the data folder; an AuditError says what is missing or wrong."""

_FOUND: list[tuple[str, tuple[Source, Loader]]] = [
    entry
    for module in sorted(found.name for found in iter_modules(__path__))
    for entry in import_module(f"{__name__}.{module}").DATASETS.items()
]

DATASETS: dict[str, tuple[Source, Loader]] = dict(sorted(_FOUND, key=lambda entry: bool(entry[1][0].files)))
"""Every dataset known by name; first those that need no files."""
