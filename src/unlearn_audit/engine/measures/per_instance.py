"""What the training of the original gives away of each deleted record: a difficulty that is known before unlearning."""

from __future__ import annotations

from collections.abc import Iterator

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.measures.base import ORIGINAL, Measure, Value
from unlearn_audit.engine.measures.networks import why_no_network
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.utils.typing import Positions


class PerInstance(Measure):
    """``difficulty.per-instance-loss.<record>`` of the original: the per-instance Rényi loss of each deleted record.

    It is of the order on which the predicted number of steps of noisy fine-tuning depends. The training of the original
    is repeated once for it.
    """

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return that a model is no network, if it is none."""
        return why_no_network(source, data)

    def of_original(self, original: Trained, deleted: Positions, regime: Regime) -> Iterator[Value]:
        """Yield the loss of each record."""
        from unlearn_audit.unlearning.networks.noisy_fine_tuning import loss_along_training

        losses = loss_along_training(original, deleted, regime)
        ids = original.data.record_ids[deleted]
        for record, loss in zip(ids, losses, strict=True):
            yield ORIGINAL, f"difficulty.per-instance-loss.{record}", float(loss)
