"""Certified noisy fine-tuning (Koloskova et al., ICML 2025): clipped, noisy steps on the retained records.

The original's weights are clipped to the norm C0, and T steps on the retained records, each with its gradient clipped
to C1, add so much noise that any two networks that start within the ball end alike (`noise`). Steps without noise
follow: they use nothing but the retained records and what came before, so the certificate holds for their result too.

With a fixed noise, the number of steps may be what each record's per-instance loss predicts (Sepahvand et al., ICML
2025). That is a prediction; the certificate states what the steps that were made prove for any record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from sklearn.pipeline import Pipeline

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.per_instance import ORDER, steps_for
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import before_last_step, last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.certificate import Certificate
from unlearn_audit.unlearning.forgetting import Update
from unlearn_audit.unlearning.networks.base import NetworkMethod, NetworkOptions
from unlearn_audit.unlearning.networks.noise import NoisySteps, epsilon_of, renyi_of, steps_to_cross
from unlearn_audit.unlearning.networks.steps import Phase, Stream
from unlearn_audit.unlearning.options import Exactness
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.training import fitting, take
from unlearn_audit.utils.typing import Array, Positions
from unlearn_audit.worlds.design import Request

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task

REFERENCE = "the same noisy fine-tuning of any other network, including one that never had the records"
GIVEN = "the steps before the network, which stay as fitted"


class NoisyFineTuningOptions(NetworkOptions):
    """What can be set of noisy fine-tuning.

    Where the authors' figures are not known, the defaults are our choice: a start so small that the noise for epsilon
    1, about 20 times C0 a weight, leaves weights of the size that networks begin with.
    """

    name = "noisy-fine-tuning"
    exactness = Exactness.CERTIFIED
    keeps_accuracy = False
    reference = "Koloskova et al., Certified Unlearning for Neural Networks, ICML 2025"

    epsilon: float = Field(1.0, gt=0, description="what an unlearned network may spend, unless the noise is given")
    delta: float = Field(1e-5, gt=0, lt=1, description="the chance that it spends more")
    start: float = Field(0.01, gt=0, description="C0, the norm that the original's weights are clipped to")
    clip: float = Field(1.0, gt=0, description="C1, the norm that each step's gradient is clipped to")
    learning_rate: float = Field(1e-3, gt=0, description="of the noisy steps, which are plain gradient steps")
    weight_decay: float = Field(0.0, ge=0, description="of the noisy steps")
    steps: int | Literal["per-instance"] | None = Field(
        None, description="noisy steps; None for the authors' C0 / (C1 learning_rate); or what each record needs"
    )
    noise: float | None = Field(
        None, gt=0, description="of each weight at each step; None for the least that epsilon needs"
    )
    recovery_epochs: int = Field(10, ge=0, description="passes without noise afterwards, with the network's own recipe")
    most_steps: int = Field(10_000, ge=1, description="the most noisy steps that a record may need")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.learning_rate * self.weight_decay >= 1:
            raise ValueError("learning_rate times weight_decay has to be below 1; lower one of them")
        if isinstance(self.steps, int) and self.steps < 1:
            raise ValueError(f"{self.steps} steps are too few; give at least 1, per-instance, or leave it out")
        if self.steps == "per-instance" and (self.noise is None or not self.weight_decay):
            raise ValueError("steps 'per-instance' need noise and weight_decay, which decide how fast a record fades")
        return self

    def noisy_steps(self) -> NoisySteps:
        """Return the noisy steps that are made, unless their number depends on the record."""
        assert self.steps != "per-instance"
        steps = self.steps or steps_to_cross(self.start, self.clip, self.learning_rate)
        return NoisySteps(self.start, self.clip, self.learning_rate, self.weight_decay, steps)

    def certified(self, given: str | None) -> tuple[float, Certificate]:
        """Return the noise of a step, and what it certifies."""
        steps = self.noisy_steps()
        if self.noise is None:
            noise, epsilon = steps.noise(renyi_of(self.epsilon, self.delta)), self.epsilon
        else:
            noise, epsilon = self.noise, epsilon_of(steps.renyi(self.noise), self.delta)
        return noise, Certificate(epsilon, self.delta, REFERENCE, given)

    @property
    def steps_made(self) -> int | None:
        """How many noisy steps each request takes; None if that depends on its records."""
        return None if self.steps == "per-instance" else self.noisy_steps().steps

    def predicted_steps(self, losses: Array) -> int:
        """Return the number of noisy steps that the (f,) per-instance losses at order 4α of a forget set ask for.

        Each step is taken to divide the loss at order α by e^(η λ / α), as in the bound of Chien et al. (NeurIPS 2024)
        with strong convexity λ, and the target is α ε_R; the hardest record decides.
        """
        target = ORDER * renyi_of(self.epsilon, self.delta)
        rate = self.learning_rate * self.weight_decay / ORDER
        return int(min(steps_for(losses, target, rate).max(), self.most_steps))

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield the noisy steps, from clipped weights, and then steps without noise."""
        import torch

        from unlearn_audit.unlearning.networks import losses

        _refuse_buffers(task.module, self.name)
        noise, certificate = self.certified(GIVEN if isinstance(task.estimator, Pipeline) else None)
        weights = task.weights().values()
        with torch.no_grad():
            norm = math.sqrt(sum(float(weight.double().square().sum()) for weight in weights))
            for weight in weights:
                weight.mul_(min(1.0, self.start / max(norm, self.start)))
        plain: Any = partial(torch.optim.SGD, momentum=0.0)
        stream = Stream(task.retain, losses.of_labels, task.batch_size)
        yield Phase(
            (stream,), plain, self.learning_rate, self.weight_decay,
            steps=self.noisy_steps().steps, clip=self.clip, noise=noise,
        )  # fmt: skip
        if self.recovery_epochs:
            yield Phase((stream,), task.optimizer(), task.learning_rate, task.weight_decay, epochs=self.recovery_epochs)
        task.network.certificate_ = certificate

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why networks of this kind have no certificate; None if they have one."""
        why = super().why_not(source, data)
        if why is not None:
            return why
        import torch

        network = last_step(source.make(seed=0))
        module = network.make_module(tuple(data.X.shape[1:]), len(data.class_values), torch.device("cpu"))
        try:
            _refuse_buffers(module, self.name)
        except AuditError as error:
            return str(error)
        return None

    def unlearner(self, retrain: Retrain) -> NetworkMethod:
        """Return the method."""
        return NoisyFineTuning(retrain.regime, retrain, self)


class NoisyFineTuning(NetworkMethod):
    """Carries out noisy fine-tuning, with as many steps as each request needs."""

    options: NoisyFineTuningOptions

    def why_plain(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why requests are met one after another; None if they need not be, or are to."""
        if self.options.steps == "per-instance" and not self.retrain.plain:
            return "each takes as many steps as its records need"
        return super().why_plain(source, data)

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the original's estimator once it has forgotten."""
        if self.options.steps != "per-instance":
            return super().forget(original, update)
        return self._with_steps(self._losses(original, update.forget)).forget(original, update)

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the unlearned model of each request; where their numbers of steps differ, one after another."""
        if self.options.steps != "per-instance":
            yield from super().unlearn_many(original, requests, seeds)
            return
        for request, seed in zip(requests, seeds, strict=True):
            self.update_of(original, request, seed)  # refuses what cannot be met, before anything is trained
        sizes = [len(request.deleted) for request in requests]
        losses = self._losses(original, np.concatenate([request.deleted for request in requests]))
        parts = np.split(losses, np.cumsum(sizes)[:-1])
        for request, seed, of in zip(requests, seeds, parts, strict=True):
            yield from self._with_steps(of).unlearn_many(original, [request], [seed])

    def _with_steps(self, losses: Array) -> NoisyFineTuning:
        steps = self.options.predicted_steps(losses)
        return replace(self, options=self.options.model_copy(update={"steps": steps}))

    def _losses(self, original: Trained, asked: Positions) -> Array:
        """Return (f,) per-instance losses at order 4α, from the original's training, which is repeated for them."""
        if original.updates:
            raise AuditError(
                f"{self.options.name} cannot tell how many steps each record needs for a network that was already "
                "unlearned, since no reproducible training made it; give a number of steps, or leave it out"
            )
        return loss_along_training(original, asked, self.regime)


def loss_along_training(original: Trained, asked: Positions, regime: Regime, order: float = 4 * ORDER) -> Array:
    """Return (m,) per-instance losses of some training records of a network, whose training is repeated and watched.

    Parameters
    ----------
    original
        A network, alone or at the end of a pipeline, trained by its own ``fit`` or as that would, and not unlearned.
    asked
        (m,) positions of the records.
    regime
        In *fixed* draws are keyed by record, as they were.
    order
        That of the loss; the number of noisy steps depends on the loss at 4α.

    Notes
    -----
    Of a training without noise, the losses are those that it would have with noise of the size of the clipping norm:
    they rank records and bound nothing.
    """
    from unlearn_audit.models.networks.gradients import fit_and_log

    data, training = original.data, original.training
    estimator = original.source.make(original.seed)
    X, y, of = take(data.X, training), data.y[training], take(data.X, asked)
    with fitting(original.source.name, data, len(training), original.seed):
        if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
            X = estimator[:-1].fit_transform(X, y)
            of = before_last_step(estimator, of)
        ids = data.record_ids[training] if regime is Regime.FIXED else None
        logged = fit_and_log(last_step(estimator), X, y, (of, data.y[asked]), record_ids=ids)
    return logged.loss(order)


def _refuse_buffers(module: Any, name: str) -> None:
    if next(iter(module.buffers()), None) is not None:
        raise AuditError(
            f"{name} has no certificate for networks with running figures, such as BatchNorm's, which remember records "
            "and receive no noise; use GroupNorm"
        )
