"""From the text of a defence to what it changes: the training, or a map of observations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
class DefenseKind:
    """One kind of defence.

    Attributes
    ----------
    function
        What it does to an array of posteriors; None for a change of the training.
    parameter
        The type of its parameter, None if it has none.
    least
        The smallest value of the parameter that makes sense.
    partial
        Whether what it releases need not sum to 1.
    help
        One line for people.
    most
        The largest value of the parameter that makes sense.
    """

    function: Callable[..., outputs.Posteriors] | None
    parameter: type | None
    least: float
    partial: bool
    help: str
    most: float = math.inf

    @property
    def allowed(self) -> str:
        """The allowed range of the parameter, in words."""
        if math.isfinite(self.most):
            return f"{self.least:g} to {self.most:g}"
        return f"a finite number of at least {self.least:g}"


DEFENSES: dict[str, DefenseKind] = {
    "top-k": DefenseKind(outputs.top_k, int, 1, True, "only the k largest probabilities"),
    "label-only": DefenseKind(outputs.label_only, None, 0, False, "only the most probable class"),
    "temperature": DefenseKind(outputs.temperature, float, 1e-6, False, "log-posteriors divided by T"),
    "dp-sgd": DefenseKind(None, float, 0.01, False, "trained by DP-SGD up to this epsilon", most=1e3),
    "rounding": DefenseKind(outputs.rounding, int, 0, True, "probabilities rounded to so many decimals", most=12),
}
"""Name to kind; a new one is one function and one line here."""


@dataclass(frozen=True)
class Defense:
    """A change of the training, if any, and a chain of steps on posteriors.

    Attributes
    ----------
    name
        Its text.
    steps
        What is done to posteriors, in turn.
    training
        The text of its change of the training, such as ``dp-sgd:4``; `UNDEFENDED` for none.
    epsilon
        What that training may spend at most; None for none.
    """

    name: str
    steps: tuple[Step, ...]
    most_k: int
    partial: bool
    training: str = UNDEFENDED
    epsilon: float | None = None

    def apply(self, observations: Observations) -> Observations:
        """Return the table that would have been observed had posteriors been changed, by the same models.

        Raises
        ------
        AuditError
            If ``top-k`` would hide nothing for want of classes.
        """
        if not self.steps:
            return observations
        self.check_classes(len(observations.classes))
        posteriors = observations.posteriors
        for step in self.steps:
            posteriors = step(posteriors)
        return replace(observations, posteriors=posteriors, partial=observations.partial or self.partial)

    def check_classes(self, n_classes: int) -> None:
        """Raise an `AuditError` if ``top-k`` would release every class."""
        if self.most_k >= n_classes:
            raise AuditError(f"{self.name} hides nothing of {n_classes} classes; use top-k below {n_classes}")


def check_defenses(texts: Iterable[str], n_classes: int) -> None:
    """Raise unless every text names a defence that can be applied to a model of so many classes.

    Meant to be asked before anything is trained.

    Raises
    ------
    AuditError
        If there is no such defence, its parameter is missing or out of range, or ``top-k`` would hide nothing.

    Examples
    --------
    >>> check_defenses(["none", "top-k:1+rounding:2"], n_classes=2)
    """
    for text in texts:
        parse_defense(text).check_classes(n_classes)


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
        return Defense(UNDEFENDED, (), 0, False)
    steps: list[Step] = []
    most_k, is_partial = 0, False
    training, epsilon = UNDEFENDED, None
    for place, part in enumerate(text.split("+")):
        name, _, value = part.partition(":")
        kind = DEFENSES.get(name)
        if kind is None:
            raise AuditError(f"unknown defence {part!r}; use none or {', '.join(DEFENSES)}, joined by +")
        parameter = _parameter(part, kind, value)
        if kind.function is None:
            if place > 0:
                raise AuditError(f"{part} in defence {text!r} changes the training; write it first")
            training, epsilon = part, float(parameter)
            continue
        steps.append(kind.function if parameter is None else partial(_call, kind.function, parameter))
        is_partial = is_partial or kind.partial
        if name == "top-k":
            most_k = max(most_k, int(parameter))
    return Defense(text, tuple(steps), most_k, is_partial, training, epsilon)


def _call(function: Callable[..., outputs.Posteriors], parameter: Any, posteriors: Any) -> outputs.Posteriors:
    return function(posteriors, parameter)


def _parameter(part: str, kind: DefenseKind, value: str) -> Any:
    if kind.parameter is None:
        if value:
            raise AuditError(f"defence {part!r} takes no parameter; write '{part.partition(':')[0]}'")
        return None
    try:
        number = kind.parameter(value)
    except ValueError as error:
        wanted = "a whole number" if kind.parameter is int else "a number"
        raise AuditError(
            f"defence {part!r} needs {wanted} after its name, as in '{part.partition(':')[0]}:2'"
        ) from error
    if not (kind.least <= number <= kind.most and math.isfinite(number)):
        raise AuditError(f"the parameter of defence {part!r} is out of range; give {kind.allowed}")
    return number
