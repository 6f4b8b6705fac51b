"""The contract of an attack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.views import LabelledView, View, ViewName
from unlearn_audit.utils.messages import first_line
from unlearn_audit.utils.typing import Positions

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence.base import Influence

Need = Literal["labels", "references", "influence", "records", "probes", "sequence"]
"""What an attack needs besides posteriors: the label of every record, reference records in every pair, the influence of
each record on the model, worlds that audit the same records in every role, labels near each record, more than two
versions."""

TrainingRows = Literal["paper", "all"]
"""Which shadow rows an attack is fitted on: those that the paper takes, or all of the game."""


class Attack(ABC):
    """Something that learns from shadow worlds and scores target records.

    An attack is a frozen dataclass that derives from this class and overrides the defaults where it differs. This
    contract is all that the rest of the package expects of an attack.

    Attributes
    ----------
    name
        The feature or statistic it reads, in kebab case. Its seed is derived from it.
    attack_model
        The classifier fitted on it, or None.
    view
        Which versions it sees; it receives nothing else.
    needs
        What it needs besides posteriors.
    games
        The games in which it takes part; None for every game.
    by_default
        Whether it runs unless attacks are chosen by name.
    probabilistic
        Whether its scores are probabilities; others only order records.
    training_rows
        Which shadow rows it is fitted on.
    influence
        The influence of each record, for attacks that need it; None for all others.
    looks_up_others
        Whether it looks up the influence of records other than those it scores.
    fits_on_a_sample
        Whether it is fitted on a sample if rows are bounded (``fit_rows``): what it learns is the same from all rows.
    reads_labels
        Whether it can see anything if models give labels but no probabilities: posteriors are then 1 and 0.
    silent_without_change
        Whether it gives the same score to all records whose predictions, and those of the references, did not change:
        it reads only the change.
    """

    name: str
    attack_model: str | None = None
    view: ViewName = "pair"
    needs: frozenset[Need] = frozenset({"labels"})
    games: tuple[str, ...] | None = None
    by_default: bool = True
    probabilistic: bool = False
    training_rows: TrainingRows = "paper"
    influence: Influence | None = None
    looks_up_others: bool = False
    fits_on_a_sample: bool = False
    reads_labels: bool = False
    silent_without_change: bool = False

    @property
    def learns(self) -> bool:
        """Whether it is fitted; what is not gives a row the same score in every fold."""
        return type(self).fit is not Attack.fit

    @property
    def about(self) -> str:
        """What it does, in one line."""
        return first_line(type(self))

    def for_game(self, game: str) -> Self | None:
        """Return the attack for a game, or None if it takes no part in it."""
        return self if self.games is None or game in self.games else None

    def seeing(self, view: ViewName) -> Self:
        """Return a copy that receives another view; an attack that knows no other is returned unchanged."""
        try:
            return replace(self, view=view)  # type: ignore[type-var]
        except (TypeError, ValueError):
            return self

    def with_influence(self, influence: Influence | None) -> Self:  # noqa: ARG002 - most attacks have no use for it
        """Return the attack with the influence of each record, if it needs that."""
        return self

    def looked_up(self, positions: Positions) -> Positions:
        """Return the positions of the records that it looks up in its influence to score the records at (n,) positions.

        They are known before any attack runs, so that costly influences are computed once for all attacks.
        """
        return positions[:0]

    def prepared(self, shadow: LabelledView) -> LabelledView:
        """Return shadow rows with what it computes of each by itself, once for all folds; by default as they are."""
        return shadow

    def fit(self, shadow: LabelledView, seed: int) -> Self:  # noqa: ARG002 - a formula learns nothing
        """Return a copy fitted on the attacker's own worlds; the attack itself if it learns nothing."""
        return self

    @abstractmethod
    def score(self, target: View) -> npt.NDArray[np.float64]:
        """Return (n,) scores, higher for the positive role; each depends only on its row and the references."""


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
