"""Perceptrons of one shape side by side: their gradients by products of stacked matrices, without autograd.

Each linear layer is one matrix with its bias as a last column, and its inputs end in a column of ones, so that
one product gives the gradient of both. What lies between two linear layers, ReLU and dropout, multiplies by a
factor that its own output shows, so the way back needs nothing but the outputs.

On a CPU each product is made for one model at a time, which takes no longer than a product of stacks and makes a
model's bits a matter of its own numbers alone. On a GPU one call makes the products of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_audit.models.networks.draws import KeyedDropout, masks

ALIGNED = 64
"""Numbers to whose multiple each model's share of a tensor is padded, so that every model lies alike in memory."""

COLUMNS = 16
"""Numbers to whose multiple the rows of matrices are padded."""


@dataclass(frozen=True)
class Layer:
    """A linear layer and what its inputs go through before it.

    Attributes
    ----------
    name
        Of the linear layer in its module, to find its weights by.
    inputs, outputs
        Their numbers.
    bias
        Whether it has one.
    relu
        Whether its inputs are rectified.
    dropouts
        Dropout on its inputs.
    """

    name: str
    inputs: int
    outputs: int
    bias: bool
    relu: bool = False
    dropouts: tuple[KeyedDropout, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything happens to its inputs."""
        return self.relu or bool(self.dropouts)

    @property
    def ones(self) -> slice:
        """The column of its inputs that stands for the bias, if it has one."""
        return slice(self.inputs, self.inputs + self.bias)

    @property
    def columns(self) -> int:
        """Of its matrix: inputs, bias, and zeros up to a multiple that products are quick with."""
        return -(-(self.inputs + self.bias) // COLUMNS) * COLUMNS


def layers_of(module: nn.Module, shape: Sequence[int]) -> tuple[Layer, ...] | None:
    """Return the layers of a perceptron that takes records of a shape, or None if the module is something else.

    Dropout must be keyed by record (`keyed_dropout`).
    """
    layers: list[Layer] = []
    flat, relu = len(shape) == 1, False
    dropouts: list[KeyedDropout] = []
    parts = list(_parts(module, ""))
    for name, part in parts:
        kind = type(part)
        if kind is nn.Flatten and (part.start_dim, part.end_dim) == (1, -1):
            flat = True
        elif kind is nn.ReLU:
            relu = True
        elif kind is KeyedDropout and part.p < 1 and not part.whole_channels:
            dropouts += [part] if part.p > 0 else []
        elif kind is nn.Linear and flat and all(p.requires_grad for p in part.parameters()):
            own = part.in_features, part.out_features, part.bias is not None
            layers.append(Layer(name, *own, relu, tuple(dropouts)))
            relu, dropouts = False, []
        elif kind is not nn.Identity:
            return None
    once = len({id(part) for _, part in parts}) == len(parts)
    shared = len(list(module.parameters())) < sum(1 + layer.bias for layer in layers)
    whole = layers and not relu and not dropouts and once and not shared and not _hooked(module)
    return tuple(layers) if whole else None


def _parts(module: nn.Module, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what records pass through, in turn, with names."""
    if type(module) is not nn.Sequential:
        yield name, module
        return
    # not named_children, which leaves out a layer that stands under a second name
    for own, part in module._modules.items():
        assert part is not None
        yield from _parts(part, f"{name}.{own}" if name else own)


def _hooked(module: nn.Module) -> bool:
    """Return whether anything is called beside the layers themselves."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(part, kind) for part in module.modules() for kind in kinds)


def aligned(models: int, shapes: Sequence[tuple[int, ...]], like: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return zeros with a row a model, and views of its parts, each (models, *shape) and aligned."""
    sizes = [torch.Size(shape).numel() for shape in shapes]
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + -(-size // ALIGNED) * ALIGNED)
    flat = torch.zeros((models, starts[-1]), dtype=like.dtype, device=like.device)
    views = [
        flat[:, at : at + size].view(models, *shape) for at, size, shape in zip(starts, sizes, shapes, strict=False)
    ]
    return flat, views


class Stack:
    """Several perceptrons of one shape, and the gradients of their losses.

    Parameters
    ----------
    modules
        The perceptrons.
    layers
        Their layers; dropout is keyed by record.
    records
        (models, n, ...) what the modules take.
    one_by_one
        Whether products are made for one model at a time.

    Attributes
    ----------
    weights, gradients
        (models, numbers), one row a model.
    logits
        (models, n, classes), of the records in the order of the epoch, as the last step with them found them.
    """

    def __init__(
        self, modules: Sequence[nn.Module], layers: Sequence[Layer], records: Tensor, one_by_one: bool
    ) -> None:
        self.layers, self._one_by_one, self._modules = layers, one_by_one, modules
        n_models, n = records.shape[:2]
        shapes = [(layer.outputs, layer.columns) for layer in layers]
        self.weights, self.matrices = aligned(n_models, shapes, records)
        self.gradients, self.slopes = aligned(n_models, shapes, records)
        _, (self._records, self.ordered) = aligned(n_models, [(n, layers[0].columns)] * 2, records)
        self._records[..., : layers[0].inputs] = records.flatten(2)
        self._records[..., layers[0].ones] = 1
        _, (self.logits,) = aligned(n_models, [(n, layers[-1].outputs)], records)
        self._passes: dict[int, _Pass] = {}
        for module, parameter, view in self._parameters():
            view.copy_(module.get_parameter(parameter).detach())

    def begin_epoch(self, order: Tensor) -> None:
        """Put each model's records in the (models, n) order of an epoch."""
        for records, rows, ordered in zip(self._records, order, self.ordered, strict=True):
            torch.index_select(records, 0, rows, out=ordered)

    def step(self, part: slice, targets: Tensor, states: Tensor | None) -> None:
        """Compute the logits of some records and the gradients of their mean losses.

        Parameters
        ----------
        part
            Which of the records in order.
        targets
            (models, batch, classes), 1 for the label and 0 elsewhere.
        states
            (models, batch) hashes that dropout masks are drawn from.
        """
        size = targets.shape[1]
        if size not in self._passes:
            self._passes[size] = _Pass(self, size)
        self._passes[size].run(self.ordered[:, part], self.logits[:, part], targets, states)

    def write_back(self) -> None:
        """Give each module its weights."""
        for module, parameter, view in self._parameters():
            module.get_parameter(parameter).detach().copy_(view)

    def each(self, stacked: Tensor) -> Sequence[Tensor]:
        """Return the operands of a product: a matrix a model, or all of them stacked."""
        return stacked.unbind(0) if self._one_by_one else (stacked,)

    def product(self, left: Sequence[Tensor], right: Sequence[Tensor], out: Sequence[Tensor]) -> None:
        """Multiply matrices."""
        multiplied = torch.mm if self._one_by_one else torch.bmm
        for a, b, c in zip(left, right, out, strict=True):
            multiplied(a, b, out=c)

    def _parameters(self) -> Iterator[tuple[nn.Module, str, Tensor]]:
        """Yield each module with the name of a parameter and the view of its numbers."""
        for j, module in enumerate(self._modules):
            for layer, matrices in zip(self.layers, self.matrices, strict=True):
                yield module, f"{layer.name}.weight".lstrip("."), matrices[j, :, : layer.inputs]
                if layer.bias:
                    yield module, f"{layer.name}.bias".lstrip("."), matrices[j, :, layer.inputs]


class _Pass:
    """The way there and back of batches of one size, with the memory it takes."""

    def __init__(self, stack: Stack, size: int) -> None:
        self._stack, self._layers, each = stack, stack.layers, stack.each
        models, like = len(stack.weights), stack.weights
        _, wide = aligned(models, [(size, layer.columns) for layer in self._layers], like)
        _, self._errors = aligned(models, [(size, layer.outputs) for layer in self._layers], like)
        for layer, inputs in zip(self._layers, wide, strict=True):
            inputs[..., layer.ones] = 1
        self._first = wide[0]
        self._inputs = [inputs[..., : layer.inputs] for layer, inputs in zip(self._layers, wide, strict=True)]
        # operands of products are cut once, since cutting takes as long as a small product
        self._wide = [each(inputs) for inputs in wide]
        self._narrow = [each(inputs) for inputs in self._inputs]
        self._error = [each(errors) for errors in self._errors]
        self._error_turned = [each(errors.mT) for errors in self._errors]
        self._turned = [each(matrices.mT) for matrices in stack.matrices]
        self._without_bias = [
            each(matrices[..., : layer.inputs]) for layer, matrices in zip(self._layers, stack.matrices, strict=True)
        ]
        self._slopes = [each(slopes) for slopes in stack.slopes]

    def run(self, records: Tensor, logits: Tensor, targets: Tensor, states: Tensor | None) -> None:
        """Fill logits and gradients; see `Stack.step`."""
        stack, layers, wide = self._stack, self._layers, list(self._wide)
        last = len(layers) - 1
        if layers[0].changes:
            self._first.copy_(records)
        else:
            wide[0] = stack.each(records)
        answers = [*self._narrow[1:], stack.each(logits)]
        for i, layer in enumerate(layers):
            if layer.changes:
                _change(self._inputs[i], layer, states)
            stack.product(wide[i], self._turned[i], answers[i])
        torch.softmax(logits, dim=2, out=self._errors[last])
        self._errors[last].sub_(targets).div_(targets.shape[1])
        for i in range(last, 0, -1):
            stack.product(self._error_turned[i], wide[i], self._slopes[i])
            stack.product(self._error[i], self._without_bias[i], self._error[i - 1])
            if layers[i].changes:
                _change_back(self._errors[i - 1], self._inputs[i], layers[i], states)
        stack.product(self._error_turned[0], wide[0], self._slopes[0])


def _change(values: Tensor, layer: Layer, states: Tensor | None) -> None:
    """Rectify and drop, in place."""
    if layer.relu:
        values.clamp_min_(0)
    for dropout in layer.dropouts:
        values.mul_(_mask(dropout, layer, states)).div_(1 - dropout.p)


def _change_back(errors: Tensor, values: Tensor, layer: Layer, states: Tensor | None) -> None:
    """Turn gradients by what came out of `_change` into gradients by what went in, in place."""
    if layer.relu:
        # what was dropped is 0 too
        torch.ops.aten.threshold_backward.grad_input(errors, values, 0, grad_input=errors)
    for dropout in layer.dropouts:
        if not layer.relu:
            errors.mul_(_mask(dropout, layer, states))
        errors.div_(1 - dropout.p)


def _mask(dropout: KeyedDropout, layer: Layer, states: Tensor | None) -> Tensor:
    assert states is not None
    return masks(states, dropout.place, torch.Size([layer.inputs]), 1 - dropout.p)
