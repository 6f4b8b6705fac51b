"""Random labels: training goes on with wrong labels on the forgotten records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.errors import AuditError
from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task


class RandomLabelsOptions(NetworkOptions):
    """Go on training on all records, the forgotten ones with a wrong label each, drawn once.

    Public code may draw the true label; here it never is. It trains images by SGD at rates from 0.006 to 0.013; here
    the recipe's own optimiser and rate go on.
    """

    name = "random-labels"
    reference = "Golatkar et al., CVPR 2020; Fan et al., ICLR 2024"

    epochs: int = Field(10, ge=1, description="passes over all records; 10 in Unlearn-Saliency")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 0.006 to 0.013 with SGD in Unlearn-Saliency"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on all records."""
        rate = self.learning_rate or task.learning_rate
        yield Phase((mislabelled(task),), task.optimizer(self.optimizer), rate, task.weight_decay, self.epochs)


def mislabelled(task: Task) -> Stream:
    """Return all records of a task, the retained with their labels, the forgotten with random wrong ones."""
    import torch

    from unlearn_audit.unlearning.networks import losses

    targets = torch.cat([task.retain.labels, wrong_labels(task)])
    return Stream(task.retain.and_then(task.forget), losses.of_targets, task.batch_size, {"targets": targets})


def wrong_labels(task: Task) -> Tensor:
    """Return (f,) labels of the forgotten records, each drawn from the classes that are not its own.

    Raises
    ------
    AuditError
        If there is one class alone.
    """
    import torch

    if task.n_classes < 2:
        raise AuditError("the network knows only one class, and wrong labels need a second; use another method")
    others = torch.randint(1, task.n_classes, (len(task.forget),), generator=task.generator)
    return (task.forget.labels + others.to(task.device)) % task.n_classes
