"""Networks of one shape side by side: their gradients by products of stacked matrices, without autograd.

Perceptrons, and on a GPU also what has convolutions before them (`convolutions`).

Each layer is one matrix with its bias as a last column, and its inputs end in a column of ones, so that
one product gives the gradient of both. What lies between two linear layers, ReLU and dropout, multiplies by a
factor that its own output shows, so the way back needs nothing but the outputs.

On a CPU each product is made for one model at a time, which takes no longer than a product of stacks and makes a
model's bits a matter of its own numbers alone. On a GPU one call makes the products of a group of models. How many
are a group is a rule of sizes, so that a model's bits do not depend on how many groups there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_audit.models.networks.batched.convolutions import Convolution, Convolutions
from unlearn_audit.models.networks.batched.products import Products, columns
from unlearn_audit.models.networks.draws import KeyedDropout, masks

ALIGNED = 64
"""Numbers to whose multiple each model's share of a tensor is padded, so that every model lies alike in memory."""


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
        return columns(self.inputs + self.bias)

    def matrices(self, weights: Tensor) -> Tensor:
        """Return (models, outputs, inputs) from the weights of a layer, stacked."""
        return weights

    def weights(self, matrices: Tensor) -> Tensor:
        """Return the weights of a layer, stacked, from (models, outputs, inputs)."""
        return matrices


@dataclass(frozen=True)
class Layers:
    """What records pass through: convolutions, if any, and then the layers of a perceptron."""

    convolutions: tuple[Convolution, ...]
    linear: tuple[Layer, ...]

    def numbers(self, batch_size: int) -> int:
        """Return how many numbers a step on a batch keeps, besides records and weights."""
        numbers_of_record = sum(layer.columns + layer.outputs for layer in self.linear)
        return batch_size * (numbers_of_record + sum(part.numbers for part in self.convolutions))


def layers_of(module: nn.Module, shape: Sequence[int]) -> Layers | None:
    """Return the layers of a module that takes records of a shape, or None if it is more than they can tell.

    Dropout must be keyed by record (`keyed_dropout`).
    """
    layers: list[Layer] = []
    convolutions: list[Convolution] = []
    flat, relu = len(shape) == 1, False
    dropouts: list[KeyedDropout] = []
    parts = list(_parts(module, ""))
    for name, part in parts:
        kind = type(part)
        if kind is nn.Flatten and (part.start_dim, part.end_dim) == (1, -1):
            flat = True
        elif not flat and (convolutions or kind is nn.Conv2d):
            size = convolutions[-1].answers if convolutions else tuple(shape)
            if kind is nn.Conv2d and len(size) == 3:
                taken = Convolution.of(name, part, size)
                convolutions += [] if taken is None else [taken]
            else:
                taken = convolutions[-1].followed_by(part) if convolutions else None
                convolutions[-1:] = [] if taken is None else [taken]
            if taken is None:
                return None
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
    weighted: list[Layer | Convolution] = [*convolutions, *layers]
    shared = len(list(module.parameters())) < sum(1 + layer.bias for layer in weighted)
    whole = layers and not relu and not dropouts and once and not shared and not _hooked(module)
    return Layers(tuple(convolutions), tuple(layers)) if whole else None


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
    """Return whether anything is called besides the layers themselves."""
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
    """Several networks of one shape, and the gradients of their losses.

    Parameters
    ----------
    modules
        The networks.
    layers
        Their layers; dropout is keyed by record.
    records
        (models, n, ...) what the modules take.
    group
        For how many models a product is made at a time; the models must be a multiple.

    Attributes
    ----------
    weights, gradients
        (models, numbers), one row a model.
    logits
        (models, n, classes), of the records in the order of the epoch, as the last step with them found them.
    """

    def __init__(self, modules: Sequence[nn.Module], layers: Layers, records: Tensor, group: int) -> None:
        self.layers, self.products, self._modules = layers, Products(group), modules
        n_models, n = records.shape[:2]
        shapes = [(layer.outputs, layer.columns) for layer in self._weighted]
        self.weights, self.matrices = aligned(n_models, shapes, records)
        self.gradients, self.slopes = aligned(n_models, shapes, records)
        self._records = self._laid_out(records)
        self.ordered = torch.empty_like(self._records)
        _, (self.logits,) = aligned(n_models, [(n, layers.linear[-1].outputs)], records)
        self._passes: dict[int, _Pass] = {}
        for layer, parameter, view in self._parameters():
            stacked = torch.stack([module.get_parameter(parameter).detach() for module in modules])
            view.copy_(layer.matrices(stacked) if view.dim() == 3 else stacked)

    @property
    def _weighted(self) -> tuple[Layer | Convolution, ...]:
        return (*self.layers.convolutions, *self.layers.linear)

    def _laid_out(self, records: Tensor) -> Tensor:
        """Return (models, n, numbers) as the first layer takes them."""
        if self.layers.convolutions:
            # channels last
            return records.movedim(2, -1).flatten(2)
        first = self.layers.linear[0]
        laid_out = records.new_zeros((*records.shape[:2], first.columns))
        laid_out[..., : first.inputs] = records.flatten(2)
        laid_out[..., first.ones] = 1
        return laid_out

    def begin_epoch(self, order: Tensor) -> None:
        """Put each model's records in the (models, n) order of an epoch."""
        models, n = order.shape
        rows = order + n * torch.arange(models, device=order.device)[:, None]
        torch.index_select(self._records.flatten(0, 1), 0, rows.flatten(), out=self.ordered.flatten(0, 1))

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
        for layer, parameter, view in self._parameters():
            stacked = (layer.weights(view) if view.dim() == 3 else view).contiguous()
            own = [module.get_parameter(parameter).detach() for module in self._modules]
            torch._foreach_copy_(own, list(stacked.unbind(0)))

    def _parameters(self) -> Iterator[tuple[Layer | Convolution, str, Tensor]]:
        """Yield layers with the name of a parameter and the view of its numbers, of all models."""
        for layer, matrices in zip(self._weighted, self.matrices, strict=True):
            yield layer, f"{layer.name}.weight".lstrip("."), matrices[..., : layer.inputs]
            if layer.bias:
                yield layer, f"{layer.name}.bias".lstrip("."), matrices[..., layer.inputs]


class _Pass:
    """The way there and back of batches of one size, with the memory it takes."""

    def __init__(self, stack: Stack, size: int) -> None:
        products = stack.products
        self._product, self._each = products.multiply, products.each
        self._layers, convolutions = stack.layers.linear, stack.layers.convolutions
        models, like = len(stack.weights), stack.weights
        _, wide = aligned(models, [(size, layer.columns) for layer in self._layers], like)
        _, self._errors = aligned(models, [(size, layer.outputs) for layer in self._layers], like)
        for layer, inputs in zip(self._layers, wide, strict=True):
            inputs[..., layer.ones] = 1
        self._first = wide[0]
        self._inputs = [inputs[..., : layer.inputs] for layer, inputs in zip(self._layers, wide, strict=True)]
        first, later = slice(len(convolutions)), slice(len(convolutions), None)
        matrices, slopes = stack.matrices[later], stack.slopes[later]
        # operands of products are cut once, since cutting takes as long as a small product
        self._wide = [products.each(inputs) for inputs in wide]
        self._narrow = [products.each(inputs) for inputs in self._inputs]
        self._error = [products.each(errors) for errors in self._errors]
        self._error_turned = [products.each(errors.mT) for errors in self._errors]
        self._turned = [products.each(matrix.mT) for matrix in matrices]
        self._without_bias = [
            products.each(matrix[..., : layer.inputs]) for layer, matrix in zip(self._layers, matrices, strict=True)
        ]
        self._slopes = [products.each(slope) for slope in slopes]
        self._convolutions = None
        if convolutions:
            weights = stack.matrices[first], stack.slopes[first]
            self._convolutions = Convolutions(convolutions, *weights, products, size)
            self._feature_errors = like.new_zeros(self._inputs[0].shape)

    def run(self, records: Tensor, logits: Tensor, targets: Tensor, states: Tensor | None) -> None:
        """Fill logits and gradients; see `Stack.step`."""
        layers, wide = self._layers, list(self._wide)
        last = len(layers) - 1
        if self._convolutions is not None:
            self._convolutions.run(records, self._inputs[0])
        elif layers[0].changes:
            self._first.copy_(records)
        else:
            wide[0] = self._each(records)
        answers = [*self._narrow[1:], self._each(logits)]
        for i, layer in enumerate(layers):
            if layer.changes:
                _change(self._inputs[i], layer, states)
            self._product(wide[i], self._turned[i], answers[i])
        torch.softmax(logits, dim=2, out=self._errors[last])
        self._errors[last].sub_(targets).div_(targets.shape[1])
        for i in range(last, 0, -1):
            self._product(self._error_turned[i], wide[i], self._slopes[i])
            self._product(self._error[i], self._without_bias[i], self._error[i - 1])
            if layers[i].changes:
                _change_back(self._errors[i - 1], self._inputs[i], layers[i], states)
        self._product(self._error_turned[0], wide[0], self._slopes[0])
        if self._convolutions is not None:
            self._product(self._error[0], self._without_bias[0], self._each(self._feature_errors))
            if layers[0].changes:
                _change_back(self._feature_errors, self._inputs[0], layers[0], states)
            self._convolutions.run_back(self._feature_errors)


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
