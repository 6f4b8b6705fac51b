"""A trained network taken out of its classifier and put back in: weights, inputs and labels as its module has them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.classifier import TorchClassifier
from unlearn_audit.models.networks.device import exact
from unlearn_audit.models.networks.recipe import TrainingRecipe
from unlearn_audit.models.steps import before_last_step, last_step

__all__ = ["OpenedNetwork", "exact", "tensors_of"]

Weights = Mapping[str, Tensor]
"""Weights and buffers of a module by name."""


class OpenedNetwork:
    """A copy of a trained network, whose original stays as it was.

    Parameters
    ----------
    estimator
        A fitted `TorchClassifier`, or a pipeline that ends in one.

    Attributes
    ----------
    module
        The copy's module, in training mode.
    """

    def __init__(self, estimator: Any) -> None:
        self._estimator = copy.deepcopy(estimator)
        self._network: TorchClassifier = last_step(self._estimator)
        self.module: nn.Module = self._network.module_.train()
        self._weights = {name: value.clone() for name, value in tensors_of(self.module).items()}

    @property
    def classes(self) -> npt.NDArray[Any]:
        """(k,) labels in the order of the logits."""
        return np.asarray(self._network.classes_)

    @property
    def device(self) -> torch.device:
        """Where the module computes."""
        return self._network.device_

    @property
    def recipe(self) -> TrainingRecipe:
        """How it was trained."""
        return self._network.recipe_

    @property
    def weights(self) -> dict[str, Tensor]:
        """Weights and buffers as training left them, on the CPU, none of which shares memory with another."""
        return {name: value.detach().cpu().contiguous().clone() for name, value in self._weights.items()}

    def inputs(self, X: Any) -> Tensor:
        """Return (m, ...) float32 what the module takes for records, on its device.

        The steps before the network, the scaling of bytes and the shape of images are applied.
        """
        records = self._network.records_of(before_last_step(self._estimator, X))
        return self._network.inputs(records.to(self.device)).clone()

    def codes(self, y: npt.NDArray[Any]) -> Tensor:
        """Return (m,) int64 places of labels among the logits, on the module's device.

        Raises
        ------
        AuditError
            If the network has no logit for a label.
        """
        stray = ~np.isin(y, self.classes)
        if stray.any():
            raise AuditError(
                f"the network was trained without any record of class {y[stray][0]!r} and has no logit for it; give "
                "every world records of each class (stratify: true)"
            )
        return torch.from_numpy(np.searchsorted(self.classes, y).astype(np.int64)).to(self.device)

    def why_not(self, weights: Weights) -> str | None:
        """Return what weights are that cannot stand in for the trained ones, to end a sentence; None if they can."""
        if (other := _difference(self._weights, weights)) is not None:
            return f"another architecture ({other})"
        broken = [name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()]
        return f"broken weights ('{broken[0]}' holds values that are not finite numbers)" if broken else None

    def with_module(self, module: nn.Module) -> Any:
        """Return a fitted estimator that answers by a module of this architecture."""
        self._network.module_ = module.to(self.device).eval()
        # what training spent of its privacy says nothing of a module that saw the records again
        self._network.spent_ = None
        return self._estimator

    def with_weights(self, weights: Weights) -> Any:
        """Return a fitted estimator of other weights."""
        own = tensors_of(self.module)
        self.module.load_state_dict({name: value.to(own[name]) for name, value in weights.items()}, strict=False)
        return self.with_module(self.module)


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights and buffers of a module by name."""
    return {name: value.detach() for name, value in module.state_dict().items() if isinstance(value, Tensor)}


def _difference(own: Weights, others: Weights) -> str | None:
    """Return the first difference between the names and shapes of two networks; None if there is none."""
    if missing := [name for name in own if name not in others]:
        return f"'{missing[0]}' is missing"
    if further := [name for name in others if name not in own]:
        return f"'{further[0]}' is not a weight of the original"
    for name, value in own.items():
        if others[name].shape != value.shape:
            return f"'{name}' has shape {tuple(others[name].shape)}, in the original {tuple(value.shape)}"
    return None
