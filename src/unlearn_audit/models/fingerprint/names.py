"""What the names that code reads stand for, and whether something beyond the code decides that."""

from __future__ import annotations

import builtins
import os
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from unlearn_audit.models.fingerprint.modules import Modules
from unlearn_audit.models.fingerprint.outside import IMPORTS, PICKLES, file_digest, literal, path_read, reads_beyond
from unlearn_audit.models.fingerprint.places import (
    NOWHERE,
    constant_path,
    file_of,
    holds_installed,
    is_users_own,
    label_of,
)
from unlearn_audit.models.fingerprint.syntax import Import, Reading, Use, digest_of, global_names, read_module

BUILT_IN = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A name as it is used, what it stands for, where that was found, and what is read of it."""

    use: Use
    value: Any
    module: str
    name: str
    rest: tuple[str, ...] = ()


class Names:
    """Follows the names that code reads.

    Parameters
    ----------
    modules
        Where what is found is recorded.
    describe
        Returns what distinguishes one value from another.
    """

    def __init__(self, modules: Modules, describe: Callable[[Any], str]) -> None:
        self.modules = modules
        self._describe = describe

    def record(self, names: Mapping[str, Any], name: str) -> None:
        """Record what a name of a module stands for: the value that it has, and how the source binds it."""
        value = names.get(name, NOWHERE)
        if value is NOWHERE and "__getattr__" in names:
            self.modules.wait(names, "__getattr__")
        key = f"{label_of(names.get('__name__') or '')}.{name}"
        if isinstance(value, ModuleType):
            self.modules.records[key] = f"module {label_of(value.__name__)}"
            self.modules.read(vars(value))
        else:
            self.modules.records[key] = "nothing" if value is NOWHERE else self._describe(value)
        text = read_module(file) if (file := file_of(names)) is not None else None
        if text is None:
            return
        if name in text.bindings:
            self.modules.records[f"{key} in the source"] = digest_of(text.bindings[name])
        if name in text.sources:
            self.modules.import_(text.sources[name], names)
        elif name not in text.bindings:
            for star in text.stars:
                module = self.modules.import_(star, names)
                if isinstance(module, ModuleType) and name in vars(module) and not holds_installed(vars(module)):
                    self.modules.wait(vars(module), name)

    def follow(self, reading: Reading, function: FunctionType, where: str) -> None:
        """Follow every name that a function reads."""
        names, read = function.__globals__, global_names(function.__code__)
        places = {name: self.modules.import_(target, names) for name, target in reading.imports.items()}
        for use in reading.uses:
            root = use.names[0]
            value, module, name = NOWHERE, "", use.names[-1]
            if root in reading.imports:
                value, module = places[root], reading.imports[root].module
            elif root in read and root in names:
                self.modules.wait(names, root)
                value, name = names[root], root
            elif root in read and hasattr(builtins, root):
                value, module, name = getattr(builtins, root), "builtins", root
                if not isinstance(value, (*BUILT_IN, type)):
                    self.modules.wait(vars(builtins), root)  # somebody put it there
            elif len(use.names) == 1 or (len(use.names) == 2 and root in ("self", "cls")):
                continue  # a local name, or something of the model itself, which is followed
            self.check(self._along(Found(use, value, module, name)), where, function)

    def _along(self, found: Found) -> Found:
        """Follow a dotted name through modules; what comes after them is part of what is followed anyway."""
        value, place, name, rest = found.value, found.module, found.name, found.use.names[1:]
        while rest and isinstance(value, ModuleType):
            module, name, place, rest = value, rest[0], value.__name__, rest[1:]
            value = getattr(module, name, NOWHERE)
            if not holds_installed(vars(module)):
                self.modules.read(vars(module))
                self.modules.wait(vars(module), name)
            elif isinstance(value, FunctionType) and not holds_installed(value.__globals__):
                self.modules.records[f"{module.__name__}.{name}"] = self._describe(value)
            if name == "__dict__":
                self.modules.read_whole(module)
        if isinstance(value, ModuleType):
            self.modules.read_whole(value)
        return Found(found.use, value, place, name, rest)

    def check(self, found: Found, where: str, reader: FunctionType | None = None) -> None:
        """Note a use that reads what no code says."""
        use, value, module, name = found.use, found.value, found.module, found.name
        if is_users_own(value):
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
        if not any(reads_beyond(use, top, part) for part in (name, *found.rest[-1:])):
            if reader is not None and name in IMPORTS and top in ("builtins", "importlib"):
                self._import_literal(use, reader)
            return
        path = path_read(use, name, known=value is not NOWHERE)
        if path is None and reader is not None and value is not NOWHERE:
            path = constant_path(use, reader)
        content = None if path is None or top in PICKLES else file_digest(path)
        if content is None:
            self.modules.note(f"{where} uses {'.'.join(use.names).lstrip('.')}")
        else:
            self.modules.records[f"file {path}"] = content

    def _import_literal(self, use: Use, reader: FunctionType) -> None:
        full = literal(use) or ""
        module = full.lstrip(".")
        found = self.modules.import_(Import(module, len(full) - len(module)), reader.__globals__)
        if isinstance(found, ModuleType):
            self.modules.read_whole(found)
