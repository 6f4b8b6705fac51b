"""CF-k and EU-k: the last k layers alone are trained further, or from scratch, on the retained records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream

if TYPE_CHECKING:
    from torch import Tensor, nn

    from unlearn_audit.unlearning.networks.task import Task

_REFERENCE = "Goel et al., Towards Adversarial Evaluations for Inexact Machine Unlearning, 2022"


class CfkOptions(NetworkOptions):
    """Catastrophic forgetting of the last k layers: fine-tune them on the retained records, the others frozen.

    A layer is a module with weights of its own, and its running figures go with them. What the frozen ones hold of
    the forgotten records stays.
    """

    name = "cf-k"
    reference = _REFERENCE

    k: int = Field(2, ge=1, description="layers that are trained, counted from the end; our choice")
    epochs: int = Field(10, ge=1, description="passes over the retained records; as fine-tune")
    learning_rate: float | None = Field(None, gt=0, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on the retained records."""
        yield training_of(task, last_layers(task, self.k), self.learning_rate, self.epochs)


class EukOptions(NetworkOptions):
    """Exact unlearning of the last k layers: train them from fresh weights on the retained records, the others frozen.

    A layer is a module with weights of its own, and its running figures go with them. What the frozen ones hold of
    the forgotten records stays.
    """

    name = "eu-k"
    reference = _REFERENCE

    k: int = Field(2, ge=1, description="layers that are trained, counted from the end; our choice")
    epochs: int | None = Field(None, ge=1, description="passes over the retained records; None for the recipe's own")
    learning_rate: float | None = Field(None, gt=0, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Give the last layers fresh weights, then yield one phase on the retained records."""
        import torch

        mask = last_layers(task, self.k)
        seed = int(torch.randint(2**31 - 1, (), generator=task.generator))
        fresh = task.untrained(seed)
        with torch.no_grad():
            for layer in {name.rpartition(".")[0] for name, chosen in mask.items() if chosen.any()}:
                _renew(task.module.get_submodule(layer), fresh.get_submodule(layer))
        yield training_of(task, mask, self.learning_rate, self.epochs or task.network.epochs)


def last_layers(task: Task, k: int) -> dict[str, Tensor]:
    """Return where the weights of the last k layers are, by name of the parameter."""
    import torch

    layers = [name.rpartition(".")[0] for name in task.weights()]
    last = list(dict.fromkeys(layers))[-k:]
    return {
        name: torch.full_like(weight, layer in last, dtype=torch.bool)
        for layer, (name, weight) in zip(layers, task.weights().items(), strict=True)
    }


def _renew(layer: nn.Module, fresh: nn.Module) -> None:
    """Give a layer the trained weights and the buffers of another of its kind, but not what is within it."""
    for name, weight in layer.named_parameters(recurse=False):
        if weight.requires_grad:
            weight.copy_(fresh.get_parameter(name))
    for name, buffer in layer.named_buffers(recurse=False):
        buffer.copy_(fresh.get_buffer(name))


def training_of(task: Task, mask: dict[str, Tensor], learning_rate: float | None, epochs: int) -> Phase:
    """Return a phase on the retained records that changes some weights alone."""
    from unlearn_audit.unlearning.networks import losses

    stream = Stream(task.retain, losses.of_labels, task.batch_size)
    rate = learning_rate or task.learning_rate
    return Phase((stream,), task.optimizer(), rate, task.weight_decay, epochs, mask=mask)
