"""The members of a family by name: the package's own, those of installed packages, and those in files of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from unlearn_audit.utils.doors import Door, Given, installed, is_object, load_installed, package_of
from unlearn_audit.utils.suggest import check_known

T = TypeVar("T")

GROUPS = {
    name: f"unlearn_audit.{name}"
    for name in ("attacks", "unlearning", "defenses", "datasets", "models", "versions", "agents", "probes")
}
"""Family to the group of entry points by which packages add to it."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """A family of attacks, unlearning methods, defences, datasets, models or kinds of what is audited.

    Attributes
    ----------
    what
        What messages call a member.
    family
        A key of `GROUPS`.
    own
        The package's own members, by name.
    admit
        From a name and what was imported under it to a member; an AuditError says what is wrong with it.
    """

    what: str
    family: str
    own: Mapping[str, T]
    admit: Callable[[str, Any], T]
    _admitted: dict[int, tuple[Any, T]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def installed(self) -> Mapping[str, Any]:
        """The entry points of other packages, by name; a name of our own stays ours."""
        return {name: point for name, point in installed(GROUPS[self.family]).items() if name not in self.own}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name there is, our own first."""
        return (*self.own, *self.installed)

    def find(self, name: str) -> T:
        """Return the member of a name, of ``module:object`` or ``file.py:object``, or that was given itself.

        Raises
        ------
        AuditError
            If there is none, it cannot be imported, or it is no such thing.
        """
        if isinstance(name, Given):
            return self.admitted(name, name.object)
        if name in self.own:
            return self.own[name]
        if name in self.installed:
            return self.admitted(name, load_installed(self.what, self.installed[name]))
        if is_object(name):
            door = Door.of(self.what, name)
            return self.admitted(door.label, door.open())
        check_known(self.what, [name], self.names)
        raise AssertionError(name)

    def admitted(self, name: str, found: Any) -> T:
        """Return the member that an object of other people's is, checked once.

        Raises
        ------
        AuditError
            If it is no such thing.
        """
        # what is imported stays in memory, so that its id stays its own; checks can take a second
        if id(found) not in self._admitted:
            self._admitted[id(found)] = found, self.admit(name, found)
        return self._admitted[id(found)][1]

    def origins(self) -> Iterator[tuple[str, str]]:
        """Yield each name and where it is from; nothing of other packages is imported."""
        yield from ((name, "built in") for name in self.own)
        yield from ((name, package_of(point)) for name, point in self.installed.items())
