"""A forest on what reference records reveal, fitted on shadow worlds. Our own; see docs/attacks.md."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.observations.views import LabelledView, View


@dataclass(frozen=True)
class PairScaleFitted(Attack):
    """Learns from shadow worlds how to weigh a change, its pair's scale and its local scale.

    It is fitted on every shadow row of the game, both roles weighing the same: the many records with the negative
    role are what low false-positive rates are learned from.
    """

    model_: Any = field(default=None, repr=False, compare=False)

    name = "pair-scale-fitted"
    needs = frozenset({"labels", "references"})
    probabilistic = True
    training_rows = "all"
    fits_on_a_sample = True

    def fit(self, shadow: LabelledView, seed: int) -> Self:
        """Return a fitted copy."""
        model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True)
        return replace(self, model_=model.fit(pair_covariates(shadow.view), shadow.positive))

    def score(self, target: View) -> npt.NDArray[np.float64]:
        """Return (n,) probabilities of being positive."""
        return np.asarray(self.model_.predict_proba(pair_covariates(target))[:, 1], dtype=np.float64)


ATTACKS = (PairScaleFitted(),)
