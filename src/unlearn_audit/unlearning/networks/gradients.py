"""Gradients of the loss on some records, in evaluation mode: what tells which weights hold them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from unlearn_audit.models.networks.training import batch_sizes
from unlearn_audit.unlearning.networks import losses
from unlearn_audit.unlearning.networks.steps import Records
from unlearn_audit.unlearning.networks.task import Task, evaluating


def of_batches(task: Task, records: Records, batch_size: int) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Yield how many records a batch has, and the gradient of their mean cross entropy in each weight, by name."""
    weights = task.weights()
    dtype = next(iter(weights.values())).dtype
    at = 0
    with evaluating(task.module), torch.enable_grad():
        for size in batch_sizes(len(records), batch_size):
            rows, labels = records.rows[at : at + size], records.labels[at : at + size]
            loss = losses.of_labels(task.module(task.inputs(rows, dtype)), {"labels": labels})
            slopes = torch.autograd.grad(loss, list(weights.values()), materialize_grads=True)
            yield size, dict(zip(weights, slopes, strict=True))
            at += size


def mean(task: Task, records: Records) -> dict[str, Tensor]:
    """Return the gradient of the mean cross entropy of some records."""
    total = {name: torch.zeros_like(weight) for name, weight in task.weights().items()}
    with torch.no_grad():
        for size, slopes in of_batches(task, records, task.batch_size):
            for name, slope in slopes.items():
                total[name] += size / len(records) * slope
    return total


def mean_square(task: Task, records: Records, batch_size: int) -> dict[str, Tensor]:
    """Return the mean of the squared gradients of batches: with batches of one record, Fisher's diagonal."""
    total = {name: torch.zeros_like(weight) for name, weight in task.weights().items()}
    n = len(batch_sizes(len(records), batch_size))
    with torch.no_grad():
        for _, slopes in of_batches(task, records, batch_size):
            for name, slope in slopes.items():
                total[name] += slope.square() / n
    return total
