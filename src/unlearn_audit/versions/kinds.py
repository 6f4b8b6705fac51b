"""The kinds of versions there are, and which of them a text names."""

from __future__ import annotations

from unlearn_audit.utils.kinds import kind_taking, registry_of_kinds
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


REGISTRY: Registry[Kind] = registry_of_kinds("version", "versions", KINDS, Kind)  # type: ignore[type-abstract]
"""Every kind there is."""


def kind_of(text: str) -> Kind:
    """Return the kind of version that a text names.

    Raises
    ------
    AuditError
        If it names none.
    """
    return kind_taking(text, REGISTRY, "no version of a model")
