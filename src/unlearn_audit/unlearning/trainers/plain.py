"""Each model trained by its own ``fit``, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.trainers.base import Retraining
from unlearn_audit.unlearning.training import train
from unlearn_audit.utils.typing import Positions


@dataclass(frozen=True)
class PlainTrainer:
    """Trains any model by its own ``fit``.

    Attributes
    ----------
    source, data, regime
        What is trained, on what, and how its randomness relates to the original's.
    """

    opaque: ClassVar[bool] = False
    same_bits: ClassVar[bool] = True

    source: ModelSource
    data: Dataset
    regime: Regime

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, regime: Regime) -> Self:
        """Return the trainer of any source."""
        return cls(source, data, regime)

    @property
    def key(self) -> None:
        """Nothing trains a model in place of its own ``fit``."""

    def learn(self, training: Positions, seed: int) -> Trained:
        """Return a trained model."""
        return train(self.source, self.data, training, seed, self.regime)

    def retrain(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained]:  # noqa: ARG002
        """Return each retrained model in turn."""
        return (self.learn(one.training, one.seed) for one in retrainings)
