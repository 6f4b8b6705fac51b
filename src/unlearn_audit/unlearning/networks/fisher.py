"""Fisher forgetting: noise on the weights, large where the retained records do not need them; nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task


class FisherOptions(NetworkOptions):
    """Add normal noise of variance ``alpha * min(1 / F, most)`` to every weight.

    F is the diagonal of Fisher's information of the retained records. Each record's share is the squared gradient of
    its loss for one label, drawn as the model predicts it: unbiased, where the source sums over all labels. The noise
    depends on the forgotten records only by their absence from F.
    """

    name = "fisher"
    lower = "alpha"
    keeps_accuracy = False
    reference = "Golatkar et al., Eternal Sunshine of the Spotless Net, CVPR 2020"

    alpha: float = Field(1e-6, gt=0, description="factor of the variance; 1e-9 to 1e-6 in public code")
    most: float = Field(1e3, gt=0, description="largest inverse of F, for weights that no record needs; our choice")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Add the noise; there is no phase."""
        import torch

        from unlearn_audit.unlearning.networks import gradients

        answers = task.logits(task.retain).double().softmax(dim=1).cpu()
        drawn = torch.multinomial(answers, 1, generator=task.generator)[:, 0].to(task.device)
        information = gradients.mean_square(task, replace(task.retain, labels=drawn), 1)
        with torch.no_grad():
            for name, weight in task.weights().items():
                weight.add_(self.deviation(information[name]) * task.normal(weight.shape).to(weight))
        yield from ()

    def deviation(self, information: Tensor) -> Tensor:
        """Return the standard deviation of the noise on weights with such information."""
        return (self.alpha * (1 / information).clamp(max=self.most)).sqrt()
