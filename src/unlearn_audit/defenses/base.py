"""What a defence is: a change of the training, or a map of observations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.typing import Posteriors

UNDEFENDED = "none"
"""The name of doing nothing."""


@dataclass(frozen=True)
class Parameter:
    """The parameter of a kind of defence.

    Attributes
    ----------
    type
        ``int`` or ``float``.
    symbol
        What help calls it.
    least, most
        The smallest and the largest value that makes sense.
    """

    type: type[int] | type[float]
    symbol: str
    least: float
    most: float = math.inf

    @property
    def allowed(self) -> str:
        """The allowed range, in words."""
        if math.isfinite(self.most):
            return f"{self.least:g} to {self.most:g}"
        return f"a finite number of at least {self.least:g}"

    def read(self, text: str, part: str) -> float:
        """Return the value that a text gives; ``part`` is the text of the whole defence, for messages.

        Raises
        ------
        AuditError
            If it is not a number of this type, or out of range.
        """
        try:
            number = self.type(text)
        except ValueError as error:
            wanted = "a whole number" if self.type is int else "a number"
            raise AuditError(
                f"defence {part!r} needs {wanted} after its name, as in '{part.partition(':')[0]}:2'"
            ) from error
        if not (self.least <= number <= self.most and math.isfinite(number)):
            raise AuditError(f"the parameter of defence {part!r} is out of range; give {self.allowed}")
        return number


@dataclass(frozen=True)
class DefenseKind:
    """One kind of defence.

    Attributes
    ----------
    function
        What it does to an array of posteriors, given its parameter if it has one; None for a change of the training.
    parameter
        Its parameter, None if it has none.
    help
        One line for people.
    partial
        Whether what it releases need not sum to 1.
    remedy
        From the parameter and the number of classes to what to use instead if it would hide nothing; None if it
        hides something.
    """

    function: Callable[..., Posteriors] | None
    parameter: Parameter | None
    help: str
    partial: bool = False
    remedy: Callable[[float, int], str | None] | None = None


@dataclass(frozen=True)
class Step:
    """A kind of defence with its parameter, None if it has none."""

    kind: DefenseKind
    value: float | None

    def __call__(self, posteriors: Posteriors) -> Posteriors:
        """Return what is released of posteriors."""
        assert self.kind.function is not None
        return self.kind.function(posteriors) if self.value is None else self.kind.function(posteriors, self.value)

    def remedy(self, n_classes: int) -> str | None:
        """Return what to use instead where it would hide nothing of so many classes."""
        return None if self.kind.remedy is None or self.value is None else self.kind.remedy(self.value, n_classes)


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
    steps: tuple[Step, ...] = ()
    training: str = UNDEFENDED
    epsilon: float | None = None

    def apply(self, observations: Observations) -> Observations:
        """Return the table that would have been observed had posteriors been changed, by the same models.

        Raises
        ------
        AuditError
            If a step would hide nothing for want of classes.
        """
        if not self.steps:
            return observations
        self.check_classes(len(observations.classes))
        posteriors = observations.posteriors
        for step in self.steps:
            with foreign(f"defence {self.name} raised"):
                posteriors = step(posteriors)
        partial = observations.partial or any(step.kind.partial for step in self.steps)
        return replace(observations, posteriors=posteriors, partial=partial)

    def check_classes(self, n_classes: int) -> None:
        """Raise an `AuditError` if a step would hide nothing of so many classes."""
        for step in self.steps:
            if (remedy := step.remedy(n_classes)) is not None:
                raise AuditError(f"{self.name} hides nothing of {n_classes} classes; {remedy}")
