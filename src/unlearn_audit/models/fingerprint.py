"""What decides a model's behaviour, as text for the keys of the store: its settings, its code, its libraries.

A key that missed something would let a run reuse another model's posteriors, so everything that can be seen
counts: parameters however deep, the classes and functions among them, and the user's own modules that these
stand in or use, as the bytes of their files; installed packages as their versions.
"""

from __future__ import annotations

import inspect
import sys
import sysconfig
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import joblib

from unlearn_audit.errors import AuditError

_INSTALLED = tuple({sysconfig.get_paths()[name] for name in ("purelib", "platlib", "stdlib", "platstdlib")})


def fingerprint(factory: Any, estimator: Any, name: str) -> str:
    """Return a digest of a factory and of the unfitted estimator that it made.

    Parameters
    ----------
    factory
        The function or class that makes the estimator, or None if there is only the estimator.
    estimator
        What it made.
    name
        What the model is called, for messages.

    Raises
    ------
    AuditError
        If a parameter cannot be told apart from others of its kind.
    """
    settings = _settings(estimator)
    parts = [part for part in (factory, type(estimator)) if part is not None]
    parts += [value if _is_code(value) else type(value) for value in settings.values()]
    told = {key: _told(value, key, name) for key, value in sorted(settings.items())}
    computing = [part.computed_with() for part in _computing(estimator)]
    if computing:
        told["computed with"] = repr(computing)
    return sha256(repr((type(estimator).__qualname__, told, _code(parts))).encode()).hexdigest()


def computed_with(estimator: Any) -> dict[str, str]:
    """Return what an estimator's parts say they compute with: names to versions and devices."""
    return {name: value for part in _computing(estimator) for name, value in part.computed_with().items()}


def _computing(estimator: Any) -> list[Any]:
    return [part for part in (estimator, *_settings(estimator).values()) if hasattr(part, "computed_with")]


def _settings(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator, however deep, or its attributes if it has none."""
    return dict(estimator.get_params(deep=True)) if hasattr(estimator, "get_params") else dict(vars(estimator))


def _told(value: Any, key: str, name: str) -> str:
    """Return what tells one value of a parameter from another."""
    if _is_code(value):
        return f"{value.__module__}.{value.__qualname__} {_of_function(value)}"
    if hasattr(value, "get_params"):
        # its own parameters stand in the deep list beside it
        return type(value).__qualname__
    if isinstance(value, list | tuple):
        return repr([_told(part, key, name) for part in value])
    try:
        return str(joblib.hash(value))
    except Exception as error:
        raise AuditError(
            f"parameter '{key}' of model {name} is a {type(value).__name__} that cannot be told apart from others "
            f"({type(error).__name__}); pass a function of your own module that makes the model"
        ) from error


def _is_code(value: Any) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value) or inspect.ismethod(value)


def _of_function(function: Any) -> str:
    """Return a digest of a function's code with its defaults and the plain values it closes over."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return ""
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    plain = [repr(value) for value in cells if value is None or isinstance(value, int | float | str | bytes)]
    return f"{_of_code(code)} {getattr(function, '__defaults__', None)!r} {plain}"


def _of_code(code: CodeType) -> str:
    """Return a digest of a function's byte code and constants, those of functions inside it too."""
    # the order of a set of texts changes from process to process
    constants = [sorted(map(repr, c)) if isinstance(c, frozenset) else c for c in code.co_consts]
    inner = [_of_code(c) if isinstance(c, CodeType) else repr(c) for c in constants]
    return sha256(code.co_code + repr((code.co_names, inner)).encode()).hexdigest()


def _code(parts: Iterable[Any]) -> list[str]:
    """Return the digests of all user modules behind some functions and classes, and versions of packages."""
    told: set[str] = set()
    seen: set[str] = set()
    waiting = [inspect.getmodule(inspect.unwrap(p) if inspect.isfunction(p) else p) for p in parts]
    # base classes may stand in files of their own
    waiting += [inspect.getmodule(base) for p in parts if inspect.isclass(p) for base in p.__mro__]
    told.update(_of_function(part) for part in parts if inspect.isfunction(part))
    while waiting:
        module = waiting.pop()
        if module is None or module.__name__ in seen:
            continue
        seen.add(module.__name__)
        top = module.__name__.partition(".")[0]
        file = getattr(module, "__file__", None)
        if top in ("builtins", "unlearn_audit"):
            continue
        if file is None or str(file).startswith(_INSTALLED):
            told.add(f"{top} {getattr(sys.modules.get(top), '__version__', '')}")
            continue
        told.add(sha256(Path(file).read_bytes()).hexdigest())
        waiting += _used_by(module)
    return sorted(told)


def _used_by(module: ModuleType) -> list[ModuleType | None]:
    """Return the modules that a user's module imported, or imported something from."""
    used: list[ModuleType | None] = []
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            used.append(value)
        elif _is_code(value):
            used.append(sys.modules.get(value.__module__))
    return used
