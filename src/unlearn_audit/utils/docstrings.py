"""What objects of installed packages say of themselves, read in their source: none of it is run."""

from __future__ import annotations

import ast
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint
from pathlib import Path


def docstring_of(point: EntryPoint) -> str:
    """Return the first line of the docstring of what an entry point names, without the full stop; empty if unknown.

    A class or function has one where its module defines it; an instance has none.
    """
    try:
        file = _file_of(point.module)
        module = ast.parse("" if file is None else file.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ""
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == point.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    return ""


def _file_of(module: str) -> Path | None:
    """Return the source of a module; unlike `importlib.util.find_spec`, no package above it is imported."""
    folders: list[str] | None = None
    origin: str | None = None
    for i, _ in enumerate(parts := module.split("."), 1):
        spec = PathFinder.find_spec(".".join(parts[:i]), folders)
        if spec is None:
            return None
        origin, folders = spec.origin, list(spec.submodule_search_locations or ())
    return Path(origin) if origin is not None and origin.endswith(".py") else None
