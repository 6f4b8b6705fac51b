"""From the text of a defence to a map of observations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from unlearn_audit.defenses import outputs
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

UNDEFENDED = "none"
"""The name of doing nothing."""

Step = Callable[[outputs.Posteriors], outputs.Posteriors]


@dataclass(frozen=True)
class Kind:
    """One kind of defence.

    Attributes
    ----------
    function
        What it does to an array of posteriors.
    parameter
        The type of its parameter, None if it has none.
    least
        The smallest value of the parameter that makes sense.
    partial
        Whether what it releases need not sum to 1.
    help
        One line for people.
    """

    function: Callable[..., outputs.Posteriors]
    parameter: type | None
    least: float
    partial: bool
    help: str


DEFENSES: dict[str, Kind] = {
    "top-k": Kind(outputs.top_k, int, 1, True, "only the k largest probabilities"),
    "label-only": Kind(outputs.label_only, None, 0, False, "only the most probable class"),
    "temperature": Kind(outputs.temperature, float, 1e-6, False, "log-posteriors divided by T"),
    "rounding": Kind(outputs.rounding, int, 0, True, "probabilities rounded to so many decimals"),
}
"""Name to kind; a new one is one function and one line here."""


@dataclass(frozen=True)
class Defense:
    """A chain of steps.

    Attributes
    ----------
    name
        Its text.
    """

    name: str
    steps: tuple[Step, ...]
    most_k: int
    partial: bool

    def apply(self, observations: Observations) -> Observations:
        """Return the table that would have been observed under the defence.

        Raises
        ------
        AuditError
            If ``top-k`` would hide nothing for want of classes.
        """
        if not self.steps:
            return observations
        if self.most_k >= len(observations.classes):
            raise AuditError(
                f"{self.name} hides nothing of {len(observations.classes)} classes; "
                f"use top-k below {len(observations.classes)}"
            )
        posteriors = observations.posteriors
        for step in self.steps:
            posteriors = step(posteriors)
        return replace(observations, posteriors=posteriors, partial=observations.partial or self.partial)


def parse_defense(text: str) -> Defense:
    """Return the defence that a text like ``temperature:10+rounding:4`` names.

    Raises
    ------
    AuditError
        If there is no such defence or its parameter is missing or makes no sense.

    Examples
    --------
    >>> parse_defense("top-k:1").name, len(parse_defense("temperature:10+rounding:4").steps)
    ('top-k:1', 2)
    """
    if text == UNDEFENDED:
        return Defense(UNDEFENDED, (), 0, False)
    steps: list[Step] = []
    most_k, is_partial = 0, False
    for part in text.split("+"):
        name, _, value = part.partition(":")
        kind = DEFENSES.get(name)
        if kind is None:
            raise AuditError(f"unknown defence '{part}'; use none or {', '.join(DEFENSES)}, joined by +")
        parameter = _parameter(part, kind, value)
        steps.append(kind.function if parameter is None else partial(_call, kind.function, parameter))
        is_partial = is_partial or kind.partial
        if name == "top-k":
            most_k = max(most_k, int(parameter))
    return Defense(text, tuple(steps), most_k, is_partial)


def _call(function: Callable[..., outputs.Posteriors], parameter: Any, posteriors: Any) -> outputs.Posteriors:
    return function(posteriors, parameter)


def _parameter(part: str, kind: Kind, value: str) -> Any:
    if kind.parameter is None:
        if value:
            raise AuditError(f"defence '{part}' takes no parameter; write '{part.partition(':')[0]}'")
        return None
    try:
        number = kind.parameter(value)
    except ValueError as error:
        wanted = "a whole number" if kind.parameter is int else "a number"
        raise AuditError(
            f"defence '{part}' needs {wanted} after its name, as in '{part.partition(':')[0]}:2'"
        ) from error
    if not kind.least <= number < float("inf"):
        raise AuditError(f"defence '{part}' makes no sense below {kind.least:g}; give a larger number")
    return number
