"""The contract of a trainer: a way to train the models of one source on records of one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request


@dataclass(frozen=True)
class Retraining:
    """One model to train from scratch.

    Attributes
    ----------
    request
        What it forgets and learns beyond the original's training records.
    training
        (n,) positions of the records that it is trained on, in training order.
    seed
        The seed of its training.
    """

    request: Request
    training: Positions
    seed: int


class Trainer(Protocol):
    """A way to train models that gives the same models wherever it applies, only at another cost.

    Attributes
    ----------
    opaque
        Whether its models cannot be made into fitted estimators of the source, for code that looks into them.
    same_bits
        Whether its models answer with the bits of those of the source's own ``fit``.
    """

    opaque: ClassVar[bool]
    same_bits: ClassVar[bool]

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, regime: Regime) -> Self | str | None:
        """Return the trainer of a source's models, None for models of another kind, or why it cannot train these."""
        ...

    @property
    def key(self) -> str | None:
        """What goes into the keys of the store; None for a model's own ``fit``."""
        ...

    def learn(self, training: Positions, seed: int) -> Trained | None:
        """Return a trained model, or None if these records are no case for it."""
        ...

    def retrain(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained] | None:
        """Return each retrained model in turn, or None if the original or these records are no case for it."""
        ...
