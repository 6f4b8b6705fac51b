"""Many networks of one kind trained at once, each as the plain loop trains it alone.

Small networks spend their time on the way to the processor, not in it: a step of the plain loop calls some hundred
operations on little data. Here one call makes the same step of several models. Each keeps its own initialisation,
records, order and dropout masks, and its result does not depend on which others are trained with it.

The plain loop (`training`) stays the reference that tests compare with, and the way for whatever is no case for a
batch; `plan_batch` says which and why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.batched.recorded import Recorded
from unlearn_audit.models.networks.batched.stacks import Layers, Stack, layers_of
from unlearn_audit.models.networks.batched.vmapped import Vmapped
from unlearn_audit.models.networks.classifier import Beginning, TorchClassifier
from unlearn_audit.models.networks.device import (
    chosen_device,
    draws_from_python,
    exact,
    generator_states,
    generators_of_its_own,
)
from unlearn_audit.models.networks.draws import KeyedDropout, RecordDraws, keyed_dropout
from unlearn_audit.models.networks.training import OPTIMIZERS, ORDER, diverged, learned_nothing

VERSION = 2
"""Raise it whenever the same records would give other weights than before."""

ELEMENTWISE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
"""Optimisers that treat each weight alone, so that a step on the weights of all models is a step of each."""

AT_MOST = {"cpu": 8, "cuda": 1024}
"""Models trained at once, by kind of device."""

GROUP, GROUP_OF_CONVOLUTIONS = 32, 8
"""Models whose products one call makes on a GPU: as many as keep it busy."""

NUMBERS_AT_ONCE = {"cpu": 2**26, "cuda": 2**30}
"""Numbers of weights, activations and records of all models of a batch on a CPU together, of a group on a GPU."""

SHARE_OF_MEMORY = 0.5
"""Of what a GPU has free."""

_CPU = torch.device("cpu")


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
        Whether `stacks` computes their gradients, or vmap, since they are something else.
    structure
        What the modules of all trainings must have in common.
    group
        For how many one call makes a product; batches are filled up to a multiple, so that a model's bits do not
        depend on how many are trained.
    numbers, numbers_of_record
        How many a model takes in memory, and a record of its training set.
    device
        Where they are trained.
    """

    most: int
    stacked: bool
    structure: str
    group: int
    numbers: int = 1
    numbers_of_record: int = 0
    device: torch.device = _CPU

    def of_model(self, n: int) -> int:
        """Return how many numbers a model takes that is trained on n records."""
        return self.numbers + n * self.numbers_of_record

    def in_group(self, n: int) -> int:
        """Return for how many networks on n records one call makes a product: a rule, whatever memory there is."""
        return max(1, min(self.group, NUMBERS_AT_ONCE[self.device.type] // self.of_model(n)))

    def width(self, n: int, free: int | None = None) -> int:
        """Return how many networks are trained at once on n records each.

        Parameters
        ----------
        n
            Records of a training set.
        free
            Bytes of the device's memory to take a share of; by default what is free now. Only how many groups there
            are depends on it, and no result does.
        """
        group = self.in_group(n)
        if self.device.type == "cpu":
            return max(group, min(self.most, NUMBERS_AT_ONCE["cpu"] // self.of_model(n)))
        free = free_memory(self.device) if free is None else free
        fit = int(SHARE_OF_MEMORY * free) // (_BYTES * self.of_model(n))
        return group * max(1, min(self.most, fit) // group)


_BYTES = torch.finfo(torch.float32).bits // 8


def free_memory(device: torch.device) -> int:
    """Return the bytes of a GPU that nobody holds, or that PyTorch holds for later."""
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


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
        return f"its optimiser may do something other than {', '.join(OPTIMIZERS)} on each weight separately"
    device = chosen_device(network.device)
    with generators_of_its_own(0, device):
        module = network.make_module(shape, n_classes, device).train()
        probe = network.inputs(torch.zeros((2, *shape), device=device))
    draws = RecordDraws(0, torch.zeros((2, 2), dtype=torch.int64, device=device))
    with keyed_dropout(module, draws):
        layers = layers_of(module, probe.shape[1:])
        reason = unsuited(module, device, keyed, layers)
        if reason is None and layers is None:
            reason = refused_by_vmap(module, probe, n_classes, draws)
    if reason is not None:
        return reason
    weights = 4 * sum(p.numel() for p in module.parameters())
    if device.type == "cpu" or layers is None:
        kept = network.batch_size * _activations(module, probe)
    else:
        # there may be batches of another size, the last ones
        kept = 2 * layers.numbers(network.batch_size)
    # records are held twice, as they come and in the order of an epoch
    numbers_of_record = 2 * probe[0].numel()
    group = 1 if device.type == "cpu" else GROUP_OF_CONVOLUTIONS if layers and layers.convolutions else GROUP
    # what vmap computes is one group
    most = GROUP if layers is None and device.type == "cuda" else AT_MOST[device.type]
    return BatchPlan(most, layers is not None, structure(module), group, weights + kept, numbers_of_record, device)


def structure(module: nn.Module) -> str:
    """Return what modules have in common that differ in nothing but their weights."""
    parameters = [(name, tuple(p.shape), p.dtype, p.requires_grad) for name, p in module.named_parameters()]
    plain = (bool, int, float, str, type(None))
    own = [(k, v) for m in module.modules() for k, v in vars(m).items() if isinstance(v, plain) and k != "training"]
    return repr((str(module), parameters, own))


def unsuited(module: nn.Module, device: torch.device, keyed: bool, layers: Layers | None) -> str | None:
    """Return why modules like this are not trained at once, by what they are made of."""
    if any(True for _ in module.buffers()):
        return "it keeps statistics of its batches besides its weights, as batch normalisation does"
    if not keyed and any(isinstance(m, KeyedDropout) and m.p > 0 for m in module.modules()):
        return "its dropout draws from one generator in turn, except in the regime fixed"
    if len({p.dtype for p in module.parameters()}) > 1:
        return "its weights are of several types"
    if device.type == "cpu" and (layers is None or layers.convolutions):
        return "on a CPU only perceptrons benefit: nn.Sequential of linear layers, ReLU and dropout"
    return None


def refused_by_vmap(module: nn.Module, probe: Tensor, n_classes: int, draws: RecordDraws) -> str | None:
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
    # where one call computes for several, how many there are may decide the last bits
    missing = -len(begun) % plan.in_group(len(begun[0].labels))
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
                f"network {self.recipe.name} draws random numbers otherwise than through nn.Dropout layers, so it "
                "cannot be trained together with others; train each plainly"
            )
        counts = nn.functional.one_hot(self.labels, self._n_classes).sum(dim=1)
        messages = [
            learned_nothing(self.recipe, class_counts, correct, seen)
            for class_counts, correct in zip(counts.tolist(), right.tolist(), strict=True)
        ]
        return [Outcome(e, None if e or not s else s) for e, s in zip(self.errors, messages, strict=True)]

    def _arithmetic(self) -> _Arithmetic:
        modules = [one.module for one in self.begun]
        records, first = torch.stack([one.records for one in self.begun]), self.begun[0]
        if not self.plan.stacked:
            return Vmapped(modules, records, first.inputs, self._n_classes, self.draws)
        inputs = first.inputs(records.flatten(0, 1))
        inputs = inputs.reshape(*records.shape[:2], *inputs.shape[1:])
        layers = layers_of(self.module, inputs.shape[2:])
        assert layers is not None
        return Stack(modules, layers, inputs, self.plan.in_group(records.shape[1]))

    def _train(self, arithmetic: _Arithmetic) -> tuple[Tensor, int]:
        """Make all steps and return of each model how many records it got right at last, of how many."""
        recipe, weights = self.recipe, arithmetic.weights
        weights.requires_grad_().grad = arithmetic.gradients
        options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
        optimizer = recipe.optimizer([weights], **options)
        for group in optimizer.param_groups:
            if "capturable" in group:
                group["capturable"] = self.device.type == "cuda"
        drops = any(isinstance(m, KeyedDropout) and m.p > 0 for m in self.module.modules())
        order, labels = torch.zeros_like(self.labels), torch.zeros_like(self.labels)
        targets = weights.new_zeros((*labels.shape, self._n_classes))
        done = torch.zeros((), dtype=torch.int64, device=self.device)

        def make_steps(sizes: Sequence[int]) -> None:
            at = 0
            for size in sizes:
                part = slice(at, at + size)
                states = self.draws.states(order[:, part], done) if self.draws is not None and drops else None
                arithmetic.step(part, targets[:, part], states)
                optimizer.step()
                done.add_(1)
                at += size

        whole = partial(make_steps, recipe.batch_sizes)
        epoch_of_steps: Callable[[], None] = Recorded(whole, self.device) if self.plan.stacked else whole
        hits = torch.zeros_like(labels, dtype=torch.bool)
        seen, left = 0, recipe.steps
        for epoch in range(math.ceil(recipe.steps / len(recipe.batch_sizes))):
            order.copy_(self._order(epoch))
            arithmetic.begin_epoch(order)
            torch.gather(self.labels, 1, order, out=labels)
            targets.zero_().scatter_(2, labels[..., None], 1)
            sizes = recipe.batch_sizes[:left]
            if len(sizes) == len(recipe.batch_sizes):
                epoch_of_steps()
            else:
                make_steps(sizes)
            left, at = left - len(sizes), sum(sizes)
            answers, right = arithmetic.logits[:, :at], labels[:, :at]
            hits[:, :at], seen = answers.argmax(dim=2) == right, max(seen, at)
            # flat, since on a GPU there is no loss of stacks that promises to repeat its bits
            losses = nn.functional.cross_entropy(answers.flatten(0, 1), right.flatten(), reduction="none")
            if self._all_diverged(epoch, losses.view_as(right).sum(dim=1), weights.isfinite().all(dim=1)):
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
