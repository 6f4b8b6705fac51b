"""Logistic regressions solved all at once, where they have a unique optimum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.logistic import VERSION, LogisticModel, LogisticSettings, solve
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.trainers.base import Retraining
from unlearn_audit.unlearning.training import passes_on
from unlearn_audit.utils.deadline import one_training
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Positions


@dataclass(frozen=True)
class LogisticTrainer:
    """Solves logistic regressions to their optimum, those of all requests together.

    Attributes
    ----------
    source, data
        What is trained, and on what.
    """

    opaque: ClassVar[bool] = False
    same_bits: ClassVar[bool] = False

    source: ModelSource
    data: Dataset

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, regime: Regime) -> Self | None:  # noqa: ARG003
        """Return the trainer of a logistic regression that is solved to its optimum, None for any other model."""
        if passes_on(source, data):
            return None
        return None if LogisticSettings.of(source.make(seed=0)) is None else cls(source, data)

    @property
    def key(self) -> str:
        """What goes into the keys of the store."""
        return f"logistic/{VERSION}"

    def learn(self, training: Positions, seed: int) -> Trained | None:
        """Return the solved model, or None if these records are no case for the solver."""
        # a factory may make another estimator of another seed
        settings = LogisticSettings.of(self.source.make(seed))
        with one_training(self.source.name, len(training), self.data.name), one_thread():
            solved = None if settings is None else solve(settings, self.data.X, self.data.y, training)
        return None if solved is None else Trained(solved[0], self.source, self.data, training, seed)

    def retrain(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained] | None:
        """Return each solved model in turn, or None if the original was not solved or these are no case for it."""
        if not isinstance(original.model, LogisticModel):
            return None
        changes = [(one.request.deleted, one.request.added) for one in retrainings]
        n = len(original.training)
        with one_training(self.source.name, n, self.data.name, len(retrainings)), one_thread():
            solved = solve(
                original.model.settings, self.data.X, self.data.y, original.training, changes, start=original.model
            )
        if solved is None:
            return None
        _, *models = solved
        return (
            Trained(model, self.source, self.data, one.training, one.seed)
            for model, one in zip(models, retrainings, strict=True)
        )
