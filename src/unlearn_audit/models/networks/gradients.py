"""The clipped gradients of single records along the training of a network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from unlearn_audit.models.networks.classifier import TorchClassifier
from unlearn_audit.models.networks.device import exact
from unlearn_audit.models.networks.draws import KeyedDropout
from unlearn_audit.models.networks.training import train_network
from unlearn_audit.models.per_instance import ORDER, per_instance_loss, squared_norms
from unlearn_audit.utils.typing import Array

_AT_ONCE = 64
"""Records whose gradients are held at once."""

LAYERS = (
    nn.Sequential, nn.Linear, nn.Conv1d, nn.Conv2d, nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.MaxPool2d, nn.AvgPool2d,
    nn.Flatten, nn.Unflatten, nn.Dropout, KeyedDropout, nn.LayerNorm,
)  # fmt: skip
"""Layers that vmap is known to take."""


@dataclass(frozen=True, eq=False)
class GradientNorms:
    """The norms of records' clipped gradients along a training.

    Attributes
    ----------
    norms
        (checkpoints, m) after clipping.
    every, steps
        How many steps each checkpoint stands for, the last for fewer, and how many there were.
    clip
        The clipping norm.
    sample_rate
        The share of the training records that a step takes.
    noise_multiplier
        Standard deviation of the training's noise over the clipping norm; None of a training without noise.
    """

    norms: Array
    every: int
    steps: int
    clip: float
    sample_rate: float
    noise_multiplier: float | None

    def loss(self, order: float = ORDER, noise_multiplier: float = 1.0) -> Array:
        """Return (m,) the per-instance Rényi loss.

        ``noise_multiplier`` is that of the training to assume where this one had no noise: the loss then ranks records
        and is no guarantee.
        """
        return per_instance_loss(
            self.norms, noise=self._noise(noise_multiplier), sample_rate=self.sample_rate, order=order,
            every=self.every, steps=self.steps,
        )  # fmt: skip

    def proxy(self, noise_multiplier: float = 1.0) -> Array:
        """Return (m,) the cheap proxy: sums of squared norms in units of the noise."""
        return squared_norms(self.norms, noise=self._noise(noise_multiplier), every=self.every, steps=self.steps)

    def _noise(self, assumed: float) -> float:
        return self.clip * (assumed if self.noise_multiplier is None else self.noise_multiplier)


def fit_and_log(
    network: TorchClassifier,
    X: Any,
    y: Any,
    asked: tuple[Any, Any],
    *,
    clip: float = 1.0,
    checkpoints: int = 20,
    record_ids: npt.NDArray[np.int64] | None = None,
) -> GradientNorms:
    """Fit a network as its ``fit`` does, and return how long the clipped gradients of some records were meanwhile.

    Gradients are those of the module in evaluation mode, before the steps of evenly spread checkpoints; they change
    nothing of the training.

    Parameters
    ----------
    network
        What is fitted.
    X, y
        (n, ...) and (n,) the training records.
    asked
        (m, ...) records and (m,) labels, of the classes trained on, whose gradients are taken.
    clip
        The clipping norm; a private training has its own.
    checkpoints
        How many at most; no step has two.
    record_ids
        As in ``fit``.
    """
    with network.begin(X, y, record_ids) as begun:
        recipe, module, make = begun.recipe, begun.module, begun.recipe.optimizer
        clip = clip if recipe.spent is None else recipe.spent.max_grad_norm
        every = math.ceil(recipe.steps / checkpoints)
        rows = torch.from_numpy(np.ascontiguousarray(asked[0], dtype=begun.records.cpu().numpy().dtype))
        labels = torch.from_numpy(np.searchsorted(network.classes_, asked[1])).to(begun.labels.device)
        # a copy that Opacus adds no hooks to, and whose mode does not matter to the training
        norms_of = _Probe(copy.deepcopy(module).eval(), network.inputs(rows.to(begun.records.device)), labels)
        logged: list[Tensor] = []
        done = 0

        def note(*_: Any) -> None:
            nonlocal done
            if done % every == 0:
                logged.append(norms_of(module).clamp(max=clip))
            done += 1

        def optimizer(parameters: Any, **options: Any) -> torch.optim.Optimizer:
            made: torch.optim.Optimizer = make(parameters, **options)
            made.register_step_pre_hook(note)
            return made

        recipe = replace(recipe, optimizer=optimizer)
        with begun.keyed():
            train_network(module, begun.records, begun.labels, begun.inputs, recipe, begun.seed, begun.draws)
    network.finish(begun)
    rate = min(1.0, network.batch_size / len(begun.labels)) if recipe.spent is None else recipe.spent.sample_rate
    multiplier = None if recipe.spent is None else recipe.spent.noise_multiplier
    return GradientNorms(torch.stack(logged).double().cpu().numpy(), every, done, clip, rate, multiplier)


def taken_by_vmap(module: nn.Module) -> bool:
    """Return whether vmap is known to take a module."""
    return all(type(layer) in LAYERS for layer in module.modules())


def gradients_of_each(
    module: nn.Module, loss: Callable[..., Tensor], weights: dict[str, Tensor], *items: Tensor
) -> dict[str, Tensor]:
    """Return (k, ...) gradients in each weight of the losses of k items: all at once if vmap is known to take a module.

    Parameters
    ----------
    module
        What the loss calls.
    loss
        The loss of one item at given weights: ``loss(weights, *item)``.
    weights
        By name.
    items
        Tensors of length k; one entry of each makes an item.
    """
    if taken_by_vmap(module):
        detached = {name: weight.detach() for name, weight in weights.items()}
        together: dict[str, Tensor] = vmap(grad(loss), in_dims=(None, *[0] * len(items)))(detached, *items)
        return together
    leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
    found = [
        torch.autograd.grad(loss(leaves, *item), list(leaves.values()), materialize_grads=True)
        for item in zip(*items, strict=True)
    ]
    return {name: torch.stack(of) for name, of in zip(leaves, zip(*found, strict=True), strict=True)}


class _Probe:
    """Takes the gradients of single records, of a module of the same kind with any weights."""

    def __init__(self, module: nn.Module, inputs: Tensor, labels: Tensor) -> None:
        self.module, self.inputs, self.labels = module, inputs, labels

    def __call__(self, module: nn.Module) -> Tensor:
        """Return (m,) norms of the gradients at the weights of a module, over all that are trained."""
        trained: dict[str, Tensor] = {n: weight for n, weight in module.named_parameters() if weight.requires_grad}
        rest = {name: of.detach() for name, of in (*module.named_parameters(), *module.named_buffers())}
        parts = zip(*(torch.split(of, _AT_ONCE) for of in (self.inputs, self.labels)), strict=True)
        with exact(self.labels.device):
            return torch.cat([self._norms(trained, rest, *part) for part in parts])

    def _norms(self, trained: dict[str, Tensor], rest: dict[str, Tensor], inputs: Tensor, labels: Tensor) -> Tensor:
        gradients = gradients_of_each(self.module, partial(self._loss, rest), trained, inputs, labels).values()
        return torch.stack([of.flatten(1).square().sum(dim=1) for of in gradients]).sum(dim=0).sqrt()

    def _loss(self, rest: dict[str, Tensor], trained: dict[str, Tensor], row: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(self.module, rest | trained, (row[None],))
        return nn.functional.cross_entropy(logits, label[None])
