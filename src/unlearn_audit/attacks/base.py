"""The contract of an attack."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.views import LabelledView, View, ViewName

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence import Field


class Attack(Protocol):
    """Anything that learns from shadow worlds and scores target records.

    Attributes
    ----------
    name
        The feature or statistic it reads, in kebab case.
    attack_model
        The classifier fitted on it, or None.
    view
        Which versions it sees; it is handed nothing more.
    probabilistic
        Whether its scores are probabilities; others only order records.
    fits_on
        Whether it is fitted on the paper's shadow rows or on all.
    needs
        What it has to be given beside posteriors; see `unlearn_audit.attacks.formula.statistic.Need`.
    knows
        How deletions change answers, where it computes with the records themselves; else None.
    silent_without_change
        Whether it scores all records alike whose answers, and those to the references, did not change: it reads the
        change alone.
    """

    @property
    def name(self) -> str:
        """What it reads."""
        ...

    @property
    def attack_model(self) -> str | None:
        """What is fitted on it."""
        ...

    @property
    def view(self) -> ViewName:
        """What it sees."""
        ...

    @property
    def probabilistic(self) -> bool:
        """Whether scores are probabilities."""
        ...

    @property
    def fits_on(self) -> Literal["paper", "all"]:
        """Which shadow rows it is fitted on."""
        ...

    @property
    def needs(self) -> Collection[str]:
        """What it has to be given."""
        ...

    @property
    def knows(self) -> Field | None:
        """What deletions change."""
        ...

    @property
    def silent_without_change(self) -> bool:
        """Whether it reads the change alone."""
        ...

    def fit(self, shadow: LabelledView, seed: int) -> Self:
        """Learn from the attacker's own worlds; return self."""
        ...

    def score(self, target: View) -> npt.NDArray[np.float64]:
        """Return (n,) scores, higher for the positive; each depends on its row and the references alone."""
        ...


def score_column(name: str, attack_model: str | None) -> str:
    """Return the name of an attack as a column of scores: ``name/attack_model``."""
    return name if attack_model is None else f"{name}/{attack_model}"


def label(attack: Attack) -> str:
    """Return the `score_column` of an attack.

    Examples
    --------
    >>> from unlearn_audit.attacks import LearnedAttack
    >>> label(LearnedAttack("sorted-diff", "mlp"))
    'sorted-diff/mlp'
    """
    return score_column(attack.name, attack.attack_model)
