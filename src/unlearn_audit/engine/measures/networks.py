"""What measures of networks share."""

from __future__ import annotations

import copy
import sys
from typing import Any

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import last_step


def network_in(model: Any) -> Any:
    """Return the `TorchClassifier` that a model is or that ends it as a pipeline; None if there is none."""
    networks = sys.modules.get("unlearn_audit.models.networks")
    last = last_step(model)
    return last if networks is not None and isinstance(last, networks.TorchClassifier) else None


def copied(model: Any) -> tuple[Any, Any]:
    """Return a copy of a model that ends in a network, and the module of the copy."""
    own = copy.deepcopy(model)
    return own, network_in(own).module_


def why_no_network(source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG001
    """Return that models of a source are no networks, if they are not, as the end of a sentence."""
    return None if network_in(source.make(seed=0)) is not None else f"{source.name} is not a neural network"
