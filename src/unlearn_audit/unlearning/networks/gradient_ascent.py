"""Gradient ascent: the loss of the forgotten records is made larger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task


class GradientAscentOptions(NetworkOptions):
    """Go up the loss of the forgotten records.

    Nothing holds the loss back, so many steps ruin a model; nothing keeps the retained records either. Public code
    takes SGD with rates from 1e-5 to 1e-3, 1 to 10 epochs, and clips; here the upper end of rates with a clip of 1.
    """

    name = "gradient-ascent"
    lower = "epochs"
    keeps_accuracy = False
    reference = "Graves et al., AAAI 2021; Thudi et al., EuroS&P 2022"

    epochs: int = Field(5, ge=1, description="passes over the forgotten records; 1 to 10 in public code")
    learning_rate: float = Field(1e-3, gt=0, description="1e-5 to 1e-3 in public code")
    optimizer: Literal["adam", "sgd"] | None = Field("sgd", description="SGD as in public code; None for the recipe's")
    clip: float | None = Field(1.0, gt=0, description="largest norm of a step's gradient; our choice")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on the forgotten records."""
        from unlearn_audit.unlearning.networks import losses

        stream = Stream(task.forget, losses.of_labels, task.batch_size, weight=-1.0)
        optimizer = task.optimizer(self.optimizer)
        yield Phase((stream,), optimizer, self.learning_rate, epochs=self.epochs, clip=self.clip)
