"""Families of kinds: each kind says which texts name one of its things, and opens it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.registry import Registry


class TextKind(ABC):
    """A kind of thing that a text can name.

    Attributes
    ----------
    about
        What a text has to look like that names such a thing, in a few words.
    """

    about: str

    @abstractmethod
    def takes(self, text: str) -> bool:
        """Return whether a text names a thing of this kind; nothing is opened for it."""


K = TypeVar("K", bound=TextKind)


def registry_of_kinds(what: str, family: str, own: Mapping[str, K], base: type[K]) -> Registry[K]:
    """Return every kind of a family.

    Parameters
    ----------
    what
        What messages call a thing of the family, such as "version".
    family
        A key of `unlearn_audit.utils.registry.GROUPS`.
    own
        The package's own kinds by name, in the order in which they are asked whether a text is theirs.
    base
        What every kind is derived from.
    """

    def admit(name: str, found: Any) -> K:
        kind = found() if isinstance(found, type) else found
        if not isinstance(kind, base):
            raise AuditError(
                f"kind of {what} {name} is not a {base.__module__}.{base.__name__}; derive a class from that"
            )
        return kind

    return Registry(f"kind of {what}", family, own, admit)


def kind_taking(text: str, registry: Registry[K], none: str, meant: str = "") -> K:
    """Return the kind of which a text names something.

    Parameters
    ----------
    text
        What a user gave.
    registry
        The kinds, in the order in which they are asked.
    none
        What the sentence calls a thing that is not named, such as "no agent".
    meant
        What the sentence advises in place of the ways to name one.

    Raises
    ------
    AuditError
        If the text is of no kind.
    """
    for name in registry.names:
        kind = registry.find(name)
        with foreign(f"{registry.what} {name} raised"):
            if kind.takes(text):
                return kind
    ways = "; ".join(kind.about for kind in registry.own.values())
    shown = re.sub(r"//[^/@]*@", "//", text).partition("?")[0]  # the rest may be secret
    raise AuditError(f"{shown} names {none}; {meant or f'give one of these: {ways}'}")
