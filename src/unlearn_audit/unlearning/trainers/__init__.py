"""How models are trained from scratch: one file a trainer, tried in order; the last one trains any model.

A trainer that takes many models at once gives the models that their own ``fit`` gives, so it decides nothing but the
time. Its key still goes into the keys of the store, since rounding may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.trainers.base import Retraining, Trainer
from unlearn_audit.unlearning.trainers.logistic import LogisticTrainer
from unlearn_audit.unlearning.trainers.networks import NetworkTrainer
from unlearn_audit.unlearning.trainers.plain import PlainTrainer
from unlearn_audit.unlearning.trainers.trees import TreeTrainer
from unlearn_audit.utils.typing import Positions

TRAINERS: tuple[type[Trainer], ...] = (LogisticTrainer, TreeTrainer, NetworkTrainer, PlainTrainer)
"""All trainers, in the order in which they are tried."""


def trainers_for(
    source: ModelSource,
    data: Dataset,
    regime: Regime,
    *,
    plain: bool = False,
    opened: bool = False,
    same_bits: bool = False,
) -> Iterator[Trainer]:
    """Yield the trainers of a source's models, in the order to try them.

    Parameters
    ----------
    source, data, regime
        What is trained, on what, and how its randomness relates to the original's.
    plain
        Whether each model is trained by its own ``fit`` in any case.
    opened
        Whether other people's code looks into the models, which rules out trainers of opaque ones.
    same_bits
        Whether only trainers are wanted whose models have the bits of the source's own ``fit``.
    """
    for kind in (PlainTrainer,) if plain else TRAINERS:
        if (opened and kind.opaque) or (same_bits and not kind.same_bits):
            continue
        trainer = kind.of(source, data, regime)
        if trainer is not None and not isinstance(trainer, str):
            yield trainer


def learn(trainers: Iterable[Trainer], training: Positions, seed: int) -> Trained:
    """Return a model by the first trainer that can train it; the last one trains any."""
    tried = (trainer.learn(training, seed) for trainer in trainers)
    return next(model for model in tried if model is not None)


def retrain(trainers: Iterable[Trainer], original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained]:
    """Return each retrained model in turn, by the first trainer that can train them; the last one trains any."""
    tried = (trainer.retrain(original, retrainings) for trainer in trainers)
    return next(models for models in tried if models is not None)


def why_plain(source: ModelSource, data: Dataset, regime: Regime) -> str | None:
    """Return why models of a kind that a trainer takes many at once cannot be; None if they can, or none does."""
    offers = (kind.of(source, data, regime) for kind in TRAINERS)
    return next((offer for offer in offers if isinstance(offer, str)), None)


__all__ = ["TRAINERS", "Retraining", "Trainer", "learn", "retrain", "trainers_for", "why_plain"]
