"""From the text of a defence to what it changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from unlearn_audit.defenses.base import UNDEFENDED, Defense, DefenseKind, Parameter, Step
from unlearn_audit.defenses.conformance import check_defense
from unlearn_audit.defenses.outputs import OUTPUTS
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.doors import OBJECT, is_object
from unlearn_audit.utils.registry import Registry

DEFENSES: dict[str, DefenseKind] = {
    **OUTPUTS,
    "dp-sgd": DefenseKind(None, Parameter(float, "EPSILON", 0.01, most=1e3), "trained by DP-SGD up to this epsilon"),
}
"""Name to kind: those on outputs, and those that change the training."""


def _kind(name: str, found: Any) -> DefenseKind:
    """Return the defence that other people's code holds, a kind or a function, if it passes the checks."""
    return check_defense(found, name)


REGISTRY: Registry[DefenseKind] = Registry("defence", "defenses", DEFENSES, _kind)
"""Every defence that can be named."""

_PART = re.compile(rf"(?P<name>{OBJECT}|[^:]*)(:(?P<value>.*))?", re.DOTALL)


def usage() -> str:
    """Return how each defence is written.

    Examples
    --------
    >>> usage()
    'top-k:K, label-only, temperature:T, rounding:D, dp-sgd:EPSILON'
    """
    return ", ".join(
        name if kind.parameter is None else f"{name}:{kind.parameter.symbol}" for name, kind in DEFENSES.items()
    )


def parse_defense(text: str) -> Defense:
    """Return the defence that a text like ``temperature:10+rounding:4`` names.

    Raises
    ------
    AuditError
        If there is no such defence or its parameter is missing or out of range.

    Examples
    --------
    >>> parse_defense("top-k:1").name, len(parse_defense("temperature:10+rounding:4").steps)
    ('top-k:1', 2)
    """
    if text == UNDEFENDED:
        return Defense(UNDEFENDED)
    _, *others = parts = text.split("+")
    steps = [_step(part) for part in parts]
    # a report names the file of a defence, not where on a disk it lies
    text = "+".join(Path(part).name if is_object(_split(part)[0]) else part for part in parts)
    first = text.partition("+")[0]
    for part, step in zip(others, steps[1:], strict=True):
        if step.kind.function is None:
            raise AuditError(f"{part} in defence {text!r} changes the training; write it first")
    if steps[0].kind.function is None:
        return Defense(text, tuple(steps[1:]), training=first, epsilon=steps[0].value)
    return Defense(text, tuple(steps))


def _split(part: str) -> tuple[str, str]:
    """Return the name of one step and its parameter, which may be empty."""
    name, _, value = part.partition(":")
    if name in REGISTRY.own or name in REGISTRY.installed or (found := _PART.fullmatch(part)) is None:
        return name, value
    return found["name"], found["value"] or ""


def _step(part: str) -> Step:
    name, value = _split(part)
    kind = REGISTRY.find(name)
    if kind.parameter is not None:
        return Step(kind, kind.parameter.read(value, part))
    if value:
        raise AuditError(f"defence {part!r} takes no parameter; write {name!r}")
    return Step(kind, None)
