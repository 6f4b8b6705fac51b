"""What decides a model's behaviour, as text for the keys of the store: its settings, its code, its libraries.

A key that missed something would let a run reuse another model's posteriors. So the walk starts from the factory and
the estimator that it made, and follows what they hold and what their code reads by name, through all code that is not
installed: values as they are now, code as its syntax tree, installed packages as their versions. What cannot be
followed is told as such, and is then no ground for reuse: see docs/decisions.md.
"""

from __future__ import annotations

import ast
import builtins
import copyreg
import functools
import importlib
import inspect
import os
import pickle
import sys
import types
import typing
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import joblib
import numpy as np
import sklearn

from unlearn_audit.models.fingerprint.installed import is_extension, is_installed, is_ours, version_of
from unlearn_audit.models.fingerprint.outside import IMPORTS, PICKLES, file_digest, literal, path_read, reads_beyond
from unlearn_audit.models.fingerprint.syntax import (
    Import,
    Reading,
    Use,
    global_names,
    local_names,
    read_class,
    read_function,
    read_module,
)

SCHEME = 3
"""Raise it whenever the walk tells more or less than before, so that no key of before is taken for one of now."""

_PLAIN = (bool, int, float, complex, str, bytes, bytearray, type(None), type(...), type(NotImplemented), range, slice)
_ARRAYS = ("numpy.random", "pandas.", "scipy.sparse", "pyarrow.")
_PLAIN_OR_HELD = (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, deque)
_METACLASSES = ("builtins.type", "abc.ABCMeta")
_BUILT_IN = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
)  # fmt: skip
_OF_EVERY_CLASS = {
    "__module__", "__doc__", "__dict__", "__weakref__", "__qualname__", "__annotations__", "__abstractmethods__",
    "__firstlineno__", "__static_attributes__", "__parameters__", "__orig_bases__", "__dataclass_fields__",
    "__dataclass_params__", "__match_args__", "__annotate__", "__annotate_func__", "__annotations_cache__", "_abc_impl",
}  # fmt: skip
_NOWHERE = object()


@dataclass(frozen=True)
class Fingerprint:
    """What decides a model's behaviour.

    Attributes
    ----------
    digest
        Of all that can be followed.
    unknown
        What cannot be followed, each in words that go on after "can't tell whether the model changed:".
    """

    digest: str
    unknown: tuple[str, ...]


def fingerprint(factory: Any, estimator: Any) -> Fingerprint:
    """Return what tells a factory, and the unfitted estimator that it made, from any other.

    Parameters
    ----------
    factory
        The function or class that makes the estimator, or None if there is only the estimator.
    estimator
        What it made.
    """
    walk = _Walk()
    try:
        told = [walk.told(part) for part in (factory, estimator)]
        walk.finish()
    except RecursionError:
        told = []
        walk.cannot("what it holds is nested too deeply to be followed")
    parts = [SCHEME, told, sorted(walk.records.items()), _settings_of_libraries()]
    parts += [part.computed_with() for part in _computing(estimator)]
    return Fingerprint(_digest(parts), tuple(sorted(walk.unknown)))


def computed_with(estimator: Any) -> dict[str, str]:
    """Return what an estimator's parts say they compute with: names to versions and devices."""
    return {name: value for part in _computing(estimator) for name, value in part.computed_with().items()}


def _computing(estimator: Any) -> list[Any]:
    deep = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else vars(estimator)
    return [part for part in (estimator, *deep.values()) if hasattr(part, "computed_with")]


def _settings_of_libraries() -> str:
    """Return what is set for a whole process and changes what libraries compute."""
    torch = sys.modules.get("torch")
    usual = torch is None or torch.get_default_dtype() == torch.float32
    return f"{sorted(sklearn.get_config().items())} {'' if usual else torch.get_default_dtype()}"  # type: ignore[union-attr]


def _digest(parts: Any) -> str:
    return sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class _Found:
    """A name as it is used, what it stands for, where that was found, and what is read of it."""

    use: Use
    value: Any
    module: str
    name: str
    rest: tuple[str, ...] = ()


class _Walk:
    """Follows values and names; what a name stands for is recorded once, under the module that it is read in."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.unknown: set[str] = set()
        self._waiting: deque[tuple[Mapping[str, Any], str]] = deque()
        self._seen: set[tuple[int, str]] = set()
        self._whole: set[int] = set()
        self._imported: set[str] = set()
        # values that are being told, by their depth; and those that are told, kept so that no other gets their id
        self._open: dict[int, int] = {}
        self._done: dict[int, tuple[Any, str]] = {}
        self._outermost: float = np.inf

    def cannot(self, reason: str) -> None:
        """Note what cannot be followed."""
        self.unknown.add(reason)

    def finish(self) -> None:
        """Record all names that were met, and those met on the way."""
        while self._waiting:
            names, name = self._waiting.popleft()
            self._record(names, name)

    # -- values ---------------------------------------------------------------------------------------------------

    def told(self, value: Any) -> str:
        """Return what tells one value from another, the same in every process."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._done:
            return self._done[id(value)][1]
        if id(value) in self._open:
            self._outermost = min(self._outermost, self._open[id(value)])
            return f"the one {len(self._open) - self._open[id(value)]} further out"
        depth = self._open[id(value)] = len(self._open)
        before, self._outermost = self._outermost, np.inf
        digest = _digest(list(self._parts(value)))
        del self._open[id(value)]
        if self._outermost >= depth:
            # it refers to nothing around it, so it is told alike wherever it stands
            self._done[id(value)] = value, digest
            self._outermost = before
        else:
            self._outermost = min(self._outermost, before)
        return digest

    def _parts(self, value: Any) -> Iterator[str]:
        if isinstance(value, ModuleType):
            yield f"module {_label(value.__name__)}"
            self._follow_whole(value)
        elif isinstance(value, FunctionType):
            yield from self._function(value)
        elif inspect.isclass(value):
            yield from self._class(value)
        elif isinstance(value, types.MethodType):
            yield from ("method", self.told(value.__func__), self.told(value.__self__))
        elif isinstance(value, _BUILT_IN):
            yield from self._built_in(value)
        elif isinstance(value, staticmethod | classmethod):
            yield from (type(value).__name__, self.told(value.__func__))
        elif isinstance(value, property):
            yield from ("property", *map(self.told, (value.fget, value.fset, value.fdel)))
        elif isinstance(value, functools.cached_property):
            yield from ("cached property", self.told(value.func))
        elif type(value) in (list, tuple, deque):
            yield from (type(value).__name__, *map(self.told, value))
        elif type(value) in (set, frozenset):
            yield from (type(value).__name__, *sorted(map(self.told, value)))
        elif type(value) in (dict, types.MappingProxyType):
            yield from ("dict", *self._items(value))
        elif isinstance(value, np.ndarray | np.generic | np.dtype) or type(value).__module__.startswith(_ARRAYS):
            yield from self._array(value)
        elif _top(type(value)) == "torch" and hasattr(value, "detach"):
            yield f"tensor {value.dtype} {joblib.hash(value.detach().cpu().contiguous().view(-1).numpy())}"
        elif _top(type(value)) in ("typing", "types") and type(value) is not types.SimpleNamespace:
            yield f"{type(value).__name__} {typing.get_origin(value)!r} {getattr(value, '__name__', '')}"
            yield from map(self.told, typing.get_args(value))
        elif isinstance(value, weakref.ReferenceType | weakref.WeakKeyDictionary | weakref.WeakValueDictionary):
            yield "weak"  # a cache: what counts is held elsewhere
        elif type(value).__name__ in ("lock", "RLock") and _top(type(value)) in ("_thread", "threading"):
            yield "lock"
        else:
            yield from self._instance(value)

    def _items(self, of: Mapping[Any, Any]) -> Iterator[str]:
        for key, value in of.items():
            yield self.told(key)
            yield self.told(value)

    def _array(self, value: Any) -> Iterator[str]:
        self._installed(type(value).__module__)
        if value is np.random.mtrand._rand:
            yield "the global generator"  # it is seeded for each training
            return
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            yield from (f"objects {value.shape}", self.told(value.tolist()))
            return
        try:
            yield f"array {joblib.hash(value)}"
        except Exception as error:  # noqa: BLE001 - whatever stands in its way, it is not told
            self._untold(value, error)

    def _instance(self, value: Any) -> Iterator[str]:
        kind = type(value)
        yield from ("instance", self.told(kind))
        held = {**getattr(value, "__dict__", {}), **_slots(value)}
        reduces = any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce_ex__", "__reduce__"))
        if held and not (reduces or kind in copyreg.dispatch_table or isinstance(value, _PLAIN_OR_HELD)):
            for name, of in sorted(held.items()):
                yield from (name, self.told(of))
                if isinstance(of, str | os.PathLike) and (content := file_digest(of)) is not None:
                    yield f"file {content}"
            return
        try:
            reduce = copyreg.dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception as error:  # noqa: BLE001 - whatever stands in its way, it is not told
            self._untold(value, error)
            return
        yield from self._reduced(value, reduced)

    def _reduced(self, value: Any, reduced: Any) -> Iterator[str]:
        """Tell what a pickle would hold, with code that is followed where a pickle would name it."""
        if not isinstance(reduced, str):
            function, arguments, *rest = reduced
            yield from (self.told(function), self.told(arguments))
            for part in rest[:3]:
                yield self.told(list(part) if isinstance(part, Iterator) else part)
        elif hasattr(value, "__wrapped__"):
            yield self.told(value.__wrapped__)
        else:
            place = sys.modules.get(pickle.whichmodule(value, reduced))  # type: ignore[attr-defined]
            if place is None or getattr(place, reduced, None) is not value or not _is_installed(vars(place)):
                self.cannot(f"it holds a {type(value).__name__} called {reduced} that cannot be followed")
                return
            yield f"{place.__name__}.{reduced}"
            self._installed(place.__name__)
            self._check(_Found(Use((reduced,)), value, place.__name__, reduced), "it")

    def _untold(self, value: Any, error: Exception) -> None:
        self.cannot(f"it holds a {type(value).__name__} that cannot be followed ({type(error).__name__})")

    # -- code -----------------------------------------------------------------------------------------------------

    def _function(self, function: FunctionType) -> Iterator[str]:
        module, code = function.__globals__.get("__name__") or "", function.__code__
        yield f"function {_label(module)} {function.__qualname__}"
        held = [*map(_content, function.__closure__ or ())]
        around = vars(sys.modules[function.__module__]) if function.__module__ in sys.modules else {}
        if is_installed(module, _file_of(function.__globals__)):
            self._installed(module)
            self._check(_Found(Use((code.co_name,)), function, module, code.co_name), "it")
            if is_ours(module):
                yield read_function(code).text
            if "<locals>" in function.__qualname__ or not is_installed(function.__module__ or "", _file_of(around)):
                # made by an installed function, a decorator mostly, out of what may be the user's
                yield from map(self.told, (*held, function.__defaults__, function.__kwdefaults__, vars(function)))
            return
        reading = read_function(code)
        yield reading.text
        yield from map(self.told, (function.__defaults__, function.__kwdefaults__, vars(function)))
        yield from map(self.told, held)
        where = f"{function.__qualname__} in {_label(module)}"
        if reading.is_stale:
            self.cannot(f"the source of {where} is not what was imported")
        self._module(function.__globals__)
        self._names(reading, function, where)

    def _class(self, of: type) -> Iterator[str]:
        module = of.__module__
        yield f"class {_label(module)} {of.__qualname__}"
        place = sys.modules.get(module)
        file = _file_of(vars(place)) if place is not None else None
        if is_installed(module, file):
            self._installed(module)
            return
        if is_extension(file):
            self.cannot(f"{of.__qualname__} in {_label(module)} is compiled code")
        named = {name: value for name, value in vars(of).items() if name not in _OF_EVERY_CLASS}
        first = next((v.__code__ for v in named.values() if isinstance(v, FunctionType)), None)
        yield read_class(file or (first.co_filename if first is not None else ""), of.__qualname__)
        meta = type(of)
        yield from map(self.told, of.__bases__)
        if f"{meta.__module__}.{meta.__qualname__}" not in _METACLASSES:
            yield self.told(meta)
            yield repr(sorted((n, str(a)) for n, a in vars(of).get("__annotations__", {}).items()))
        if "__dataclass_fields__" in vars(of):
            yield repr(list(of.__dataclass_fields__))  # type: ignore[attr-defined]
        for name, value in sorted(named.items()):
            if not isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType):
                yield from (name, self.told(value))
        if place is not None:
            self._module(vars(place))

    def _built_in(self, value: Any) -> Iterator[str]:
        owner = getattr(value, "__self__", None)
        module = str(
            getattr(value, "__module__", None) or getattr(getattr(value, "__objclass__", None), "__module__", "")
        )
        yield f"{type(value).__name__} {module} {getattr(value, '__qualname__', value.__name__)}"
        if module and (place := sys.modules.get(module)) is not None:
            self._source_of(place, value.__name__)
        if owner is not None and not isinstance(owner, ModuleType):
            yield self.told(owner)
        self._check(_Found(Use((value.__name__,)), value, module, value.__name__), "it")

    def _names(self, reading: Reading, function: FunctionType, where: str) -> None:
        """Follow every name that a function reads."""
        names, read = function.__globals__, global_names(function.__code__)
        places = {name: self._import(of, names) for name, of in reading.imports.items()}
        for use in reading.uses:
            root = use.names[0]
            value, module, name = _NOWHERE, "", use.names[-1]
            if root in reading.imports:
                value, module = places[root], reading.imports[root].module
            elif root in read and root in names:
                self._wait(names, root)
                value, name = names[root], root
            elif root in read and hasattr(builtins, root):
                value, module, name = getattr(builtins, root), "builtins", root
                if not isinstance(value, (*_BUILT_IN, type)):
                    self._wait(vars(builtins), root)  # somebody put it there
            elif len(use.names) == 1 or (len(use.names) == 2 and root in ("self", "cls")):
                continue  # a local name, or something of the model itself, which is followed
            self._check(self._along(_Found(use, value, module, name)), where, function)

    def _along(self, found: _Found) -> _Found:
        """Follow a dotted name through modules; what comes after them is part of what is followed anyway."""
        value, place, name, rest = found.value, found.module, found.name, found.use.names[1:]
        while rest and isinstance(value, ModuleType):
            module, name, place, rest = value, rest[0], value.__name__, rest[1:]
            value = getattr(module, name, _NOWHERE)
            if not _is_installed(vars(module)):
                self._module(vars(module))
                self._wait(vars(module), name)
            elif isinstance(value, FunctionType) and not _is_installed(value.__globals__):
                self.records[f"{module.__name__}.{name}"] = self.told(value)
            if name == "__dict__":
                self._follow_whole(module)
        if isinstance(value, ModuleType):
            self._follow_whole(value)
        return _Found(found.use, value, place, name, rest)

    def _check(self, found: _Found, where: str, reader: FunctionType | None = None) -> None:
        """Note a use that reads what no code says."""
        use, value, module, name = found.use, found.value, found.module, found.name
        if _is_own(value):
            if len(found.rest) < 2:
                return  # followed
            module, name = "", found.rest[-1]
        elif isinstance(value, FunctionType | type):
            module, name = value.__module__ or module, value.__name__
        elif isinstance(value, ModuleType):
            module = value.__name__
        elif callable(value) and isinstance(getattr(value, "__name__", None), str):
            module, name = str(getattr(value, "__module__", None) or module), value.__name__
        elif value is os.environ:
            module, name = "os", "environ"
        top = module.partition(".")[0]
        if not any(reads_beyond(use, top, of) for of in (name, *found.rest[-1:])):
            if reader is not None and name in IMPORTS and top in ("builtins", "importlib"):
                self._import_literal(use, reader)
            return
        path = path_read(use, name, known=value is not _NOWHERE)
        if path is None and reader is not None and value is not _NOWHERE:
            path = _constant(use, reader)
        content = None if path is None or top in PICKLES else file_digest(path)
        if content is None:
            self.cannot(f"{where} uses {'.'.join(use.names).lstrip('.')}")
        else:
            self.records[f"file {path}"] = content

    def _import_literal(self, use: Use, reader: FunctionType) -> None:
        full = literal(use) or ""
        module = full.lstrip(".")
        found = self._import(Import(module, len(full) - len(module)), reader.__globals__)
        if isinstance(found, ModuleType):
            self._follow_whole(found)

    # -- modules --------------------------------------------------------------------------------------------------

    def _wait(self, names: Mapping[str, Any], name: str) -> None:
        if (id(names), name) not in self._seen:
            self._seen.add((id(names), name))
            self._waiting.append((names, name))

    def _record(self, names: Mapping[str, Any], name: str) -> None:
        """Record what a name of a module stands for: the value that it has, and how the source binds it."""
        value = names.get(name, _NOWHERE)
        if value is _NOWHERE and "__getattr__" in names:
            self._wait(names, "__getattr__")
        key = f"{_label(names.get('__name__') or '')}.{name}"
        if isinstance(value, ModuleType):
            self.records[key] = f"module {_label(value.__name__)}"
            self._module(vars(value))
        else:
            self.records[key] = "nothing" if value is _NOWHERE else self.told(value)
        text = read_module(file) if (file := _file_of(names)) is not None else None
        if text is None:
            return
        if name in text.bindings:
            self.records[f"{key} in the source"] = _digest(text.bindings[name])
        if name in text.sources:
            self._import(text.sources[name], names)
        elif name not in text.bindings:
            for star in text.stars:
                module = self._import(star, names)
                if isinstance(module, ModuleType) and name in vars(module) and not _is_installed(vars(module)):
                    self._wait(vars(module), name)

    def _module(self, names: Mapping[str, Any]) -> None:
        """Record what importing a module does beside binding names, that of the modules that it imports too."""
        name = names.get("__name__") or ""
        if _is_installed(names):
            self._installed(name)
            return
        if (id(names), "") in self._seen:
            return
        self._seen.add((id(names), ""))
        file = _file_of(names)
        if is_extension(file):
            self.cannot(f"{_label(name)} is compiled code")
            self.records[f"{_label(name)} compiled"] = file_digest(file) or ""
        text = read_module(file) if file is not None else None
        if text is None:
            return
        if name != "__main__" and text.effects:
            self.records[f"{_label(name)} when imported"] = _digest(text.effects)
        for of in text.imports:
            self._import(of, names, load=False)

    def _follow_whole(self, module: ModuleType) -> None:
        """Record all that a module holds: something may be read from it that no code names."""
        self._module(vars(module))
        if _is_installed(vars(module)) or id(module) in self._whole:
            return
        self._whole.add(id(module))
        for name, value in list(vars(module).items()):
            if not (name.startswith("__") and name.endswith("__")):
                self._wait(vars(module), name)
                if isinstance(value, ModuleType):
                    self._follow_whole(value)

    def _import(self, of: Import, names: Mapping[str, Any], *, load: bool = True) -> Any:
        """Return what an import gives; with ``load`` a model would import it later, so it is imported now."""
        module = self._module_of(of, names, load=load)
        if module is None:
            return _NOWHERE
        if _is_installed(vars(module)):
            if load:
                self._installed(module.__name__)
            return module if of.attribute is None else getattr(module, of.attribute, _NOWHERE)
        for above in _above(module.__name__):
            self._module(vars(above))
        self._module(vars(module))
        if of.attribute is None:
            return module
        if not hasattr(module, of.attribute) and hasattr(module, "__path__"):
            inner = self._module_of(Import(f"{module.__name__}.{of.attribute}"), names, load=load)
            return _NOWHERE if inner is None else inner
        self._wait(vars(module), of.attribute)
        return getattr(module, of.attribute, _NOWHERE)

    def _module_of(self, of: Import, names: Mapping[str, Any], *, load: bool) -> ModuleType | None:
        own = names.get("__name__") or ""
        package = names.get("__package__") or (own if "__path__" in names else own.rpartition(".")[0])
        try:
            full = resolve_name("." * of.level + of.module, package)
        except ImportError:
            self.cannot(f"{_label(names.get('__name__') or '')} imports .{of.module}, which is not to be found")
            return None
        if full in sys.modules or not load:
            return sys.modules.get(full)
        top = full.partition(".")[0]
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            self.records[f"import {full}"] = "missing"
            return None
        if is_installed(top, spec.origin):
            self._installed(top)
            return None
        try:
            return importlib.import_module(full)
        except Exception as error:  # noqa: BLE001 - the model would meet it too, and may know what to do
            self.cannot(f"{full} cannot be imported ({type(error).__name__})")
            return None

    def _source_of(self, module: ModuleType, name: str) -> None:
        if _is_installed(vars(module)):
            self._installed(module.__name__)
        else:
            self._module(vars(module))
            self.records.setdefault(f"{_label(module.__name__)}.{name}", "compiled")

    def _installed(self, module: str) -> None:
        top = module.partition(".")[0]
        if top not in self._imported:
            self._imported.add(top)
            if top not in sys.stdlib_module_names and not is_ours(top):
                self.records[f"version of {top}"] = version_of(top) or ""


def _label(module: str) -> str:
    """Return what a module is called wherever it lies: a file loaded by its path has a name that tells its content."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).stem if module.startswith("unlearn_audit_user_") and file else module


def _top(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _slots(value: Any) -> dict[str, Any]:
    """Return what an object holds in slots."""
    names = [
        name
        for base in type(value).__mro__
        if "__slots__" in vars(base)
        for name, of in vars(base).items()
        if isinstance(of, types.MemberDescriptorType) and not name.startswith("__")
    ]
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return None


def _file_of(names: Mapping[str, Any]) -> str | None:
    """Return the file of a module, given what it holds."""
    file = names.get("__file__")
    return str(file) if file else None


def _is_installed(names: Mapping[str, Any]) -> bool:
    name, file = names.get("__name__") or "", _file_of(names)
    if file is None and (paths := list(names.get("__path__") or ())):
        return is_installed(name, str(paths[0]))
    return is_installed(name, file)


def _is_own(value: Any) -> bool:
    """Return whether something is a function, a class or an object of the user's own."""
    if value is _NOWHERE or isinstance(value, ModuleType):
        return False
    if isinstance(value, FunctionType):
        return not _is_installed(value.__globals__)
    of = value if isinstance(value, type) else type(value)
    return not _is_installed(vars(sys.modules[of.__module__]) if of.__module__ in sys.modules else {})


def _constant(use: Use, reader: FunctionType) -> Any:
    """Return the first argument of a call if it is a global name for a path."""
    first = use.call.args[0] if use.call is not None and use.call.args else None
    if not isinstance(first, ast.Name) or first.id in local_names(reader.__code__):
        return None
    value = reader.__globals__.get(first.id)
    return value if isinstance(value, str | os.PathLike) else None


def _above(module: str) -> Iterator[ModuleType]:
    """Yield the packages that a module is in."""
    parts = module.split(".")
    for n in range(1, len(parts)):
        if (package := sys.modules.get(".".join(parts[:n]))) is not None:
            yield package
