"""Many networks of one kind trained at once, each as the plain loop trains it alone.

Small networks spend their time on the way to the processor, not in it: a step of the plain loop calls some hundred
operations on little data. Here one call makes the same step of several models. Each keeps its own initialisation,
records, order and dropout masks, and its result does not depend on which others are trained beside it.

The plain loop (`training`) stays the reference that tests compare with, and the way for whatever is no case for a
batch; `plan_batch` says which and why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.classifier import Beginning, TorchClassifier
from unlearn_audit.models.networks.device import (
    chosen_device,
    draws_from_python,
    exact,
    generator_states,
    generators_of_its_own,
)
from unlearn_audit.models.networks.draws import KeyedDropout, RecordDraws, keyed_dropout
from unlearn_audit.models.networks.stacks import Stack, layers_of
from unlearn_audit.models.networks.training import OPTIMIZERS, ORDER, diverged, learned_nothing
from unlearn_audit.models.networks.vmapped import Vmapped

VERSION = 1
"""Raise it whenever the same records would give other weights than before."""

ELEMENTWISE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
"""Optimisers that treat each weight alone, so that a step on the weights of all models is a step of each."""

AT_MOST = {"cpu": 8, "cuda": 32}
"""Models trained at once, by kind of device."""

NUMBERS_AT_ONCE = 2**26
"""Numbers of weights, activations and records of all models of a batch together."""


class _Arithmetic(Protocol):
    """What computes the gradients of all models of a batch; see `stacks.Stack`."""

    weights: Tensor
    gradients: Tensor
    logits: Tensor

    def begin_epoch(self, order: Tensor) -> None: ...

    def step(self, part: slice, targets: Tensor, states: Tensor | None) -> None: ...

    def write_back(self) -> None: ...


@dataclass(frozen=True)
class BatchPlan:
    """How the networks of a source are trained at once.

    Attributes
    ----------
    most
        How many at most.
    stacked
        Whether they are perceptrons, whose gradients `stacks` computes, or anything else that vmap takes.
    structure
        What the modules of all trainings must have in common.
    one_by_one
        Whether products of perceptrons are made for one model at a time.
    numbers, numbers_of_record
        How many a model takes in memory, and a record of its training set.
    """

    most: int
    stacked: bool
    structure: str
    one_by_one: bool
    numbers: int = 1
    numbers_of_record: int = 0

    def width(self, n: int) -> int:
        """Return how many networks are trained at once on n records each: a rule, whatever memory there is."""
        return max(1, min(self.most, NUMBERS_AT_ONCE // (self.numbers + n * self.numbers_of_record)))


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes
    ----------
    error
        Why there is no network; None if there is one.
    warning
        What is to be said of it, if anything.
    """

    error: AuditError | None = None
    warning: str | None = None


def plan_batch(network: TorchClassifier, shape: tuple[int, ...], n_classes: int, keyed: bool) -> BatchPlan | str:
    """Return how to train networks of this kind at once, or why each is trained alone.

    Parameters
    ----------
    network
        An unfitted one.
    shape
        Of a record.
    n_classes
        How many classes there are.
    keyed
        Whether draws are keyed by record: the regime *fixed*.

    Raises
    ------
    AuditError
        If the module cannot be made or does not fit the records.
    """
    if network.privacy is not None:
        return "it is trained by DP-SGD"
    if network.optimizer not in (*OPTIMIZERS, *ELEMENTWISE):
        return f"its optimiser may be other than {', '.join(OPTIMIZERS)} on each weight alone"
    device = chosen_device(network.device)
    with generators_of_its_own(0, device):
        module = network.make_module(shape, n_classes, device).train()
        probe = network.inputs(torch.zeros((2, *shape), device=device))
    draws = RecordDraws(0, torch.zeros((2, 2), dtype=torch.int64, device=device))
    with keyed_dropout(module, draws):
        layers = layers_of(module, probe.shape[1:])
        reason = _unsuited(module, device, keyed, layers is not None)
        if reason is None and layers is None:
            reason = _refused_by_vmap(module, probe, n_classes, draws)
    if reason is not None:
        return reason
    numbers = 4 * sum(p.numel() for p in module.parameters()) + network.batch_size * _activations(module, probe)
    # records are held twice, as they come and in the order of an epoch
    of_record = 2 * probe[0].numel()
    on_cpu = device.type == "cpu"
    return BatchPlan(AT_MOST[device.type], layers is not None, structure(module), on_cpu, numbers, of_record)


def structure(module: nn.Module) -> str:
    """Return what modules have in common that differ in nothing but their weights."""
    told = [(name, tuple(p.shape), p.dtype, p.requires_grad) for name, p in module.named_parameters()]
    plain = (bool, int, float, str, type(None))
    own = [(k, v) for m in module.modules() for k, v in vars(m).items() if isinstance(v, plain) and k != "training"]
    return repr((str(module), told, own))


def _unsuited(module: nn.Module, device: torch.device, keyed: bool, stacked: bool) -> str | None:
    """Return why modules like this are not trained at once, by what they are made of."""
    if any(True for _ in module.buffers()):
        return "it keeps figures of its batches beside its weights, as batch normalisation does"
    if not keyed and any(isinstance(m, KeyedDropout) and m.p > 0 for m in module.modules()):
        return "its dropout draws from one generator in turn, which only the regime fixed does not"
    if len({p.dtype for p in module.parameters()}) > 1:
        return "its weights are of several types"
    if device.type == "cpu" and not stacked:
        return "on a CPU only perceptrons gain by it: nn.Sequential of linear layers, ReLU and dropout"
    return None


def _refused_by_vmap(module: nn.Module, probe: Tensor, n_classes: int, draws: RecordDraws) -> str | None:
    """Return why vmap cannot compute a module's gradients as the module itself does, None if it can."""
    before = structure(module), generator_states(probe.device)
    rows = torch.arange(2, device=probe.device).expand(2, 2)
    with exact(probe.device), torch.no_grad():
        tried = Vmapped([module] * 2, probe.expand(2, *probe.shape), lambda x: x, n_classes, draws)
        tried.begin_epoch(rows)
        targets = nn.functional.one_hot(rows % n_classes, n_classes).to(probe.dtype)
        try:
            drawn = draws_from_python(lambda: tried.step(slice(0, 2), targets, draws.states(rows, 0)))
        except Exception as error:  # noqa: BLE001 - a module may raise anything, and the reason is passed on
            return f"vmap cannot take it ({type(error).__name__}: {' '.join(str(error).split())})"[:300]
    if drawn or before != (structure(module), generator_states(probe.device)):
        return "it draws numbers or changes itself while it computes"
    return None


def _activations(module: nn.Module, probe: Tensor) -> int:
    """Return how many numbers the layers of a module answer a record with."""
    counts: list[int] = []

    def count(_module: nn.Module, _inputs: Any, answer: Any) -> None:
        counts.append(answer.numel() // len(probe) if isinstance(answer, Tensor) else 0)

    hooks = [m.register_forward_hook(count) for m in module.modules()]
    with torch.no_grad():
        module.eval()(probe)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def train_batch(plan: BatchPlan, begun: Sequence[Beginning]) -> list[Outcome]:
    """Train networks in place, on equally many records each.

    Parameters
    ----------
    plan
        How; see `plan_batch`.
    begun
        What each training starts from: at most `BatchPlan.width`, of the structure of the plan.

    Returns
    -------
    One outcome a network.

    Raises
    ------
    AuditError
        If a module draws numbers while it is trained, in a way that `plan_batch` did not see.
    """
    # where one call computes for all, how many there are may decide the last bits
    missing = 0 if plan.stacked and plan.one_by_one else plan.width(len(begun[0].labels)) - len(begun)
    training = _Training(plan, [*begun, *[begun[-1]] * missing])
    return training.run()[: len(begun)]


@dataclass(eq=False)
class _Training:
    plan: BatchPlan
    begun: Sequence[Beginning]

    def __post_init__(self) -> None:
        first = self.begun[0]
        self.recipe, self.device, self.module = first.recipe, first.records.device, first.module.train()
        self.labels = torch.stack([one.labels for one in self.begun])
        keyed = [one.draws for one in self.begun if one.draws is not None]
        self.draws = RecordDraws.together(keyed) if keyed else None
        self.generators = [torch.Generator().manual_seed(one.seed) for one in self.begun]
        self.errors: list[AuditError | None] = [None] * len(self.begun)

    def run(self) -> list[Outcome]:
        untouched = generator_states(self.device)
        nobody = RecordDraws(0, torch.zeros(0, dtype=torch.int64, device=self.device))
        with exact(self.device), torch.no_grad(), keyed_dropout(self.module, self.draws or nobody):
            arithmetic = self._arithmetic()
            right, seen = self._train(arithmetic)
            arithmetic.write_back()
        if untouched != generator_states(self.device):
            raise AuditError(
                f"network {self.recipe.name} draws random numbers in another way than by nn.Dropout layers, so it "
                "cannot be trained beside others; train each plainly"
            )
        said = [
            learned_nothing(self.recipe, one.labels, of, seen)
            for one, of in zip(self.begun, right.tolist(), strict=True)
        ]
        return [Outcome(e, None if e or not s else s) for e, s in zip(self.errors, said, strict=True)]

    def _arithmetic(self) -> _Arithmetic:
        modules = [one.module for one in self.begun]
        records, first = torch.stack([one.records for one in self.begun]), self.begun[0]
        if not self.plan.stacked:
            return Vmapped(modules, records, first.inputs, self._n_classes, self.draws)
        inputs = first.inputs(records.flatten(0, 1))
        inputs = inputs.reshape(*records.shape[:2], *inputs.shape[1:])
        layers = layers_of(self.module, inputs.shape[2:])
        assert layers is not None
        return Stack(modules, layers, inputs, self.plan.one_by_one)

    def _train(self, arithmetic: _Arithmetic) -> tuple[Tensor, int]:
        """Make all steps and return of each model how many records it got right at last, of how many."""
        recipe, n_classes, weights = self.recipe, self._n_classes, arithmetic.weights
        weights.requires_grad_().grad = arithmetic.gradients
        options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
        optimizer = recipe.optimizer([weights], **options)
        drops = any(isinstance(m, KeyedDropout) and m.p > 0 for m in self.module.modules())
        hits = torch.zeros_like(self.labels, dtype=torch.bool)
        done = seen = 0
        for epoch in range(math.ceil(recipe.steps / len(recipe.batch_sizes))):
            order = self._order(epoch)
            arithmetic.begin_epoch(order)
            labels = self.labels.gather(1, order)
            targets = nn.functional.one_hot(labels, n_classes).to(weights.dtype)
            at = 0
            for size in recipe.batch_sizes[: recipe.steps - done]:
                part = slice(at, at + size)
                states = self.draws.states(order[:, part], done) if self.draws is not None and drops else None
                arithmetic.step(part, targets[:, part], states)
                optimizer.step()
                at, done = at + size, done + 1
            answers, labels = arithmetic.logits[:, :at], labels[:, :at]
            hits[:, :at], seen = answers.argmax(dim=2) == labels, max(seen, at)
            # flat, since on a GPU there is no loss of stacks that promises to repeat its bits
            losses = nn.functional.cross_entropy(answers.flatten(0, 1), labels.flatten(), reduction="none")
            if self._all_diverged(epoch, losses.view_as(labels).sum(dim=1), weights.isfinite().all(dim=1)):
                break
        return hits.sum(dim=1), seen

    def _order(self, epoch: int) -> Tensor:
        """Return (models, n) in which order each model takes its records."""
        if self.draws is not None:
            drawn = self.draws.uniform(ORDER, epoch)
        else:
            shape = self.labels.shape[1]
            drawn = torch.stack([torch.rand(shape, generator=g, dtype=torch.float64) for g in self.generators])
        return drawn.argsort(dim=1, stable=True).to(self.device)

    def _all_diverged(self, epoch: int, losses: Tensor, finite: Tensor) -> bool:
        """Note which trainings went wrong in an epoch; return whether none is left."""
        for j, (loss, ok) in enumerate(zip(losses.tolist(), finite.tolist(), strict=True)):
            if self.errors[j] is None and not (ok and math.isfinite(loss)):
                self.errors[j] = diverged(self.recipe, epoch, loss)
        return all(error is not None for error in self.errors)

    @property
    def _n_classes(self) -> int:
        return int(self.labels.max()) + 1
