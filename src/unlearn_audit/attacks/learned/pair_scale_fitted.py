"""A forest on what reference records reveal, fitted on shadow worlds. Our own; see docs/attacks.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.formula.statistic import Need
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.observations.views import LabelledView, View, ViewName


@dataclass(frozen=True)
class PairScaleFitted:
    """Learns from shadow worlds how to weigh a change, its pair's scale and its local scale.

    It is fitted on every shadow row of the game, both roles weighing the same: the many records with the negative
    role are what low false-positive rates are learned from.
    """

    model_: Any = field(default=None, repr=False, compare=False)

    name: str = field(default="pair-scale-fitted", init=False)
    attack_model: None = field(default=None, init=False)
    view: ViewName = field(default="pair", init=False)
    needs: frozenset[Need] = field(default=frozenset({"labels", "references"}), init=False)
    probabilistic: bool = field(default=True, init=False)
    fits_on: Literal["paper", "all"] = field(default="all", init=False)
    knows: None = field(default=None, init=False)
    by_default: bool = field(default=True, init=False)
    silent_without_change: bool = field(default=False, init=False)

    def for_game(self, game: str) -> PairScaleFitted:  # noqa: ARG002 - as every attack
        """Return itself: it learns any game."""
        return self

    def fit(self, shadow: LabelledView, seed: int) -> PairScaleFitted:
        """Return a fitted copy."""
        model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True)
        return PairScaleFitted(model.fit(pair_covariates(shadow.view), shadow.positive))

    def score(self, target: View) -> npt.NDArray[np.float64]:
        """Return (n,) probabilities of being positive."""
        return np.asarray(self.model_.predict_proba(pair_covariates(target))[:, 1], dtype=np.float64)
