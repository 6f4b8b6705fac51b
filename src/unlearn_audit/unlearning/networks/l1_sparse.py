"""l1-sparse: fine-tuning that prefers small weights, so that the model has less room for what it is to forget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.steps import Weights
    from unlearn_audit.unlearning.networks.task import Task


class L1SparseOptions(NetworkOptions):
    """Fine-tune on the retained records with ``alpha * ||weights||_1`` added to the loss, alpha falling to 0.

    It falls linearly, from step to step (in the source from epoch to epoch). The source trains images by SGD at a
    rate of 0.01; here the recipe's own optimiser and rate go on.
    """

    name = "l1-sparse"
    lower = "alpha"
    reference = "Jia et al., Model Sparsity Can Simplify Machine Unlearning, NeurIPS 2023"

    alpha: float = Field(5e-4, ge=0, description="weight of the norm at the first step; 3e-4 to 1e-3 in public code")
    epochs: int = Field(10, ge=1, description="passes over the retained records; 10 in Unlearn-Sparse")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 0.01 with SGD in Unlearn-Sparse"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on the retained records."""
        import torch

        from unlearn_audit.models.networks.training import batch_sizes
        from unlearn_audit.unlearning.networks import losses

        steps = self.epochs * len(batch_sizes(len(task.retain), task.batch_size))

        def penalty(weights: Weights, step: int) -> Tensor:
            return self.weight_at(step, steps) * torch.stack([w.abs().sum() for w in weights.values()]).sum()

        stream = Stream(task.retain, losses.of_labels, task.batch_size)
        rate = self.learning_rate or task.learning_rate
        optimizer = task.optimizer(self.optimizer)
        yield Phase((stream,), optimizer, rate, task.weight_decay, self.epochs, penalty=penalty)

    def weight_at(self, step: int, steps: int) -> float:
        """Return the weight of the norm at a step of so many, counted from 0.

        Examples
        --------
        >>> [L1SparseOptions(alpha=1).weight_at(step, 4) for step in range(4)]
        [1.0, 0.75, 0.5, 0.25]
        """
        return self.alpha * (1 - step / steps)
