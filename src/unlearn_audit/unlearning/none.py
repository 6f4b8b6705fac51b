"""No unlearning: the original is published again. One end of the scale that methods are compared on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.forgetting import Forgetting, Update
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain


@dataclass(frozen=True)
class NoUnlearning(Forgetting):
    """Publishes the original as it was."""

    def forget(self, original: Trained, update: Update) -> Any:  # noqa: ARG002
        """Return the original's model."""
        return original.model


class NoneOptions(Options):
    """There is nothing to set."""

    exactness = Exactness.NONE
    changes_weights = False

    def unlearner(self, retrain: Retrain) -> NoUnlearning:
        """Return the method."""
        return NoUnlearning(retrain.regime, retrain)
