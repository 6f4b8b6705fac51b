"""NegGrad+: down the loss of the retained records and up that of the forgotten ones, in the same step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task


class NegGradPlusOptions(NetworkOptions):
    """Minimise ``beta * L(retained) - (1 - beta) * L(forgotten)``.

    Each step takes a batch of either. The source trains images by SGD at a rate of 0.01; here the recipe's own
    optimiser and rate go on.
    """

    name = "neggrad-plus"
    lower = "epochs"
    keeps_accuracy = False
    reference = "Kurmanji et al., Towards Unbounded Machine Unlearning, NeurIPS 2023"

    beta: float = Field(0.95, gt=0, le=1, description="weight of the retained records; 0.95 or 0.9 in the source")
    epochs: int = Field(10, ge=1, description="passes over the retained records; 10 in the source")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 0.01 with SGD in the source"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on both."""
        from unlearn_audit.unlearning.networks import losses

        streams = (
            Stream(task.retain, losses.of_labels, task.batch_size, weight=self.beta),
            Stream(task.forget, losses.of_labels, task.batch_size, weight=self.beta - 1),
        )
        rate = self.learning_rate or task.learning_rate
        yield Phase(streams, task.optimizer(self.optimizer), rate, task.weight_decay, self.epochs)
