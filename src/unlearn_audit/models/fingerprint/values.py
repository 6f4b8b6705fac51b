"""What distinguishes one value from another: data as it is now, code as its syntax tree, installed code by its name."""

from __future__ import annotations

import copyreg
import functools
import inspect
import os
import pickle
import sys
import types
import typing
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import joblib
import numpy as np

from unlearn_audit.models.fingerprint.installed import is_extension, is_installed, is_ours
from unlearn_audit.models.fingerprint.modules import Modules
from unlearn_audit.models.fingerprint.names import BUILT_IN, Found, Names
from unlearn_audit.models.fingerprint.outside import file_digest
from unlearn_audit.models.fingerprint.places import content_of, file_of, holds_installed, label_of, slots_of, top_of
from unlearn_audit.models.fingerprint.syntax import Use, digest_of, read_class, read_function

_PLAIN = (bool, int, float, complex, str, bytes, bytearray, type(None), type(...), type(NotImplemented), range, slice)
_ARRAYS = ("numpy.random", "pandas.", "scipy.sparse", "pyarrow.")
_PLAIN_OR_HELD = (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, deque)
_METACLASSES = ("builtins.type", "abc.ABCMeta")
_OF_EVERY_CLASS = {
    "__module__", "__doc__", "__dict__", "__weakref__", "__qualname__", "__annotations__", "__abstractmethods__",
    "__firstlineno__", "__static_attributes__", "__parameters__", "__orig_bases__", "__dataclass_fields__",
    "__dataclass_params__", "__match_args__", "__annotate__", "__annotate_func__", "__annotations_cache__", "_abc_impl",
}  # fmt: skip


class Values:
    """Follows values, and what functions and classes among them read.

    Parameters
    ----------
    modules
        Where what is found is recorded.
    """

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.names = Names(modules, self.describe)
        # values being described, by their depth; and those described, kept so that no other gets their id
        self._open: dict[int, int] = {}
        self._done: dict[int, tuple[Any, str]] = {}
        self._outermost: float = np.inf

    def describe(self, value: Any) -> str:
        """Return what distinguishes one value from another, the same in every process."""
        if type(value) in _PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._done:
            return self._done[id(value)][1]
        if id(value) in self._open:
            self._outermost = min(self._outermost, self._open[id(value)])
            return f"the one {len(self._open) - self._open[id(value)]} further out"
        depth = self._open[id(value)] = len(self._open)
        before, self._outermost = self._outermost, np.inf
        digest = digest_of(list(self._parts(value)))
        del self._open[id(value)]
        if self._outermost >= depth:
            # it refers to nothing around it, so it is described alike wherever it stands
            self._done[id(value)] = value, digest
            self._outermost = before
        else:
            self._outermost = min(self._outermost, before)
        return digest

    def _parts(self, value: Any) -> Iterator[str]:
        if isinstance(value, ModuleType):
            yield f"module {label_of(value.__name__)}"
            self.modules.read_whole(value)
        elif isinstance(value, FunctionType):
            yield from self._function(value)
        elif inspect.isclass(value):
            yield from self._class(value)
        elif isinstance(value, types.MethodType):
            yield from ("method", self.describe(value.__func__), self.describe(value.__self__))
        elif isinstance(value, BUILT_IN):
            yield from self._built_in(value)
        elif isinstance(value, staticmethod | classmethod):
            yield from (type(value).__name__, self.describe(value.__func__))
        elif isinstance(value, property):
            yield from ("property", *map(self.describe, (value.fget, value.fset, value.fdel)))
        elif isinstance(value, functools.cached_property):
            yield from ("cached property", self.describe(value.func))
        elif type(value) in (list, tuple, deque):
            yield from (type(value).__name__, *map(self.describe, value))
        elif type(value) in (set, frozenset):
            yield from (type(value).__name__, *sorted(map(self.describe, value)))
        elif type(value) in (dict, types.MappingProxyType):
            yield from ("dict", *self._items(value))
        elif isinstance(value, np.ndarray | np.generic | np.dtype) or type(value).__module__.startswith(_ARRAYS):
            yield from self._array(value)
        elif top_of(type(value)) == "torch" and hasattr(value, "detach"):
            yield f"tensor {value.dtype} {joblib.hash(value.detach().cpu().contiguous().view(-1).numpy())}"
        elif top_of(type(value)) in ("typing", "types") and type(value) is not types.SimpleNamespace:
            yield f"{type(value).__name__} {typing.get_origin(value)!r} {getattr(value, '__name__', '')}"
            yield from map(self.describe, typing.get_args(value))
        elif isinstance(value, weakref.ReferenceType | weakref.WeakKeyDictionary | weakref.WeakValueDictionary):
            yield "weak"  # a cache: what counts is held elsewhere
        elif type(value).__name__ in ("lock", "RLock") and top_of(type(value)) in ("_thread", "threading"):
            yield "lock"
        else:
            yield from self._instance(value)

    def _items(self, mapping: Mapping[Any, Any]) -> Iterator[str]:
        for key, value in mapping.items():
            yield self.describe(key)
            yield self.describe(value)

    def _array(self, value: Any) -> Iterator[str]:
        self.modules.use_installed(type(value).__module__)
        if value is np.random.mtrand._rand:
            yield "the global generator"  # it is seeded for each training
            return
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            yield from (f"objects {value.shape}", self.describe(value.tolist()))
            return
        try:
            yield f"array {joblib.hash(value)}"
        except Exception as error:  # noqa: BLE001 - whatever stands in its way, it stays unknown
            self._not_followed(value, error)

    def _instance(self, value: Any) -> Iterator[str]:
        kind = type(value)
        yield from ("instance", self.describe(kind))
        if top_of(kind) == "catboost" and hasattr(value, "get_params") and not value.is_fitted():
            yield self.describe(value.get_params())  # all that it knows before it is fitted
            return
        held = {**getattr(value, "__dict__", {}), **slots_of(value)}
        reduces = any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce_ex__", "__reduce__"))
        if held and not (reduces or kind in copyreg.dispatch_table or isinstance(value, _PLAIN_OR_HELD)):
            for name, part in sorted(held.items()):
                yield from (name, self.describe(part))
                if isinstance(part, str | os.PathLike) and (content := file_digest(part)) is not None:
                    yield f"file {content}"
            return
        try:
            reduce = copyreg.dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception as error:  # noqa: BLE001 - whatever stands in its way, it stays unknown
            self._not_followed(value, error)
            return
        yield from self._reduced(value, reduced)

    def _reduced(self, value: Any, reduced: Any) -> Iterator[str]:
        """Tell what a pickle would hold, with code that is followed where a pickle would name it."""
        if not isinstance(reduced, str):
            function, arguments, *rest = reduced
            yield from (self.describe(function), self.describe(arguments))
            for part in rest[:3]:
                yield self.describe(list(part) if isinstance(part, Iterator) else part)
        elif hasattr(value, "__wrapped__"):
            yield self.describe(value.__wrapped__)
        else:
            place = sys.modules.get(pickle.whichmodule(value, reduced))  # type: ignore[attr-defined]
            if place is None or getattr(place, reduced, None) is not value or not holds_installed(vars(place)):
                self.modules.note(f"it holds a {type(value).__name__} called {reduced} that cannot be traced")
                return
            yield f"{place.__name__}.{reduced}"
            self.modules.use_installed(place.__name__)
            self.names.check(Found(Use((reduced,)), value, place.__name__, reduced), "it")

    def _not_followed(self, value: Any, error: Exception) -> None:
        self.modules.note(f"it holds a {type(value).__name__} that cannot be traced ({type(error).__name__})")

    def _function(self, function: FunctionType) -> Iterator[str]:
        module, code = function.__globals__.get("__name__") or "", function.__code__
        yield f"function {label_of(module)} {function.__qualname__}"
        held = [*map(content_of, function.__closure__ or ())]
        around = vars(sys.modules[function.__module__]) if function.__module__ in sys.modules else {}
        if is_installed(module, file_of(function.__globals__)):
            self.modules.use_installed(module)
            self.names.check(Found(Use((code.co_name,)), function, module, code.co_name), "it")
            if is_ours(module):
                yield read_function(code).text
            if "<locals>" in function.__qualname__ or not is_installed(function.__module__ or "", file_of(around)):
                # made by an installed function, a decorator mostly, out of what may be the user's
                yield from map(self.describe, (*held, function.__defaults__, function.__kwdefaults__, vars(function)))
            return
        reading = read_function(code)
        yield reading.text
        yield from map(self.describe, (function.__defaults__, function.__kwdefaults__, vars(function)))
        yield from map(self.describe, held)
        where = f"{function.__qualname__} in {label_of(module)}"
        if reading.is_stale:
            self.modules.note(f"the source of {where} is not what was imported")
        self.modules.read(function.__globals__)
        self.names.follow(reading, function, where)

    def _class(self, kind: type) -> Iterator[str]:
        module = kind.__module__
        yield f"class {label_of(module)} {kind.__qualname__}"
        place = sys.modules.get(module)
        file = file_of(vars(place)) if place is not None else None
        if is_installed(module, file):
            self.modules.use_installed(module)
            return
        if is_extension(file):
            self.modules.note(f"{kind.__qualname__} in {label_of(module)} is compiled code")
        named = {name: value for name, value in vars(kind).items() if name not in _OF_EVERY_CLASS}
        first = next((v.__code__ for v in named.values() if isinstance(v, FunctionType)), None)
        yield read_class(file or (first.co_filename if first is not None else ""), kind.__qualname__)
        meta = type(kind)
        yield from map(self.describe, kind.__bases__)
        if f"{meta.__module__}.{meta.__qualname__}" not in _METACLASSES:
            yield self.describe(meta)
            yield repr(sorted((n, str(a)) for n, a in vars(kind).get("__annotations__", {}).items()))
        if "__dataclass_fields__" in vars(kind):
            yield repr(list(kind.__dataclass_fields__))  # type: ignore[attr-defined]
        for name, value in sorted(named.items()):
            if not isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType):
                yield from (name, self.describe(value))
        if place is not None:
            self.modules.read(vars(place))

    def _built_in(self, value: Any) -> Iterator[str]:
        owner = getattr(value, "__self__", None)
        module = str(
            getattr(value, "__module__", None) or getattr(getattr(value, "__objclass__", None), "__module__", "")
        )
        yield f"{type(value).__name__} {module} {getattr(value, '__qualname__', value.__name__)}"
        if module and (place := sys.modules.get(module)) is not None:
            self.modules.read_built_in(place, value.__name__)
        if owner is not None and not isinstance(owner, ModuleType):
            yield self.describe(owner)
        self.names.check(Found(Use((value.__name__,)), value, module, value.__name__), "it")
