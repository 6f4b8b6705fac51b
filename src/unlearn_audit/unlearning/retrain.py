"""Retraining from scratch on the records that remain: exact unlearning, and the arm all others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.regimes import Positions, Regime, RowOrder, fixed_order, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained, train
from unlearn_audit.worlds.design import Request


@dataclass(frozen=True)
class Retrain:
    """Fit a new model on what remains of the original's training records.

    Attributes
    ----------
    regime
        How the new model's randomness relates to the original's.
    order
        In which order the remaining records are fitted.
    """

    regime: Regime
    order: RowOrder

    @classmethod
    def for_model(cls, source: ModelSource, asked: Regime) -> tuple[Retrain, str | None]:
        """Return retraining in the regime asked for, or in the nearest this model can do and why.

        Examples
        --------
        >>> from unlearn_audit.models import resolve_model
        >>> Retrain.for_model(resolve_model("mlp"), Regime.FIXED)[0].regime
        <Regime.SAME_SEED: 'same-seed'>
        """
        if asked is not Regime.FIXED:
            return cls(asked, RowOrder.MINUS), None
        order = fixed_order(source.make(seed=0))
        if order is None:
            return cls(Regime.SAME_SEED, RowOrder.MINUS), (
                f"regime fixed was asked for; {source.name} cannot keep each draw with its record, so it ran as "
                "same-seed: the same seed on fewer records"
            )
        return cls(Regime.FIXED, order), None

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return a model trained the plain way."""
        return train(source, data, training, seed, self.regime)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return a model retrained without the deleted and with the added records."""
        remaining = remaining_rows(original.training, request.deleted, self.order)
        training = np.concatenate([remaining, request.added])
        own = seed if self.regime is Regime.FRESH else original.seed
        return train(original.source, original.data, training, own, self.regime)

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the retrained model of each request."""
        for request, seed in zip(requests, seeds, strict=True):
            yield self.unlearn(original, request, seed)
