"""The plain loop: the phases of one request, step by step. The reference for `together`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unlearn_audit.models.networks.device import exact, generators_of_its_own
from unlearn_audit.models.networks.draws import RecordDraws, keyed_dropout
from unlearn_audit.unlearning.networks.steps import Phase
from unlearn_audit.unlearning.networks.task import AFTER_TRAINING, Batches, Task

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.steps import Weights


def carry_out(task: Task, phases: Iterable[Phase]) -> None:
    """Train a task's module in place, phase after phase; it is left in evaluation mode."""
    loop = _Loop(task)
    for phase in phases:
        loop.run(phase)
    task.module.eval()


class _Loop:
    def __init__(self, task: Task) -> None:
        self.task, self.done = task, AFTER_TRAINING
        self.optimizer: torch.optim.Optimizer | None = None
        self.draws = RecordDraws(0, torch.zeros(0, dtype=torch.int64, device=task.device))

    def run(self, phase: Phase) -> None:
        task = self.task
        weights = task.weights()
        if self.optimizer is None or not phase.goes_on:
            self.optimizer = phase.make_optimizer(list(weights.values()))
        before = {name: p.detach().clone() for name, p in weights.items()} if phase.mask is not None else {}
        batches = [Batches([s], RecordDraws(task.seed, s.records.ids), self.done) for s in phase.streams]
        with (
            exact(task.device),
            generators_of_its_own((task.seed + self.done) % 2**63, task.device),
            keyed_dropout(task.module.train(), self.draws),
        ):
            if phase.mask is not None:
                _hold_still(task.module, phase.mask)
            for step in range(phase.n_steps):
                self._descend(phase, batches, weights, step)
                self.optimizer.step()
                with torch.no_grad():
                    self._after_step(phase, weights, before)
                self.done += 1

    def _descend(self, phase: Phase, batches: list[Batches], weights: dict[str, Tensor], step: int) -> None:
        """Compute the gradient of a step."""
        assert self.optimizer is not None
        self.optimizer.zero_grad(set_to_none=True)
        dtype = next(iter(weights.values())).dtype
        total = torch.zeros((), dtype=dtype, device=self.task.device)
        for stream, of in zip(phase.streams, batches, strict=True):
            rows = of.next()
            batch = self.task.inputs(stream.records.rows[rows], dtype)
            values = {name: value[rows] for name, value in stream.values.items()}
            values["labels"] = stream.records.labels[rows]
            with self.draws.holding(of.draws.states(rows, self.done)), _fit_for(self.task.module, len(rows)):
                logits = self.task.module(batch)
            total = total + stream.weight * stream.loss(logits, values)
        if phase.penalty is not None:
            total = total + phase.penalty(weights, step)
        torch.autograd.backward(total)
        if phase.clip is not None:
            nn.utils.clip_grad_norm_(weights.values(), phase.clip)

    def _after_step(self, phase: Phase, weights: dict[str, Tensor], before: dict[str, Tensor]) -> None:
        if phase.noise:
            for weight in weights.values():
                weight.add_(phase.noise * self.task.normal(weight.shape).to(weight))
        if phase.radius is not None:
            norm = torch.stack([weight.square().sum() for weight in weights.values()]).sum().sqrt()
            for weight in weights.values():
                weight.mul_((phase.radius / norm).clamp(max=1))
        if phase.mask is not None:
            for name, weight in weights.items():
                weight.copy_(torch.where(phase.mask[name], weight, before[name]))


def _hold_still(module: nn.Module, mask: Weights) -> None:
    """Put layers that keep figures of what they see in evaluation mode, unless a mask lets a weight of them change."""
    trained = {name.rpartition(".")[0] for name, chosen in mask.items() if chosen.any()}
    for name, layer in module.named_modules():
        if name not in trained and next(layer.buffers(recurse=False), None) is not None:
            layer.training = False  # of it alone: those within it have weights of their own


@contextmanager
def _fit_for(module: nn.Module, n: int) -> Iterator[None]:
    """Let layers that normalise over a batch use their running figures for a batch of one, which has no spread."""
    layers = [of for of in module.modules() if isinstance(of, _BatchNorm) and of.training] if n == 1 else []
    for layer in layers:
        layer.eval()
    yield
    for layer in layers:
        layer.train()
