"""Objects of other people's: by ``module:object`` or ``file.py:object``, and as entry points of installed packages."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.suggest import guess

OBJECT = r"(?:[^+\s]+?\.py|[^+:\s]+):[A-Za-z_]\w*"
"""The form of ``module:object`` and ``file.py:object``, as a regular expression."""


def is_object(text: str) -> bool:
    """Return whether a text has the form of ``module:object`` or ``file.py:object``.

    Examples
    --------
    >>> is_object("mine.py:MyAttack"), is_object("my.module:attack"), is_object("pair-scale"), is_object("rounding:2")
    (True, True, False, False)
    """
    return re.fullmatch(OBJECT, text) is not None


class Given(str):
    """The name of an object that was given itself, in Python, with the object.

    Attributes
    ----------
    object
        What was given.

    Examples
    --------
    >>> Given.of(Door), Given.of(Door).object is Door
    ('unlearn_audit.utils.doors:Door', True)
    """

    object: Any

    @classmethod
    def of(cls, found: Any) -> Given:
        """Return the name that an object, or the class of an instance, could be imported by."""
        named = found if hasattr(found, "__name__") else type(found)
        given = cls(f"{named.__module__}:{named.__name__}")
        given.object = found
        return given


@dataclass(frozen=True)
class Door:
    """Where an object of the user's own is: in a module or a file, under a name.

    The content of a file travels along, so that workers on other machines have it, and all have the same.

    Attributes
    ----------
    what
        What messages call the object.
    module
        A module, or the path of a file that ends in ``.py``.
    name
        The object's name there.
    folder
        Where the user's modules are; a worker may have been started elsewhere.
    content
        Of the file.
    """

    what: str
    module: str
    name: str
    folder: Path = field(default_factory=Path.cwd, repr=False)
    content: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, what: str, text: str) -> Door:
        """Return the door that a text names."""
        module, _, name = text.rpartition(":")
        file = Path.cwd() / module
        return cls(what, module, name, content=file.read_bytes() if module.endswith(".py") and file.is_file() else None)

    @property
    def label(self) -> str:
        """What reports call the object: the file, and not where on a disk it lies."""
        return f"{Path(self.module).name if self.module.endswith('.py') else self.module}:{self.name}"

    def open(self) -> Any:
        """Import and return the object.

        Raises
        ------
        AuditError
            If it cannot be imported, or is not there.
        """
        where = f"{self.what} {self.module}:{self.name}"
        with foreign(f"{where} cannot be imported (", ")"):
            if self.module.endswith(".py"):
                module = _load_file(self.folder / self.module, self.content)
            else:
                module = _load_module(self.module, self.folder)
        if not hasattr(module, self.name):
            meant = guess(self.name, dir(module))
            raise AuditError(f"{where}: the module has no '{self.name}'{'; ' if meant else ''}{meant}")
        return getattr(module, self.name)


def _load_module(name: str, folder: Path) -> ModuleType:
    # the folder a command is run in is where its user's modules are
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(name)


def _load_file(path: Path, content: bytes | None) -> ModuleType:
    if content is None:
        raise FileNotFoundError(f"no file {path}")
    name = f"unlearn_audit_user_{sha256(str(path.resolve()).encode() + content).hexdigest()[:12]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            # the user named it, see `config.read_config`
            exec(compile(content, path, "exec", dont_inherit=True), vars(module))  # nosec B102
        except BaseException:
            del sys.modules[name]
            raise
        import cloudpickle

        # no other process could import it by that name
        cloudpickle.register_pickle_by_value(module)
    return sys.modules[name]


@cache
def installed(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group that installed packages declare, by name; nothing is imported."""
    return {point.name: point for point in entry_points(group=group)}


def load_installed(what: str, point: EntryPoint) -> Any:
    """Import and return what an entry point names.

    Raises
    ------
    AuditError
        If it cannot be imported.
    """
    with foreign(f"{what} {point.name} of the package {package_of(point)} cannot be imported (", ")"):
        return point.load()


def package_of(point: EntryPoint) -> str:
    """Return the name of the package that declares an entry point."""
    return point.dist.name if point.dist is not None else point.module
