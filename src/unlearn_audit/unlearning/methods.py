"""From the configuration to an unlearning method."""

from __future__ import annotations

from unlearn_audit.config import UnlearningConfig
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.sisa import Sisa


def unlearner_for(config: UnlearningConfig, source: ModelSource, asked: Regime) -> tuple[Unlearner, str | None]:
    """Return the method in the regime asked for, or in the nearest that the model can do and why."""
    retrain, note = Retrain.for_model(source, asked)
    if config.method == "sisa":
        return Sisa(retrain, config.shards, config.slices, config.aggregation), note
    return retrain, note
