"""Networks of one source trained several at once, each as `train` would train it alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.trainers.base import Retraining
from unlearn_audit.unlearning.training import fitting, passes_on, take, train
from unlearn_audit.utils.typing import Positions

if TYPE_CHECKING:
    from unlearn_audit.models.networks.batched.batch import BatchPlan
    from unlearn_audit.models.networks.classifier import Beginning


@dataclass(frozen=True)
class NetworkTrainer:
    """Trains several networks at once.

    Attributes
    ----------
    source, data, regime
        What is trained, on what, and how its randomness relates to the original's.
    plan
        How several are trained at once.
    """

    opaque: ClassVar[bool] = False
    same_bits: ClassVar[bool] = False

    source: ModelSource
    data: Dataset
    regime: Regime
    plan: BatchPlan

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, regime: Regime) -> Self | str | None:
        """Return the trainer of a source's networks, or why it cannot train them; None if it makes no network."""
        estimator = source.make(seed=0)
        network = _network_of(estimator)
        if network is None:
            return None
        if passes_on(source, data):
            return "parameters are passed on to fit"
        if isinstance(estimator, Pipeline) and [type(step) for _, step in estimator.steps[:-1]] != [StandardScaler]:
            return "there is more before it than a StandardScaler"
        from unlearn_audit.models.networks.batched.batch import plan_batch

        try:
            plan = plan_batch(network, tuple(data.X.shape[1:]), len(data.class_values), regime is Regime.FIXED)
        except AuditError:
            # a training of its own raises it again, with what it was asked to do
            return "it cannot be made"
        return plan if isinstance(plan, str) else cls(source, data, regime, plan)

    @property
    def key(self) -> str:
        """What goes into the keys of the store."""
        from unlearn_audit.models.networks.batched.batch import VERSION

        return f"network-batch/{VERSION}"

    def learn(self, training: Positions, seed: int) -> Trained:
        """Return a trained network."""
        return next(self.train([training], [seed]))

    def retrain(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained]:  # noqa: ARG002
        """Return each retrained network in turn."""
        return self.train([one.training for one in retrainings], [one.seed for one in retrainings])

    def train(self, trainings: Sequence[Positions], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield a trained network for each training set and seed, in their order.

        Raises
        ------
        AuditError
            If a training fails; when its turn comes.
        """
        waiting = list(range(len(trainings)))
        done: dict[int, Trained | AuditError] = {}
        for i in range(len(trainings)):
            if i not in done:
                n = len(trainings[i])
                alike = [j for j in waiting if len(trainings[j]) == n][: self.plan.width(n)]
                waiting = [j for j in waiting if j not in alike]
                made = self._together([trainings[j] for j in alike], [seeds[j] for j in alike])
                done.update(zip(alike, made, strict=True))
            outcome = done.pop(i)
            if isinstance(outcome, AuditError):
                raise outcome
            yield outcome

    def _together(self, trainings: Sequence[Positions], seeds: Sequence[int]) -> list[Trained | AuditError]:
        """Return networks trained on equally many records each, or why there is none."""
        from unlearn_audit.models.networks.batched.batch import structure, train_batch

        made: list[Trained | AuditError | None] = [None] * len(trainings)
        begun: dict[int, tuple[Any, Beginning, tuple[str, ...]]] = {}
        for j, (training, seed) in enumerate(zip(trainings, seeds, strict=True)):
            ready = None
            if np.isin(self.data.class_values, self.data.y[training]).all():
                try:
                    ready = self._begin(training, seed)
                except AuditError as error:
                    made[j] = error
                    continue
            if ready is not None and structure(ready[1].module) == self.plan.structure:
                begun[j] = ready
            else:
                made[j] = self._alone(training, seed)
        if begun:
            with fitting(self.source.name, self.data, len(trainings[0]), seeds[0], len(begun)) as messages:
                outcomes = train_batch(self.plan, [beginning for _, beginning, _ in begun.values()])
            for (j, (model, beginning, before)), outcome in zip(begun.items(), outcomes, strict=True):
                if outcome.error is not None:
                    made[j] = outcome.error
                    continue
                _network_of(model).finish(beginning)
                texts = (*before, *messages, *([f"TrainingWarning: {outcome.warning}"] if outcome.warning else []))
                made[j] = Trained(model, self.source, self.data, trainings[j], seeds[j], texts)
        assert None not in made
        return [one for one in made if one is not None]

    def _begin(self, training: Positions, seed: int) -> tuple[Any, Beginning, tuple[str, ...]]:
        """Return an estimator fitted up to its network, what the network's training starts from, and warnings."""
        estimator = self.source.make(seed)
        ids = self.data.record_ids[training] if self.regime is Regime.FIXED else None
        with fitting(self.source.name, self.data, len(training), seed) as messages:
            X, y = take(self.data.X, training), self.data.y[training]
            for _, step in estimator.steps[:-1] if isinstance(estimator, Pipeline) else ():
                X = step.fit_transform(X, y)
            with _network_of(estimator).begin(X, y, ids) as beginning:
                pass
        return estimator, beginning, tuple(messages)

    def _alone(self, training: Positions, seed: int) -> Trained | AuditError:
        try:
            return train(self.source, self.data, training, seed, self.regime)
        except AuditError as error:
            return error


def _network_of(estimator: Any) -> Any:
    """Return the network that an estimator is or that ends it as a pipeline, None if there is none."""
    last = last_step(estimator)
    networks = sys.modules.get("unlearn_audit.models.networks")
    return last if networks is not None and type(last) is networks.TorchClassifier else None
