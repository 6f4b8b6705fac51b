"""What is installed is known by its version; all other code is the user's own, and is followed."""

from __future__ import annotations

import importlib.machinery
import sysconfig
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

_STANDARD = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")})
_PACKAGES = {"site-packages", "dist-packages"}
_OURS = "unlearn_audit"


@cache
def version_of(top: str) -> str | None:
    """Return the version of the package that a top-level module belongs to; None if it belongs to none.

    Examples
    --------
    >>> version_of("sklearn") == version_of("scikit-learn"), version_of("no_such_module")
    (True, None)
    """
    for name in ("scikit-learn" if top == "sklearn" else top,):
        try:
            return version(name)
        except PackageNotFoundError:
            pass
    names = sorted(set(packages_distributions().get(top, ())))
    return " ".join(f"{name} {version(name)}" for name in names) or None


@cache
def is_installed(module: str, file: str | None) -> bool:
    """Return whether a module in a file is Python's own, this package's, or of a package with a version."""
    top = module.partition(".")[0]
    if top == _OURS:
        return True
    if file is None or not Path(file).is_absolute():
        return top != "__main__" and (file is None or file.startswith("<")) and _is_known(top)
    if _PACKAGES & set(Path(file).parts):
        return version_of(top) is not None
    return file.startswith(_STANDARD)


def _is_known(top: str) -> bool:
    """Return whether a module without a file is built in, or made by what is."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    return spec.origin in ("built-in", "frozen") or (spec.origin is not None and is_installed(top, spec.origin))


def is_ours(module: str) -> bool:
    """Return whether a module belongs to this package."""
    return module.partition(".")[0] == _OURS


def is_extension(file: str | None) -> bool:
    """Return whether a file is compiled: nobody can see what such code reads."""
    return file is not None and file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
