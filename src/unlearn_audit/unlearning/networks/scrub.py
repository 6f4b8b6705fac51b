"""SCRUB: the student leaves its teacher on the forgotten records and stays with it on the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Records, Stream

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task


class ScrubOptions(NetworkOptions):
    """Alternate between two passes: away from the original on the forgotten records, and back on the retained ones.

    A pass away maximises KL(original || model) on the forgotten records; one back minimises
    ``gamma * cross entropy + alpha * KL(original || model)`` on the retained ones. The first epochs have both, the
    others the second alone. With ``rewind`` the weights after that epoch are published whose error on the forgotten
    records is nearest to a reference: the last weights' error on retained records that were held out of all passes,
    weighted by class as the forgotten ones are. (The source has validation records for that, which the original never
    saw; an owner may have none.) The averaging of weights over steps in the published code is left out.

    SGD is the default though a network's recipe be Adam: at its first step the student equals its teacher, the
    gradient is what rounding leaves, and Adam makes full steps of it.
    """

    name = "scrub"
    lower = "forget_epochs"
    reference = "Kurmanji et al., Towards Unbounded Machine Unlearning, NeurIPS 2023"

    gamma: float = Field(0.99, ge=0, description="weight of the retained records' cross entropy; as published")
    alpha: float = Field(0.1, ge=0, description="weight of the retained records' divergence; 0.1 to 0.5 as published")
    temperature: float = Field(4.0, gt=0, description="of all divergences; 2 to 4 as published")
    epochs: int = Field(5, ge=1, description="passes over the retained records; our choice")
    forget_epochs: int = Field(
        2, ge=0, description="how many of the first epochs include a pass away; 1 to 3 as published"
    )
    learning_rate: float = Field(5e-4, gt=0, description="as published")
    optimizer: Literal["adam", "sgd"] | None = Field("sgd", description="as published; None for the recipe's own")
    rewind: bool = Field(True, description="whether the epoch nearest to the reference is published, or the last")
    held_out: float = Field(0.1, gt=0, lt=1, description="share of retained records for the reference; our choice")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield the passes; after the last one, rewind."""
        kept, reference = self.parted(task)
        away, back = self._passes(task, kept)
        checkpoints: list[dict[str, Tensor]] = []
        errors: list[float] = []
        for epoch in range(self.epochs):
            if epoch < self.forget_epochs:
                yield replace(away, goes_on=epoch > 0)
            yield replace(back, goes_on=epoch > 0 or self.forget_epochs > 0)
            if self.rewind:
                checkpoints.append({name: weight.detach().clone() for name, weight in task.weights().items()})
                errors.append(_error(task, task.forget))
        if self.rewind:
            _set(task, checkpoints[nearest(errors, _error(task, reference, like=task.forget))])

    def parted(self, task: Task) -> tuple[Records, Records]:
        """Return the retained records that are trained on and those that are held out; all are both without rewind."""
        import torch

        if not self.rewind or len(task.retain) < 2:
            return task.retain, task.retain
        n = max(1, round(self.held_out * len(task.retain)))
        order = torch.randperm(len(task.retain), generator=task.generator).to(task.device)
        return task.retain.at(order[n:]), task.retain.at(order[:n])

    def _passes(self, task: Task, kept: Records) -> tuple[Phase, Phase]:
        """Return one pass away from the teacher and one back."""
        from unlearn_audit.unlearning.networks import losses

        distance = losses.to_teacher(self.temperature)

        def both(logits: Tensor, values: losses.Values) -> Tensor:
            return self.gamma * losses.of_labels(logits, values) + self.alpha * distance(logits, values)

        leave = Stream(task.forget, distance, task.batch_size, {"teacher": task.logits(task.forget)}, weight=-1.0)
        stay = Stream(kept, both, task.batch_size, {"teacher": task.logits(kept)})
        optimizer = task.optimizer(self.optimizer)
        away, back = (Phase((of,), optimizer, self.learning_rate, task.weight_decay) for of in (leave, stay))
        return away, back


def nearest(errors: list[float], reference: float) -> int:
    """Return at which epoch the error is nearest to a reference, the last of several.

    Examples
    --------
    >>> nearest([0.0, 0.5, 0.9, 0.5], 0.6)
    3
    """
    return min(range(len(errors)), key=lambda epoch: (abs(errors[epoch] - reference), -epoch))


def _error(task: Task, records: Records, like: Records | None = None) -> float:
    """Return the share of wrong answers, with classes weighted as they are among some other records."""
    import torch

    wrong = (task.logits(records).argmax(dim=1) != records.labels).double()
    if like is None:
        return float(wrong.mean())
    counts, asked = (torch.bincount(of.labels, minlength=task.n_classes).double() for of in (records, like))
    weights = torch.where(counts > 0, asked / counts, 0)[records.labels]
    return float((weights * wrong).sum() / weights.sum()) if weights.any() else float(wrong.mean())


def _set(task: Task, weights: dict[str, Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, weight in task.weights().items():
            weight.copy_(weights[name])
