"""The training loop: plain and private steps, draws from a generator or by record, and a diagnosis at the end.

It is our own and not a library's, since the regime *fixed* has to say for every draw of every record where it
comes from; see `draws`.
"""

from __future__ import annotations

import copy
import math
import random
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.device import draws_from_python, exact, generator_states
from unlearn_audit.models.networks.draws import RecordDraws
from unlearn_audit.models.networks.private import private_steps
from unlearn_audit.models.privacy import Spent

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda parameters, **options: torch.optim.Adam(parameters, **options),
    "sgd": lambda parameters, **options: torch.optim.SGD(parameters, momentum=0.9, **options),
}
"""Name to optimiser; it takes the parameters, ``lr`` and ``weight_decay``."""


def optimizer_of(chosen: str | Callable[..., torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """Return what makes an optimiser that is given by its name or as it is."""
    return OPTIMIZERS[chosen] if isinstance(chosen, str) else chosen


VERSION = 2
"""Raise it whenever the same records would give other weights than before."""

ORDER = 0
"""What a record's draw is for: its place in the order. Dropout layers count from 1."""


class TrainingWarning(UserWarning):
    """A training ended and has hardly learned anything."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    name
        What the network is called in messages.
    batch_sizes
        How many records each step of an epoch takes; see `batch_sizes`.
    steps
        How many steps there are in all.
    optimizer
        Makes the optimiser; takes the parameters, ``lr`` and ``weight_decay``.
    learning_rate, weight_decay
        Of the optimiser.
    spent
        For DP-SGD: noise, clipping and sampling; None for plain training.
    """

    name: str
    batch_sizes: tuple[int, ...]
    steps: int
    optimizer: Callable[..., torch.optim.Optimizer]
    learning_rate: float
    weight_decay: float
    spent: Spent | None = None


def batch_sizes(n: int, batch_size: int) -> tuple[int, ...]:
    """Return the sizes of the batches of an epoch of n records.

    Examples
    --------
    >>> batch_sizes(10, 4), batch_sizes(9, 4)
    ((4, 4, 2), (4, 5))
    """
    whole, rest = divmod(n, batch_size)
    if rest == 1 and whole:
        # statistics over a batch of one are undefined
        return (*[batch_size] * (whole - 1), batch_size + 1)
    return (*[batch_size] * whole, *([rest] if rest else []))


def train_network(
    module: nn.Module,
    records: Tensor,
    labels: Tensor,
    inputs: Callable[[Tensor], Tensor],
    recipe: Recipe,
    seed: int,
    draws: RecordDraws | None,
) -> None:
    """Train a module in place by the cross-entropy loss.

    Parameters
    ----------
    module
        Maps a batch of inputs to (batch, classes) logits.
    records, labels
        (n, ...) and (n,) int64, on the module's device.
    inputs
        Turns a batch of records into what the module takes.
    recipe
        Steps, batches and optimiser.
    seed
        Seed of order, sampling and noise. Dropout draws from PyTorch's global generator, which the caller seeds.
    draws
        Draws keyed by record, instead of by a generator.

    Raises
    ------
    AuditError
        If the loss or a weight is no number any more, or with ``draws`` the module draws from the global generator.
    """
    _Training(module.train(), records, labels, inputs, recipe, seed, draws).run()


@dataclass(eq=False)
class _Training:
    module: nn.Module
    records: Tensor
    labels: Tensor
    inputs: Callable[[Tensor], Tensor]
    recipe: Recipe
    seed: int
    draws: RecordDraws | None
    done: int = 0

    def __post_init__(self) -> None:
        self.drawn = torch.Generator().manual_seed(self.seed)
        self.noise = torch.Generator(device=self.records.device).manual_seed(self.seed)
        self.optimizer: Any = self.recipe.optimizer(
            self.module.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )

    def run(self) -> None:
        recipe = self.recipe
        # as many steps as an epoch has, so that a last epoch cut short is not judged by a few records
        recent: deque[tuple[Tensor, int]] = deque(maxlen=len(recipe.batch_sizes))
        self.untouched, self.pythons = generator_states(self.records.device), random.getstate()
        with ExitStack() as held:
            held.enter_context(exact(self.records.device))
            if recipe.spent is not None:
                self.module, self.optimizer = held.enter_context(
                    private_steps(self.module, self.optimizer, recipe.spent, len(self.labels), self.noise)
                )
            for epoch in range(math.ceil(recipe.steps / len(recipe.batch_sizes))):
                outcomes = [(*self._step(rows), len(rows)) for rows in self._batches(epoch)]
                self._check_draws()
                self._check_numbers(epoch, torch.stack([loss for loss, _, _ in outcomes]).sum())
                recent += [(hits, size) for _, hits, size in outcomes]
        self._diagnose(int(torch.stack([hits for hits, _ in recent]).sum()), sum(size for _, size in recent))

    def _batches(self, epoch: int) -> Iterator[Tensor]:
        """Yield the rows of each step of an epoch."""
        device = self.records.device
        left = min(len(self.recipe.batch_sizes), self.recipe.steps - self.done)
        if self.recipe.spent is not None:
            for _ in range(left):
                coins = self._uniform(self.done)
                yield (coins < self.recipe.spent.sample_rate).nonzero().flatten().to(device)
            return
        order = self._uniform(epoch).argsort(stable=True)
        yield from torch.split(order.to(device), list(self.recipe.batch_sizes))[:left]

    def _uniform(self, time: int) -> Tensor:
        """Return (n,) numbers in [0, 1), one a record: what orders or samples them."""
        if self.draws is None:
            return torch.rand(len(self.labels), generator=self.drawn, dtype=torch.float64)
        return self.draws.uniform(ORDER, time)

    def _step(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Make one step and return the sum of the losses and the number of right answers, both before it."""
        self.optimizer.zero_grad(set_to_none=True)
        if len(rows) == 0:
            return self._step_of_nobody()
        labels = self.labels[rows]
        with nullcontext() if self.draws is None else self.draws.step(rows, self.done):
            logits = self.module(self.inputs(self.records[rows]))
        total = nn.functional.cross_entropy(logits, labels, reduction="sum")
        torch.autograd.backward(total if self.recipe.spent is not None else total / len(rows))
        self.optimizer.step()
        if self.done == 0:
            self._check_draws()
        self.done += 1
        with torch.no_grad():
            return total.detach(), (logits.argmax(dim=1) == labels).sum()

    def _step_of_nobody(self) -> tuple[Tensor, Tensor]:
        """Make a private step in which no record takes part: noise alone."""
        for parameter in self.module.parameters():
            if parameter.requires_grad:
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))  # type: ignore[attr-defined]
        self.optimizer.step()
        self.done += 1
        zero = torch.zeros((), device=self.records.device)
        return zero, zero.long()

    def _check_draws(self) -> None:
        """Raise if draws are to be keyed by record and something drew from a global generator."""
        if self.draws is None:
            return
        drawn = self.untouched != generator_states(self.records.device)
        if drawn or self._draws_from_python(self.draws):
            raise AuditError(
                f"network {self.recipe.name} draws random numbers otherwise than through nn.Dropout layers, so its "
                "draws cannot be kept with their records; use the regime same-seed or fresh"
            )

    def _draws_from_python(self, draws: RecordDraws) -> bool:
        if self.pythons == random.getstate():
            return False
        rows = torch.arange(min(2, len(self.records)), device=self.records.device)
        module = copy.deepcopy(self.module, {id(draws): draws})

        def compute() -> None:
            with torch.no_grad(), draws.step(rows, self.done):
                module(self.inputs(self.records[rows]))

        drawn = draws_from_python(compute)
        self.pythons = random.getstate()
        return drawn

    def _check_numbers(self, epoch: int, loss: Tensor) -> None:
        """Raise if the loss of an epoch, or what its last step made of the weights, is no number."""
        weights = torch.stack([parameter.isfinite().all() for parameter in self.module.parameters()])
        if not (loss.isfinite() & weights.all()):
            raise diverged(self.recipe, epoch, float(loss))

    def _diagnose(self, right: int, seen: int) -> None:
        """Warn of a training that in its last steps answered no better than one class for all."""
        message = learned_nothing(self.recipe, self.labels.bincount().tolist(), right, seen)
        if message is not None:
            warnings.warn(message, TrainingWarning, stacklevel=5)


def diverged(recipe: Recipe, epoch: int, loss: float) -> AuditError:
    """Return what to say of a training whose loss, or else a weight, is no number after an epoch, counted from 0."""
    sign = "an infinite weight" if math.isfinite(loss) else f"loss {loss:g}"
    return AuditError(
        f"the training of network {recipe.name} diverged in epoch {epoch + 1} ({sign}); try a "
        f"learning rate below {recipe.learning_rate:g}, standardised features, or weight decay"
    )


def learned_nothing(recipe: Recipe, counts: Sequence[int], right: int, seen: int) -> str | None:
    """Return what to say of a training that at last got ``right`` of ``seen`` records right; None if it learned.

    ``counts`` are the training records of each class.
    """
    if len(counts) < 2 or not seen or right / seen > max(counts) / sum(counts):
        return None
    return (
        f"network {recipe.name} learned nothing: its accuracy on the training records, "
        f"{right / seen:.2f}, is no better than a constant guess; try more epochs or steps, another "
        f"learning rate than {recipe.learning_rate:g}, or standardised features"
    )
