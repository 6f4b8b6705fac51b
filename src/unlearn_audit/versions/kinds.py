"""The kinds of versions there are, and which of them a text names."""

from __future__ import annotations

import re
from typing import Any

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.registry import Registry
from unlearn_audit.versions.base import Kind
from unlearn_audit.versions.function import FunctionKind
from unlearn_audit.versions.http import HttpKind
from unlearn_audit.versions.onnx import OnnxKind
from unlearn_audit.versions.program import ProgramKind
from unlearn_audit.versions.weights import WeightsKind

KINDS: dict[str, Kind] = {
    "http": HttpKind(),
    "onnx": OnnxKind(),
    "weights": WeightsKind(),
    "program": ProgramKind(),
    "function": FunctionKind(),
}
"""Our own kinds by name, in the order in which they are asked whether a text is theirs; a new one is one file."""


def _kind(name: str, found: Any) -> Kind:
    kind = found() if isinstance(found, type) else found
    if not isinstance(kind, Kind):
        raise AuditError(f"kind of version {name} is not a {Kind.__module__}.{Kind.__name__}; derive a class from that")
    return kind


REGISTRY: Registry[Kind] = Registry("kind of version", "versions", KINDS, _kind)
"""Every kind there is."""


def kind_of(text: str) -> Kind:
    """Return the kind of version that a text names.

    Raises
    ------
    AuditError
        If it names none.
    """
    for name in REGISTRY.names:
        kind = REGISTRY.find(name)
        with foreign(f"kind of version {name} raised"):
            if kind.takes(text):
                return kind
    ways = "; ".join(kind.about for kind in KINDS.values())
    shown = re.sub(r"//[^/@]*@", "//", text).partition("?")[0]  # the rest may be secret
    raise AuditError(f"{shown} names no version of a model; give one of these: {ways}")
