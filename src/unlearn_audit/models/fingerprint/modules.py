"""What importing a model's modules does, and the names in them that are still to be recorded."""

from __future__ import annotations

import importlib
import sys
from collections import deque
from collections.abc import Mapping
from importlib.util import find_spec, resolve_name
from types import ModuleType
from typing import Any

from unlearn_audit.models.fingerprint.installed import is_extension, is_installed, is_ours, version_of
from unlearn_audit.models.fingerprint.outside import file_digest
from unlearn_audit.models.fingerprint.places import NOWHERE, file_of, holds_installed, label_of, packages_above
from unlearn_audit.models.fingerprint.syntax import Import, digest_of, read_module


class Modules:
    """The modules that a model reads.

    Attributes
    ----------
    records
        What was found, by the name of what it was found of.
    unknown
        What cannot be followed.
    waiting
        Names still to be recorded, each with what its module holds.
    """

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.unknown: set[str] = set()
        self.waiting: deque[tuple[Mapping[str, Any], str]] = deque()
        self._seen: set[tuple[int, str]] = set()
        self._whole: set[int] = set()
        self._imported: set[str] = set()

    def note(self, reason: str) -> None:
        """Note what cannot be followed."""
        self.unknown.add(reason)

    def wait(self, names: Mapping[str, Any], name: str) -> None:
        """Put a name of a module on the list of those to record."""
        if (id(names), name) not in self._seen:
            self._seen.add((id(names), name))
            self.waiting.append((names, name))

    def read(self, names: Mapping[str, Any]) -> None:
        """Record what importing a module does besides binding names, that of the modules that it imports too."""
        name = names.get("__name__") or ""
        if holds_installed(names):
            self.use_installed(name)
            return
        if (id(names), "") in self._seen:
            return
        self._seen.add((id(names), ""))
        file = file_of(names)
        if is_extension(file):
            self.note(f"{label_of(name)} is compiled code")
            self.records[f"{label_of(name)} compiled"] = file_digest(file) or ""
        text = read_module(file) if file is not None else None
        if text is None:
            return
        if name != "__main__" and text.effects:
            self.records[f"{label_of(name)} when imported"] = digest_of(text.effects)
        for target in text.imports:
            self.import_(target, names, load=False)

    def read_whole(self, module: ModuleType) -> None:
        """Record all that a module holds: something may be read from it that no code names."""
        self.read(vars(module))
        if holds_installed(vars(module)) or id(module) in self._whole:
            return
        self._whole.add(id(module))
        for name, value in list(vars(module).items()):
            if not (name.startswith("__") and name.endswith("__")):
                self.wait(vars(module), name)
                if isinstance(value, ModuleType):
                    self.read_whole(value)

    def import_(self, target: Import, names: Mapping[str, Any], *, load: bool = True) -> Any:
        """Return what an import gives; with ``load`` a model would import it later, so it is imported now."""
        module = self._module_of(target, names, load=load)
        if module is None:
            return NOWHERE
        if holds_installed(vars(module)):
            if load:
                self.use_installed(module.__name__)
            return module if target.attribute is None else getattr(module, target.attribute, NOWHERE)
        for above in packages_above(module.__name__):
            self.read(vars(above))
        self.read(vars(module))
        if target.attribute is None:
            return module
        if not hasattr(module, target.attribute) and hasattr(module, "__path__"):
            inner = self._module_of(Import(f"{module.__name__}.{target.attribute}"), names, load=load)
            return NOWHERE if inner is None else inner
        self.wait(vars(module), target.attribute)
        return getattr(module, target.attribute, NOWHERE)

    def _module_of(self, target: Import, names: Mapping[str, Any], *, load: bool) -> ModuleType | None:
        own = names.get("__name__") or ""
        package = names.get("__package__") or (own if "__path__" in names else own.rpartition(".")[0])
        try:
            full = resolve_name("." * target.level + target.module, package)
        except ImportError:
            self.note(f"{label_of(names.get('__name__') or '')} imports .{target.module}, which cannot be found")
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
            self.use_installed(top)
            return None
        try:
            return importlib.import_module(full)
        except Exception as error:  # noqa: BLE001 - the model would meet it too, and may know what to do
            self.note(f"{full} cannot be imported ({type(error).__name__})")
            return None

    def read_built_in(self, module: ModuleType, name: str) -> None:
        """Record where a compiled function is from."""
        if holds_installed(vars(module)):
            self.use_installed(module.__name__)
        else:
            self.read(vars(module))
            self.records.setdefault(f"{label_of(module.__name__)}.{name}", "compiled")

    def use_installed(self, module: str) -> None:
        """Record the version of the package that a module belongs to."""
        top = module.partition(".")[0]
        if top not in self._imported:
            self._imported.add(top)
            if top not in sys.stdlib_module_names and not is_ours(top):
                self.records[f"version of {top}"] = version_of(top) or ""
