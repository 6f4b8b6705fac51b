"""A solved logistic regression, and asking many of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit, softmax

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.settings import LogisticSettings
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class LogisticModel:
    """A solved logistic regression.

    Attributes
    ----------
    classes_
        (k,) labels.
    mean, scale
        (d,) each, what features are standardised with.
    coefficients, intercepts
        (d, outputs) and (outputs,); one output for two classes, else one a class.
    solved_on
        What it was solved on, if it was solved for itself: from there other training sets start.
    """

    settings: LogisticSettings
    classes_: npt.NDArray[Any]
    mean: Array
    scale: Array
    coefficients: Array
    intercepts: Array
    solved_on: World | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the records out: a model that travels takes its parameters along."""
        return {**vars(self), "solved_on": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself, which never changes: a copy would lack what others start from."""
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> Array:
        """Return (m, k) posteriors of (m, d) records."""
        return np.asarray(self.predict_proba_many([self], X[None])[0])

    @classmethod
    def predict_proba_many(cls, models: Sequence[Self], blocks: npt.NDArray[Any]) -> Array:
        """Return (models, m, k) posteriors of the (models, m, d) records that each model is asked."""
        mean, scale = np.array([m.mean for m in models]), np.array([m.scale for m in models])
        coefficients = np.array([m.coefficients for m in models])
        logits = (blocks - mean[:, None]) @ (coefficients / scale[:, :, None])
        logits += np.array([m.intercepts for m in models])[:, None]
        if logits.shape[-1] == 1:
            both = np.empty((*logits.shape[:-1], 2))
            both[..., :1] = probabilities(-logits, by_softmax=False)
            both[..., 1:] = probabilities(logits, by_softmax=False)
            return both
        if not models[0].settings.one_vs_rest:
            return np.asarray(softmax(logits, axis=-1))
        # logarithms, so that a record of no class at all does not divide zero by zero
        return np.asarray(softmax(log_expit(logits), axis=-1))
