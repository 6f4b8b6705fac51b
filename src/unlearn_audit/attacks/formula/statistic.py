"""Attacks without an attack model: a formula whose value is the score, the same before and after any shadow world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from unlearn_audit.attacks.base import Attack, Need
from unlearn_audit.observations.views import View, ViewName
from unlearn_audit.utils.messages import first_line
from unlearn_audit.utils.typing import Array

DELETION_SIGNS: Mapping[str, int] = {"deleted-vs-unseen": 1, "deleted-vs-retained": 1}
"""The games of deletions, and in each the sign of a statistic that is large where the margin dropped."""


@dataclass(frozen=True)
class Statistic(Attack):
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
    reads_labels
        Whether its value differs where labels alone are given.
    silent_without_change
        Whether its value is the same for all records whose predictions did not change.
    """

    name: str
    view: ViewName = field()
    formula: Callable[[View], Array] = field(repr=False)
    signs: Mapping[str, int] = field(repr=False)
    needs: frozenset[Need] = frozenset({"labels"})
    sign: int = 1
    reads_labels: bool = field(default=False, kw_only=True)
    silent_without_change: bool = field(default=True, kw_only=True)

    @property
    def about(self) -> str:
        """What its formula returns."""
        return first_line(self.formula)

    def for_game(self, game: str) -> Self | None:
        """Return it with the sign of a game, None where it takes no part."""
        return replace(self, sign=self.signs[game]) if game in self.signs else None

    def score(self, target: View) -> Array:
        """Return (n,) values of the formula, higher for the positive role."""
        return np.asarray(self.sign * self.formula(target), dtype=np.float64)
