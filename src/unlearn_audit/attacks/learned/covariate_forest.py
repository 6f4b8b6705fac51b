"""A forest on covariates of each row, fitted on every shadow row of a game, both roles weighing the same."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True, eq=False)
class _Prepared(View):
    """A view with (n, k) covariates that the attack computed of each of its rows."""

    covariates: Array = field(default_factory=lambda: np.empty((0, 0)))

    def take(self, mask: npt.NDArray[Any] | slice) -> View:
        """Return the rows that ``mask`` picks."""
        return replace(super().take(mask), covariates=self.covariates[mask])  # type: ignore[call-arg]


@dataclass(frozen=True)
class CovariateForest(Attack):
    """An attack that learns from shadow worlds how to weigh covariates of a row.

    The many records with the negative role are what low false-positive rates are learned from.
    """

    model_: Any = field(default=None, repr=False, compare=False)

    probabilistic = True
    training_rows = "all"

    @abstractmethod
    def covariates(self, view: View) -> Array:
        """Return (n, k) numbers, each of which depends only on its row and the references."""

    def prepared(self, shadow: LabelledView) -> LabelledView:
        """Return the rows with their covariates, which every fold takes its part of."""
        view = shadow.view
        seen = {of.name: getattr(view, of.name) for of in fields(View)}
        return replace(shadow, view=_Prepared(**seen, covariates=self.covariates(view)))

    def fit(self, shadow: LabelledView, seed: int) -> Self:
        """Return a fitted copy."""
        model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True)
        return replace(self, model_=model.fit(self._covariates(shadow.view), shadow.positive))

    def score(self, target: View) -> Array:
        """Return (n,) probabilities of being positive."""
        return np.asarray(self.model_.predict_proba(self._covariates(target))[:, 1], dtype=np.float64)

    def _covariates(self, view: View) -> Array:
        return view.covariates if isinstance(view, _Prepared) else self.covariates(view)
