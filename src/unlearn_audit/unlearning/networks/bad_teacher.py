"""Bad teacher: on the forgotten records the model learns to answer as one that knows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task


class BadTeacherOptions(NetworkOptions):
    """Distil an untrained network on the forgotten records, and the original on some retained ones.

    The loss is KL(teacher || model), averaged over the records of a batch (the published code averages over the
    classes too). The paper trains images by Adam at a rate of 1e-4; here the recipe's own optimiser and rate go on.
    """

    name = "bad-teacher"
    reference = "Chundawat et al., Can Bad Teaching Induce Forgetting?, AAAI 2023"

    epochs: int = Field(1, ge=1, description="passes over the forgotten and the drawn records; 1 in the published code")
    share: float = Field(0.3, gt=0, le=1, description="share of the retained records that is drawn, once; as published")
    temperature: float = Field(1.0, gt=0, description="of all posteriors; as published")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 1e-4 with Adam as published"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on the forgotten records and those drawn."""
        import torch

        from unlearn_audit.unlearning.networks import losses

        seed = int(torch.randint(2**31 - 1, (), generator=task.generator))
        drawn = torch.randperm(len(task.retain), generator=task.generator)
        kept = task.retain.at(drawn[: max(1, round(self.share * len(drawn)))].to(task.device))
        teacher = torch.cat([task.logits(kept), task.logits(task.forget, task.untrained(seed))])
        loss = losses.to_teacher(self.temperature)
        stream = Stream(kept.and_then(task.forget), loss, task.batch_size, {"teacher": teacher})
        rate = self.learning_rate or task.learning_rate
        yield Phase((stream,), task.optimizer(self.optimizer), rate, task.weight_decay, self.epochs)
