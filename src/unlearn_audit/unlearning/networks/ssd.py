"""SSD: weights that matter to the forgotten records far more than to all are made smaller; nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task


class SsdOptions(NetworkOptions):
    """Selective synaptic dampening: one look at the gradients, and no training.

    The importance I of a weight to some records is the mean of the squared gradients of their batches, which are of
    one size for both: no more records than are forgotten. Where ``I(forgotten) > alpha * I(all)``, the weight is
    multiplied by ``min((dampening * I(all) / I(forgotten)) ** exponent, lower_bound)``. On random forget sets of many
    records the two importances are alike, so that it may change no weight at all; it was made for classes and parts of
    them.
    """

    name = "ssd"
    lower = "exponent"
    changes_weights = False
    reference = "Foster et al., Fast Machine Unlearning without Retraining, AAAI 2024"

    alpha: float = Field(10.0, gt=0, description="how many times as important a dampened weight is; as published")
    dampening: float = Field(1.0, gt=0, description="lambda, the constant of dampening; as published")
    exponent: float = Field(1.0, gt=0, description="of the ratio of importances; as published")
    lower_bound: float = Field(1.0, gt=0, le=1, description="largest factor of a dampened weight; as published")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Dampen the weights; there is no phase."""
        import torch

        from unlearn_audit.unlearning.networks import gradients

        # the mean over fewer records has larger squares, whoever they are
        size = min(task.batch_size, len(task.forget))
        forgotten = gradients.mean_square(task, task.forget, size)
        of_all = gradients.mean_square(task, task.retain.and_then(task.forget), size)
        with torch.no_grad():
            for name, weight in task.weights().items():
                weight.copy_(self.dampened(weight, forgotten[name], of_all[name]))
        yield from ()

    def dampened(self, weight: Tensor, forgotten: Tensor, of_all: Tensor) -> Tensor:
        """Return a weight after dampening, from its importance to the forgotten records and to all."""
        import torch

        factor = (self.dampening * of_all / forgotten).pow(self.exponent).clamp(max=self.lower_bound)
        return torch.where(forgotten > self.alpha * of_all, weight * factor, weight)
