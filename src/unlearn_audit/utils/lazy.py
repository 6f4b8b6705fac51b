"""Public names of a package that are imported when they are first asked for.

Importing scikit-learn takes longer than looking at a release does; a command that trains nothing need not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    No name may be that of a module of the package: once that is imported it stands in the name's place.

    Parameters
    ----------
    package
        Its name.
    homes
        Module of the package to the names that it holds.
    """
    module_of = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(module_of[name]), name)

    return get, lambda: sorted(module_of)
