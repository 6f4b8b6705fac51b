"""Certified removal by one Newton step (Guo et al., ICML 2020), for L2-regularised logistic regression.

The original is the minimum of an objective with a random linear term b ~ N(0, σ² I). Records leave by one step,
W⁺ = W + H⁻¹ g, where g is their gradient at W and H the Hessian on the records that remain. A gradient is left at W⁺.
Its norm has a bound that is computed for each removal; b hides it as long as the sum of the bounds since the last
training stays below σ ε / √(2 ln(1.5/δ)). A removal that would exceed it trains again, with a new b.

The features are standardised as the model asks, by the figures of the records that it was last trained on. They stay
through removals, and the certificate takes them as given: they decide the coordinates in which weights are penalised
and perturbed. Whoever wants them covered standardises by public figures before and leaves the StandardScaler out.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticModel, LogisticSettings
from unlearn_audit.models.logistic.arrays import is_own, spread_of
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.certificate import Certificate, normal_shift
from unlearn_audit.unlearning.closed_form.objective import Objective
from unlearn_audit.unlearning.forgetting import Forgetting, Update
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.training import fitting, train
from unlearn_audit.utils.typing import Array, Positions

VERSION = 1
"""Raise it whenever the same records would give other parameters than before."""

NOISE_TO_PENALTY = 10 / 12
"""The paper's ratio of σ to the penalty: σ = 10 where λ n = 12. A penalty that is small against σ lets noise decide."""

REFERENCE = "a model trained on the retained records by the same perturbed objective"
GIVEN = "the statistics that standardise features, which stay those of the last training"


class RetrainedWarning(UserWarning):
    """A removal would have exceeded what the certificate allows."""


@dataclass(frozen=True, kw_only=True)
class PerturbedModel(LogisticModel):
    """The minimum of a perturbed objective, or what Newton steps made of it.

    Attributes
    ----------
    noise
        (d + 1, outputs) the linear term; as secret as the records.
    trainings
        How often it was trained from scratch since the original.
    certificate_
        What is proven of it.
    """

    noise: Array = field(repr=False)
    trainings: int
    certificate_: Certificate

    @property
    def weights(self) -> Array:
        """(d + 1, outputs) coefficients, and the intercepts last."""
        return np.vstack([self.coefficients, self.intercepts])

    def objective(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> Objective:
        """Return the objective on (n, d) records, in the coordinates of this model."""
        Z = np.column_stack([(np.asarray(X, dtype=np.float64) - self.mean) / self.scale, np.ones(len(X))])
        k = len(self.classes_)
        Y = is_own(k, self.noise.shape[1])[:, np.searchsorted(self.classes_, y)].T
        softmax = k > 2 and not self.settings.one_vs_rest
        return Objective(Z, Y, 1 / self.settings.C, self.noise, softmax)


@dataclass(frozen=True)
class NewtonRemoval(Forgetting):
    """Removes records by a Newton step, with a certificate.

    Attributes
    ----------
    epsilon, delta
        What each unlearned model may spend.
    sigma
        Standard deviation of b; None for `NOISE_TO_PENALTY` times the model's penalty.
    """

    epsilon: float
    delta: float
    sigma: float | None

    def noise_for(self, settings: LogisticSettings) -> float:
        """Return the standard deviation of b for a model."""
        return NOISE_TO_PENALTY / settings.C if self.sigma is None else self.sigma

    def trainer(self, source: ModelSource, data: Dataset) -> str:  # noqa: ARG002
        """Return what trains the originals, which no other method can share."""
        return f"perturbed-logistic/{VERSION}"

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return an original with a perturbed objective; of records of one class, a plain model.

        Raises
        ------
        AuditError
            If the model is no logistic regression that a certificate is known for.
        """
        why = _why_not(source, data)
        if why is not None:
            raise AuditError(f"unlearning method newton-removal cannot train model {source.name}: {why}")
        if len(np.unique(data.y[training])) < 2:
            return train(source, data, training, seed, self.regime)
        with fitting(source.name, data, len(training), seed) as messages:
            model = self._trained(source, data, training, seed, 0)
        return Trained(model, source, data, training, seed, tuple(messages))

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the model after a Newton step, or one trained from scratch where no certificate would hold."""
        data, before = original.data, original.model
        classes = np.unique(data.y[update.retain])
        if not isinstance(before, PerturbedModel) or not np.array_equal(classes, before.classes_):
            trainings = getattr(before, "trainings", 0) + 1
            if len(classes) < 2:
                return train(original.source, data, update.retain, update.seed, self.regime).model
            return self._trained(original.source, data, update.retain, update.seed, trainings)
        after = self._stepped(before, original, update)
        if after.certificate_.epsilon <= self.epsilon:
            return after
        warnings.warn(
            f"newton-removal trained {original.source.name} again, since this removal would raise the bound on the "
            f"remaining gradient to {after.certificate_.bound:.3g}, above the {after.certificate_.limit:.3g} that "
            f"epsilon {self.epsilon:g} allows",
            RetrainedWarning,
            stacklevel=2,
        )
        return self._trained(original.source, data, update.retain, update.seed, before.trainings + 1)

    def _stepped(self, before: PerturbedModel, original: Trained, update: Update) -> PerturbedModel:
        data, W = original.data, before.weights
        joined = update.retain[~np.isin(update.retain, original.training)]
        kept = before.objective(data.X[update.retain], data.y[update.retain])
        left, added = (before.objective(data.X[of], data.y[of]).of_records(W) for of in (update.forget, joined))
        step = kept.newton_step(W, left - added)
        return self._certified(before, kept, W + step, (before.certificate_.bound or 0) + kept.taylor_bound(step))

    def _trained(
        self, source: ModelSource, data: Dataset, training: Positions, seed: int, trainings: int
    ) -> PerturbedModel:
        settings = LogisticSettings.of(source.make(seed))
        assert settings is not None
        X, y = np.asarray(data.X[training], dtype=np.float64), data.y[training]
        classes, d = np.unique(y), X.shape[1]
        outputs = 1 if len(classes) == 2 else len(classes)
        mean, scale = np.zeros(d), np.ones(d)
        if settings.standardized:
            mean = X.mean(axis=0)
            scale = spread_of(mean, np.square(X - mean).mean(axis=0), len(X))
        # the same seed may train again on fewer records, and then b must be another
        noise = np.random.default_rng([seed, trainings]).normal(scale=self.noise_for(settings), size=(d + 1, outputs))
        nothing = Certificate(0.0, self.delta, REFERENCE)
        empty = PerturbedModel(
            settings, classes, mean, scale, np.zeros((d, outputs)), np.zeros(outputs),
            noise=noise, trainings=trainings, certificate_=nothing,
        )  # fmt: skip
        objective = empty.objective(X, y)
        W = objective.minimum()
        return self._certified(empty, objective, W, float(np.linalg.norm(objective.gradient(W))))

    def _certified(self, model: PerturbedModel, objective: Objective, W: Array, bound: float) -> PerturbedModel:
        """Return a model with other weights and its certificate."""
        sigma = self.noise_for(model.settings)
        certificate = Certificate(
            epsilon=bound / (sigma * normal_shift(1.0, self.delta)),
            delta=self.delta,
            reference=REFERENCE,
            given=GIVEN if model.settings.standardized else None,
            residual=float(np.linalg.norm(objective.gradient(W))),
            bound=bound,
            limit=sigma * normal_shift(self.epsilon, self.delta),
        )
        return replace(model, coefficients=W[:-1], intercepts=W[-1], certificate_=certificate)


def _why_not(source: ModelSource, data: Dataset) -> str | None:
    settings = LogisticSettings.of(source.make(seed=0))
    if settings is None:
        return (
            "it is not an L2-regularised logistic regression solved to its optimum; use logistic-regression, or a "
            "LogisticRegression with tol=1e-8 behind at most one StandardScaler"
        )
    if settings.class_weight is not None:
        return "class_weight changes the weights of the other records when one is removed; leave it out"
    if not isinstance(data.X, np.ndarray) or data.X.ndim != 2 or data.X.dtype.kind not in "fiub":
        return "its records are not a table of numbers; encode them first"
    return None


class NewtonRemovalOptions(Options):
    """What can be set of certified removal."""

    exactness = Exactness.CERTIFIED
    reference = "Guo et al., Certified Data Removal from Machine Learning Models, ICML 2020"

    epsilon: float = Field(1.0, gt=0, le=1, description="what an unlearned model may spend; 1 in the paper")
    delta: float = Field(1e-5, gt=0, lt=1, description="the chance that it spends more")
    sigma: float | None = Field(
        None, gt=0, description="standard deviation of the objective's noise; None for the paper's 10/12 of the penalty"
    )

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why no certificate is known for a model; None if one is."""
        return _why_not(source, data)

    def unlearner(self, retrain: Retrain) -> NewtonRemoval:
        """Return the method."""
        return NewtonRemoval(retrain.regime, retrain, self.epsilon, self.delta, self.sigma)
