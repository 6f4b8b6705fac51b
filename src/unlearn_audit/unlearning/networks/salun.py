"""SalUn: random labels, with the weights frozen that the forgotten records hardly touch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.random_labels import mislabelled
from unlearn_audit.unlearning.networks.steps import Phase

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task


class SalUnOptions(NetworkOptions):
    """Go on training with random wrong labels on the forgotten records, in their most salient weights alone.

    A weight is salient if the loss of the forgotten records is steep in it. The others stay as they are, bit by bit
    (in the published code weight decay moves them too), and with them the running figures of a layer that has no
    salient weight; those of any other go on. The source trains images by SGD at a rate of 0.013; here the
    recipe's own optimiser and rate go on.
    """

    name = "salun"
    reference = "Fan et al., SalUn, ICLR 2024"

    share: float = Field(0.5, gt=0, le=1, description="of the weights that may change; as published")
    epochs: int = Field(10, ge=1, description="passes over all records; as published")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 0.013 with SGD as published"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on all records, masked."""
        from unlearn_audit.unlearning.networks import gradients

        mask = largest(gradients.mean(task, task.forget), self.share)
        rate = self.learning_rate or task.learning_rate
        optimizer = task.optimizer(self.optimizer)
        yield Phase((mislabelled(task),), optimizer, rate, task.weight_decay, self.epochs, mask=mask)


def largest(slopes: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return where, among all weights, the given share of the gradients is largest in absolute value."""
    import torch

    flat = torch.cat([slope.abs().flatten() for slope in slopes.values()])
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    chosen[flat.argsort(descending=True, stable=True)[: max(1, round(share * len(flat)))]] = True
    parts = torch.split(chosen, [slope.numel() for slope in slopes.values()])
    return {name: part.view_as(slope) for (name, slope), part in zip(slopes.items(), parts, strict=True)}
