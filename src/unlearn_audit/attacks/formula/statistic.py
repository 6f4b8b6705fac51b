"""Attacks without an attack model: a formula whose value is the score, the same before and after any shadow world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.views import LabelledView, View, ViewName

Array = npt.NDArray[np.float64]

Need = Literal["labels", "references", "field", "records", "probes", "sequence"]
"""What an attack needs: the label of every record, reference records in every pair, a change field of the model, worlds
that audit the same records in every role, answers near each record, more versions than two."""

FALLS: Mapping[str, int] = {"deleted-vs-unseen": 1, "deleted-vs-retained": 1}
"""The games, and the sign in each, of a statistic that is large where the margin fell."""


@dataclass(frozen=True)
class Statistic:
    """A formula of what is seen of a record.

    Attributes
    ----------
    name
        What it is called.
    view
        What it sees.
    formula
        From a view to (n,) values.
    signs
        By game, 1 where a large value speaks for the positive role and -1 where it speaks against it; it takes no
        part in other games.
    needs
        What the table has to hold.
    sign
        That of the game it is played in.
    silent_without_change
        Whether its value is the same for all records whose answers did not change.
    """

    name: str
    view: ViewName
    formula: Callable[[View], Array] = field(repr=False)
    signs: Mapping[str, int] = field(repr=False)
    needs: frozenset[Need] = frozenset({"labels"})
    sign: int = 1
    silent_without_change: bool = field(default=True, kw_only=True)

    attack_model: None = field(default=None, init=False)
    probabilistic: bool = field(default=False, init=False)
    fits_on: Literal["paper", "all"] = field(default="paper", init=False)
    knows: None = field(default=None, init=False)
    by_default: bool = field(default=True, init=False)

    def for_game(self, game: str) -> Statistic | None:
        """Return it with the sign of a game, None where it has nothing to say."""
        if game not in self.signs:
            return None
        return replace(self, sign=self.signs[game])

    def fit(self, shadow: LabelledView, seed: int) -> Self:  # noqa: ARG002 - as every attack
        """Return itself: there is nothing to fit."""
        return self

    def score(self, target: View) -> Array:
        """Return (n,) values of the formula, higher for the positive role."""
        return np.asarray(self.sign * self.formula(target), dtype=np.float64)
