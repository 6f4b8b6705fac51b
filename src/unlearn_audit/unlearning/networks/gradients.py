"""Gradients of the loss on some records, in evaluation mode: what tells which weights hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unlearn_audit.models.networks.classifier import ASKED_AT_ONCE
from unlearn_audit.models.networks.gradients import gradients_of_each, taken_by_vmap
from unlearn_audit.models.networks.training import batch_sizes
from unlearn_audit.unlearning.networks import losses
from unlearn_audit.unlearning.networks.steps import Records
from unlearn_audit.unlearning.networks.task import Task, evaluating

RECORDS_AT_ONCE = 32
"""Records in the batches whose gradients one call computes."""

Slopes = dict[str, Tensor]


def mean(task: Task, records: Records) -> Slopes:
    """Return the gradient of the mean cross entropy of some records in each weight, by name."""
    return _sum(task, records, task.batch_size, lambda size, slope: size / len(records) * slope)


def mean_square(task: Task, records: Records, batch_size: int) -> Slopes:
    """Return the mean of the squared gradients of batches: with batches of one record, Fisher's diagonal."""
    n = len(batch_sizes(len(records), batch_size))
    return _sum(task, records, batch_size, lambda _, slope: slope.square() / n)


def curvature(task: Task, records: Records) -> Callable[[Tensor], Tensor]:
    """Return what multiplies a (d,) vector by the Gauss-Newton matrix of the mean cross entropy of some records.

    The d weights are those of the task one after another.
    """
    weights = {name: weight.detach().requires_grad_() for name, weight in task.weights().items()}
    sizes = [weight.numel() for weight in weights.values()]
    dtype = next(iter(weights.values())).dtype
    batches = [task.inputs(rows, dtype) for rows in torch.split(records.rows, ASKED_AT_ONCE[task.device.type])]

    def product(vector: Tensor) -> Tensor:
        parts = zip(torch.split(vector, sizes), weights.values(), strict=True)
        direction = [part.view_as(weight) for part, weight in parts]
        total = torch.zeros_like(vector)
        with evaluating(task.module), torch.enable_grad():
            for inputs in batches:
                logits = functional_call(task.module, weights, (inputs,))
                total += torch.cat([of.flatten() for of in _curved(logits, list(weights.values()), direction)])
        return total / len(records)

    return product


def _curved(logits: Tensor, weights: list[Tensor], direction: list[Tensor]) -> tuple[Tensor, ...]:
    """Return JᵀHJv, of the Jacobian of (n, k) logits in the weights and the Hessian H of the cross entropy in them."""
    aside = torch.zeros_like(logits, requires_grad=True)
    # linear in what stands aside, so its gradient there is Jv
    slopes = torch.autograd.grad(logits, weights, aside, create_graph=True, materialize_grads=True)
    (moved,) = torch.autograd.grad(slopes, aside, direction, retain_graph=True)
    chances = logits.detach().softmax(dim=1)
    inner = chances * (moved - (chances * moved).sum(dim=1, keepdim=True))
    return torch.autograd.grad(logits, weights, inner, materialize_grads=True)


def _sum(task: Task, records: Records, batch_size: int, of_batch: Callable[[int, Tensor], Tensor]) -> Slopes:
    """Return the sum over batches of a function of their sizes and gradients."""
    weights = task.weights()
    total = {name: torch.zeros_like(weight, requires_grad=False) for name, weight in weights.items()}
    at_once = RECORDS_AT_ONCE if taken_by_vmap(task.module) else 1
    with evaluating(task.module), torch.enable_grad():
        for rows, labels in _batches(records, batch_size, at_once):
            size = rows.shape[1]
            inputs = task.inputs(rows.flatten(), next(iter(weights.values())).dtype)
            inputs = inputs.reshape(*rows.shape, *inputs.shape[1:])
            slopes = gradients_of_each(task.module, partial(_loss, task.module), weights, inputs, labels)
            for name, slope in slopes.items():
                total[name] += of_batch(size, slope).sum(dim=0)
    return total


def _batches(records: Records, batch_size: int, most: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield rows and labels of batches of one size, (batches, size), with so many records in all or one batch."""
    sizes = batch_sizes(len(records), batch_size)
    whole = [size for size in sizes if size == sizes[0]]
    at, several = 0, max(1, most // sizes[0])
    counts = [min(several, len(whole) - i) for i in range(0, len(whole), several)]
    for n, size in [*((n, sizes[0]) for n in counts), *((1, size) for size in sizes[len(whole) :])]:
        part = slice(at, at + n * size)
        yield records.rows[part].view(n, size), records.labels[part].view(n, size)
        at += n * size


def _loss(module: nn.Module, weights: Slopes, inputs: Tensor, labels: Tensor) -> Tensor:
    return losses.of_labels(functional_call(module, weights, (inputs,)), {"labels": labels})
