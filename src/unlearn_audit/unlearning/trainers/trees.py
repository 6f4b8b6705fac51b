"""Trees and forests, and the versions of one from its own trees, with the bits of scikit-learn's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Self

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.cart import VERSION, CartModel, CartSettings, grow_model, grow_versions
from unlearn_audit.models.cart.check import INSTEAD, OTHER_BITS, is_installed, some_are_same, why_not
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.trainers.base import Retraining
from unlearn_audit.unlearning.training import passes_on, train
from unlearn_audit.utils.deadline import one_training
from unlearn_audit.utils.typing import Positions


@dataclass(frozen=True)
class TreeTrainer:
    """Grows trees and forests, and what differs in those of each request.

    Attributes
    ----------
    source, data
        What is trained, and on what.
    """

    opaque: ClassVar[bool] = True
    same_bits: ClassVar[bool] = True

    source: ModelSource
    data: Dataset

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, regime: Regime) -> Self | None:  # noqa: ARG003
        """Return the trainer of a tree or a forest, None for any other model and where numba is not installed."""
        if passes_on(source, data) or not is_installed():
            return None
        return None if CartSettings.of(source.make(seed=0)) is None else cls(source, data)

    @property
    def key(self) -> str:
        """What goes into the keys of the store."""
        return f"trees/{VERSION}"

    def learn(self, training: Positions, seed: int) -> Trained | None:
        """Return the grown model, or None if these records are no case for it, or its trees are not scikit-learn's."""
        # a factory may make another estimator of another seed
        estimator = self.source.make(seed)
        settings, data = CartSettings.of(estimator), self.data
        if settings is None or not _can(why_not()):
            return None
        with one_training(self.source.name, len(training), data.name):
            model = grow_model(settings, data.X, data.y, training, estimator.random_state)
        if model is None or not self._is_right(estimator, model, training):
            return None
        return Trained(model, self.source, data, training, seed)

    def retrain(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained] | None:
        """Return each grown model in turn, or None if the original was not grown here or these are no case for it."""
        if not isinstance(original.model, CartModel):
            return None
        estimator, data = self.source.make(original.seed), self.data
        settings, trainings = CartSettings.of(estimator), [one.training for one in retrainings]
        if any(one.seed != original.seed for one in retrainings):
            # to rank all records anew takes longer than one tree does
            return self._each(retrainings) if settings and settings.n_trees else None
        with one_training(self.source.name, len(original.training), data.name, len(retrainings)):
            models = settings and grow_versions(
                settings, data.X, data.y, original.model, original.training, trainings, estimator.random_state
            )
            first = next(models, None) if models else None
        if not models or first is None:
            return self._each(retrainings)
        if not self._is_right(estimator, first, trainings[0]):
            return None
        return (
            Trained(model, self.source, data, one.training, one.seed)
            for model, one in zip(chain([first], models), retrainings, strict=True)
        )

    def _each(self, retrainings: Sequence[Retraining]) -> Iterator[Trained]:
        """Yield each model, grown as a whole, by its own ``fit`` where that cannot be."""
        for one in retrainings:
            yield self.learn(one.training, one.seed) or train(self.source, self.data, one.training, one.seed)

    def _is_right(self, estimator: Any, model: CartModel, training: Positions) -> bool:
        same = some_are_same(estimator, model, self.data.X, self.data.y, training)
        return _can(None if same else INSTEAD.format(OTHER_BITS))


def _can(reason: str | None) -> bool:
    """Return whether there is no reason against it, else warn of it."""
    if reason is not None:
        warnings.warn(reason, UserWarning, stacklevel=2)
    return reason is None
