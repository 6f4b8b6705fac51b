"""Where values and modules come from: installed, or the user's own."""

from __future__ import annotations

import ast
import os
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from unlearn_audit.models.fingerprint.installed import is_installed
from unlearn_audit.models.fingerprint.syntax import Use, local_names

NOWHERE = object()
"""What a name stands for that nothing binds."""


def label_of(module: str) -> str:
    """Return what a module is called wherever it lies: a file loaded by its path has a name that tells its content."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).stem if module.startswith("unlearn_audit_user_") and file else module


def top_of(kind: type) -> str:
    """Return the top-level module of a class."""
    return kind.__module__.partition(".")[0]


def slots_of(holder: Any) -> dict[str, Any]:
    """Return what an object holds in slots."""
    names = [
        name
        for base in type(holder).__mro__
        if "__slots__" in vars(base)
        for name, value in vars(base).items()
        if isinstance(value, types.MemberDescriptorType) and not name.startswith("__")
    ]
    return {name: getattr(holder, name) for name in names if hasattr(holder, name)}


def content_of(cell: Any) -> Any:
    """Return what a cell of a closure holds."""
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return None


def file_of(names: Mapping[str, Any]) -> str | None:
    """Return the file of a module, given what it holds."""
    file = names.get("__file__")
    return str(file) if file else None


def holds_installed(names: Mapping[str, Any]) -> bool:
    """Return whether a module is installed, given what it holds."""
    name, file = names.get("__name__") or "", file_of(names)
    if file is None and (paths := list(names.get("__path__") or ())):
        return is_installed(name, str(paths[0]))
    return is_installed(name, file)


def is_users_own(value: Any) -> bool:
    """Return whether something is a function, a class or an object of the user's own."""
    if value is NOWHERE or isinstance(value, ModuleType):
        return False
    if isinstance(value, FunctionType):
        return not holds_installed(value.__globals__)
    kind = value if isinstance(value, type) else type(value)
    return not holds_installed(vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {})


def constant_path(use: Use, reader: FunctionType) -> Any:
    """Return the first argument of a call if it is a global name for a path."""
    first = use.call.args[0] if use.call is not None and use.call.args else None
    if not isinstance(first, ast.Name) or first.id in local_names(reader.__code__):
        return None
    value = reader.__globals__.get(first.id)
    return value if isinstance(value, str | os.PathLike) else None


def packages_above(module: str) -> Iterator[ModuleType]:
    """Yield the packages that a module is in."""
    parts = module.split(".")
    for n in range(1, len(parts)):
        if (package := sys.modules.get(".".join(parts[:n]))) is not None:
            yield package
