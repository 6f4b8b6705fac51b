"""One request to one network: the copy that is trained, the records, and what a method may ask of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.networks.classifier import ASKED_AT_ONCE
from unlearn_audit.models.networks.device import exact, generators_of_its_own
from unlearn_audit.models.networks.draws import RecordDraws
from unlearn_audit.models.networks.training import batch_sizes, optimizer_of
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.forgetting import Update
from unlearn_audit.unlearning.networks.steps import Records, Stream
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.typing import Positions

AFTER_TRAINING = 2**32
"""When a method's draws begin: later than any step of a training, whose seed it may share."""


@dataclass(eq=False)
class Task:
    """A request, ready to be met.

    Attributes
    ----------
    estimator
        A copy of the original, whose network is trained in place.
    pool
        (N, ...) all records that requests to this original name, as the network's earlier steps make them.
    forget, retain
        The records that go and those that stay.
    seed
        Of all that is drawn.
    generator
        For what a method draws; nothing else draws from it.
    """

    estimator: Any
    pool: Tensor
    forget: Records
    retain: Records
    seed: int
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self._noise = torch.Generator().manual_seed(self.seed + 1)

    @property
    def network(self) -> TorchClassifier:
        """The fitted classifier around the module; its settings are the recipe that it was trained by."""
        network: TorchClassifier = last_step(self.estimator)
        return network

    @property
    def module(self) -> nn.Module:
        """The module that is trained."""
        return self.network.module_

    @property
    def n_classes(self) -> int:
        """How many classes the network knows."""
        return len(self.network.classes_)

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        return self.pool.device

    @property
    def batch_size(self) -> int:
        """Records of a step of the network's recipe."""
        return self.network.batch_size

    @property
    def learning_rate(self) -> float:
        """The learning rate of the network's recipe."""
        return self.network.learning_rate

    @property
    def weight_decay(self) -> float:
        """The weight decay of the network's recipe."""
        return self.network.weight_decay

    def optimizer(self, name: str | None = None) -> Callable[..., torch.optim.Optimizer]:
        """Return the optimiser of a name, that of the network's recipe without one."""
        return optimizer_of(self.network.optimizer if name is None else name)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that are trained, by name: the tensors themselves."""
        return {name: p for name, p in self.module.named_parameters() if p.requires_grad}

    def normal(self, shape: torch.Size) -> Tensor:
        """Return further standard normal numbers, the same on every device."""
        return torch.randn(shape, generator=self._noise, dtype=torch.float64)

    def inputs(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Return records as the module takes them."""
        return as_taken(self.network, self.pool[rows], dtype)

    def logits(self, records: Records, module: nn.Module | None = None) -> Tensor:
        """Return (n, k) what a module answers in evaluation mode, the trained one as it is now by default."""
        asked = self.module if module is None else module
        dtype = next(asked.parameters()).dtype
        with torch.no_grad(), exact(self.device), evaluating(asked):
            parts = torch.split(records.rows, ASKED_AT_ONCE[self.device.type])
            return torch.cat([asked(self.inputs(rows, dtype)) for rows in parts])

    def untrained(self, seed: int) -> nn.Module:
        """Return a module of the same kind with weights of its own, in the trained one's precision."""
        made = copy.copy(self.network)
        with generators_of_its_own(seed, self.device):
            module = made.make_module(tuple(self.pool.shape[1:]), self.n_classes, self.device)
        return module.to(next(self.module.parameters()).dtype).eval()


def prepare(original: Trained, updates: Sequence[Update]) -> Callable[[Update], Task]:
    """Return what makes the task of each of some requests to an original network; their records are held once.

    Steps before the network are kept as they are: a scaler that was fitted on a forgotten record keeps that record's
    share.
    """
    estimator, data = original.model, original.data
    network: TorchClassifier = last_step(estimator)
    known = np.sort(original.training)
    # apart from those of the training set, so that their numbers do not depend on who else is asked for
    added = np.setdiff1d(np.concatenate([update.retain for update in updates]), known)
    parts = [torch.from_numpy(_before_network(estimator, take(data.X, of))) for of in (known, added) if len(of)]
    device = next((p.device for p in network.module_.parameters()), torch.device("cpu"))
    pool = torch.cat(parts).to(device)
    held = np.concatenate([known, added])
    order = np.argsort(held, kind="stable")

    def records(positions: Positions) -> Records:
        rows = order[np.searchsorted(held, positions, sorter=order)]
        labels = data.y[positions]
        codes = np.searchsorted(network.classes_, labels).clip(max=len(network.classes_) - 1)
        if not np.array_equal(network.classes_[codes], labels):
            raise AuditError(
                f"a request adds a record of a class that the network {original.source.name} was not trained on; a "
                "method that starts from it cannot learn a new class, so retrain"
            )
        return Records(
            *(torch.from_numpy(of.astype(np.int64)).to(device) for of in (rows, data.record_ids[positions], codes))
        )

    def task(update: Update) -> Task:
        return Task(copy.deepcopy(estimator), pool, records(update.forget), records(update.retain), update.seed)

    return task


def _before_network(estimator: Any, X: Any) -> Any:
    """Return records as the fitted steps before a network make them: floats or bytes."""
    for _, step in estimator.steps[:-1] if last_step(estimator) is not estimator else ():
        if step not in (None, "passthrough"):
            X = step.transform(X)
    made = np.asarray(X)
    return np.ascontiguousarray(made if made.dtype == np.uint8 else made.astype(np.float32))


def as_taken(network: TorchClassifier, records: Tensor, dtype: torch.dtype) -> Tensor:
    """Return (n, ...) records as a network's module takes them, in its precision."""
    return network.inputs(records).to(dtype)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode and back."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


class Batches:
    """The rows of one stream's steps: of one model, or of several with equally many records each.

    Each pass takes the records in an order that is a function of seed and record, whoever else is there.

    Parameters
    ----------
    streams
        The stream of each model.
    draws
        Of its records, or of all models' together.
    begun
        The time of the phase's first step.
    """

    def __init__(self, streams: Sequence[Stream], draws: RecordDraws, begun: int) -> None:
        self.draws = draws
        self._sizes = list(batch_sizes(len(streams[0].records), streams[0].batch_size))
        self._times, self._left = begun, iter(list[Tensor]())

    def next(self) -> Tensor:
        """Return (b,) or (models, b) rows of the next step."""
        rows = next(self._left, None)
        if rows is None:
            order = self.draws.uniform(0, self._times).argsort(dim=-1, stable=True)
            self._times += 1
            self._left = iter([*torch.split(order, self._sizes, dim=-1)])
            rows = next(self._left)
        return rows
