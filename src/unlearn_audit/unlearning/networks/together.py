"""Many requests to one original at once: the steps of `loop`, made on stacked weights by vmap over grad.

Each model takes its own records in its own order with its own draws, as in the plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.batched.batch import ELEMENTWISE, refused_by_vmap, unsuited
from unlearn_audit.models.networks.batched.stacks import aligned, layers_of
from unlearn_audit.models.networks.classifier import TorchClassifier
from unlearn_audit.models.networks.device import chosen_device, exact, generators_of_its_own
from unlearn_audit.models.networks.draws import RecordDraws, keyed_dropout
from unlearn_audit.models.networks.training import OPTIMIZERS
from unlearn_audit.unlearning.networks.steps import Phase, Stream
from unlearn_audit.unlearning.networks.task import AFTER_TRAINING, Batches, Task

VERSION = 1
"""Raise it whenever the same request would give other weights than before."""

_CLIPPING = 1e-6

_Batch = tuple[Tensor, Tensor, dict[str, Tensor]]


def carry_out_together(tasks: Sequence[Task], phases: Sequence[Iterator[Phase]]) -> None:
    """Train the modules of tasks in place, in step; they forget and retain equally many records each."""
    loop = _Loop(tasks)
    for now in zip(*phases, strict=True):
        loop.run(now)
    for task in tasks:
        task.module.eval()


class _Loop:
    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.module, self.done = tasks, tasks[0].module, AFTER_TRAINING
        named = tasks[0].weights()
        shapes, like = [tuple(p.shape) for p in named.values()], next(iter(named.values())).detach()
        self.flat, views = aligned(len(tasks), shapes, like)
        self.slopes, slopes = aligned(len(tasks), shapes, like)
        self.mask, masks = aligned(len(tasks), shapes, like)
        self.weights, self.gradients, self.masks = (dict(zip(named, of, strict=True)) for of in (views, slopes, masks))
        self.optimizer: torch.optim.Optimizer | None = None
        self.draws = RecordDraws(0, torch.zeros(0, dtype=torch.int64, device=tasks[0].device))

    def run(self, phases: Sequence[Phase]) -> None:
        first = phases[0]
        self._take_over(phases)
        self.flat.grad = self.slopes
        if self.optimizer is None or not first.goes_on:
            self.optimizer = first.make_optimizer([self.flat])
        before = self.flat.clone()
        streams = [_Stacked(self.tasks, of, self.done) for of in zip(*(p.streams for p in phases), strict=True)]
        compute = vmap(grad(self._loss(first)), in_dims=(0, 0, None), randomness="error")
        with exact(self.tasks[0].device), torch.no_grad(), keyed_dropout(self.module.train(), self.draws):
            for step in range(first.n_steps):
                batches = [stream.next(self.done, self.flat.dtype) for stream in streams]
                for name, slope in compute(self.weights, batches, step).items():
                    self.gradients[name].copy_(slope)
                if first.clip is not None:
                    norms = self.slopes.norm(dim=1, keepdim=True)
                    self.slopes.mul_((first.clip / (norms + _CLIPPING)).clamp(max=1))
                self.optimizer.step()
                self._after_step(first, before)
                self.done += 1
            self._give_back()

    def _take_over(self, phases: Sequence[Phase]) -> None:
        """Read the weights of all modules, which a method may have changed between phases, and its masks."""
        with torch.no_grad():
            for j, (task, phase) in enumerate(zip(self.tasks, phases, strict=True)):
                for name, weight in task.weights().items():
                    self.weights[name][j].copy_(weight)
                    if phase.mask is not None:
                        self.masks[name][j].copy_(phase.mask[name])

    def _give_back(self) -> None:
        for j, task in enumerate(self.tasks):
            for name, weight in task.weights().items():
                weight.copy_(self.weights[name][j])

    def _loss(self, phase: Phase) -> Callable[..., Tensor]:
        """Return the loss of one model's step as a function of its weights."""

        def loss(weights: dict[str, Tensor], batches: list[_Batch], step: int) -> Tensor:
            total = next(iter(weights.values())).new_zeros(())
            for stream, (batch, states, values) in zip(phase.streams, batches, strict=True):
                with self.draws.holding(states):
                    logits = functional_call(self.module, weights, (batch,))
                total = total + stream.weight * stream.loss(logits, values)
            return total if phase.penalty is None else total + phase.penalty(weights, step)

        return loss

    def _after_step(self, phase: Phase, before: Tensor) -> None:
        if phase.noise:
            for weight in self.weights.values():
                drawn = torch.stack([task.normal(weight.shape[1:]) for task in self.tasks])
                weight.add_(phase.noise * drawn.to(weight))
        if phase.radius is not None:
            self.flat.mul_((phase.radius / self.flat.norm(dim=1, keepdim=True)).clamp(max=1))
        if phase.mask is not None:
            self.flat.copy_(torch.where(self.mask > 0, self.flat, before))


class _Stacked:
    """One stream of all models."""

    def __init__(self, tasks: Sequence[Task], streams: Sequence[Stream], begun: int) -> None:
        self.task, first = tasks[0], streams[0]
        self.rows = torch.stack([stream.records.rows for stream in streams])
        self.values = {name: torch.stack([stream.values[name] for stream in streams]) for name in first.values} | {
            "labels": torch.stack([stream.records.labels for stream in streams])
        }
        draws = [RecordDraws(task.seed, s.records.ids) for task, s in zip(tasks, streams, strict=True)]
        self.batches = Batches(streams, RecordDraws.together(draws), begun)
        self.model = torch.arange(len(tasks), device=self.rows.device)[:, None]

    def next(self, time: int, dtype: torch.dtype) -> _Batch:
        """Return the inputs, the states of draws and the values of the next batches, each (models, b, ...)."""
        chosen = self.batches.next()
        batch = self.task.inputs(self.rows.gather(1, chosen).flatten(), dtype)
        values = {name: value[self.model, chosen] for name, value in self.values.items()}
        return batch.reshape(*chosen.shape, *batch.shape[1:]), self.batches.draws.states(chosen, time), values


def why_alone(network: TorchClassifier, shape: tuple[int, ...], n_classes: int) -> str | None:
    """Return why requests to networks of this kind are met one after another, None if they need not be.

    Parameters
    ----------
    network
        An unfitted one.
    shape
        Of a record.
    n_classes
        Logits of a record.
    """
    if network.optimizer not in (*OPTIMIZERS, *ELEMENTWISE):
        return f"its optimiser may do something other than {', '.join(OPTIMIZERS)} on each weight separately"
    device = chosen_device(network.device)
    with generators_of_its_own(0, device):
        try:
            module = network.make_module(shape, n_classes, device).train()
        except AuditError:
            # a training of its own raises it again, with what it was asked to do
            return "it cannot be made"
        probe = network.inputs(torch.zeros((2, *shape), device=device))
    draws = RecordDraws(0, torch.zeros((2, 2), dtype=torch.int64, device=device))
    with keyed_dropout(module, draws):
        layers = layers_of(module, probe.shape[1:])
        return unsuited(module, device, True, layers) or refused_by_vmap(module, probe, n_classes, draws)
