"""Convolutions of many models as products of patches, without autograd.

One call of cuDNN for the convolutions of many models, each with its own weights, is a convolution in groups, which is
slow. Here the patches that a kernel meets are laid out as the rows of a matrix, so that the convolution is a product
with the matrix of weights, and so are both ways back.

Images lie with their channels last, so that what a patch takes from a row of an image is one piece of memory. The rows
of patches are sorted by their place in the window of the pooling that follows: pooling is then the largest of a few
slabs, and no position that it leaves out is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from unlearn_audit.models.networks.batched.products import Products, columns

Pair = tuple[int, int]

ROWS_AT_ONCE = 1024
"""Rows over which one product sums where sums over many rows are cut into pieces."""


@dataclass(frozen=True)
class Convolution:
    """A convolution, and the ReLU and the pooling that follow it.

    Attributes
    ----------
    name
        Of the convolution in its module, to find its weights by.
    image
        Channels, height and width of what it takes.
    outputs
        Channels of what it answers.
    bias
        Whether it has one.
    kernel, stride, padding, dilation
        Of the convolution, down and across.
    relu
        Whether its answers are rectified.
    window
        Sides of the windows of which the largest answer is kept; they touch and do not overlap.
    """

    name: str
    image: tuple[int, int, int]
    outputs: int
    bias: bool
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    relu: bool = False
    window: Pair = (1, 1)

    @classmethod
    def of(cls, name: str, layer: nn.Conv2d, image: Sequence[int]) -> Self | None:
        """Return a layer that takes images of (channels, height, width); None if it does more than this can tell."""
        pairs = [_pair(option) for option in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)]
        plain = layer.groups == 1 and layer.padding_mode == "zeros" and all(p.requires_grad for p in layer.parameters())
        kernel, stride, padding, dilation = pairs
        if not plain or kernel is None or stride is None or padding is None or dilation is None:
            return None
        channels, height, width = image
        made = cls(
            name,
            (channels, height, width),
            layer.out_channels,
            layer.bias is not None,
            kernel,
            stride,
            padding,
            dilation,
        )
        return made if min(made.grid) > 0 else None

    def followed_by(self, layer: nn.Module) -> Self | None:
        """Return this with one more layer after it; None if that is something else."""
        kind: Any = type(layer)
        if kind is nn.Identity:
            return self
        if kind is nn.ReLU:
            # the largest of what was rectified is the largest, rectified
            return replace(self, relu=True)
        if kind is not nn.MaxPool2d or self.window != (1, 1):
            return None
        window, stride, padding, dilation = (
            _pair(getattr(layer, option)) for option in ("kernel_size", "stride", "padding", "dilation")
        )
        plain = not layer.ceil_mode and not layer.return_indices and (padding, dilation) == ((0, 0), (1, 1))
        if not plain or window is None or window != stride:
            return None
        pooled = replace(self, window=window)
        return pooled if min(pooled.answers) > 0 else None

    @property
    def grid(self) -> Pair:
        """Height and width of what the convolution answers before pooling."""
        high, wide = (
            (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for side, kernel, stride, padding, dilation in zip(
                self.image[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return high, wide

    @property
    def answers(self) -> tuple[int, int, int]:
        """Channels, height and width of what comes out in the end."""
        return self.outputs, self.grid[0] // self.window[0], self.grid[1] // self.window[1]

    @property
    def inputs(self) -> int:
        """Numbers of a patch."""
        return self.image[0] * self.kernel[0] * self.kernel[1]

    @property
    def columns(self) -> int:
        """Of its matrix: a patch, bias, and zeros up to a multiple that products are quick with."""
        return columns(self.inputs + self.bias)

    @property
    def padded(self) -> tuple[int, int, int]:
        """Height and width with the border, and channels."""
        return self.image[1] + 2 * self.padding[0], self.image[2] + 2 * self.padding[1], self.image[0]

    @property
    def places(self) -> int:
        """In how many places of a window an answer may lie."""
        return self.window[0] * self.window[1]

    @property
    def numbers(self) -> int:
        """How many numbers a step keeps for a record."""
        kept = self.answers[1] * self.answers[2]
        high, wide, channels = self.padded
        numbers_of_row = self.columns + self.inputs + 2 * self.outputs + self.columns * self.outputs // ROWS_AT_ONCE
        return 2 * high * wide * channels + kept * self.places * numbers_of_row + 4 * kept * self.outputs

    def matrices(self, weights: Tensor) -> Tensor:
        """Return (models, outputs, inputs) from the weights of a convolution, stacked."""
        return weights.movedim(2, -1).flatten(2)

    def weights(self, matrices: Tensor) -> Tensor:
        """Return the weights of a convolution, stacked, from (models, outputs, inputs)."""
        return torch.unflatten(matrices, 2, (*self.kernel, self.image[0])).movedim(-1, 2)


def _pair(option: Any) -> Pair | None:
    """Return what is said for both directions or each of them, None if it is said in words."""
    if isinstance(option, int):
        return option, option
    return None if isinstance(option, str) or len(option) != 2 else (int(option[0]), int(option[1]))


def _spread(patches: Tensor, order: tuple[int, ...], taps: tuple[int, ...]) -> Tensor:
    """Return (models, rows, numbers) with each row's place and each number's tap as dimensions of their own."""
    return torch.unflatten(torch.unflatten(patches, 1, order), -1, taps)


class Convolutions:
    """The way there and back of a batch through convolutions one after another, with the memory it takes.

    Parameters
    ----------
    parts
        The convolutions.
    matrices, slopes
        (models, outputs, columns) of each: weights, and where gradients go.
    products
        How products are made.
    size
        Records of a batch.
    """

    def __init__(
        self,
        parts: Sequence[Convolution],
        matrices: Sequence[Tensor],
        slopes: Sequence[Tensor],
        products: Products,
        size: int,
    ) -> None:
        self._steps = [
            _Step(part, matrix, slope, products, size, first=i == 0)
            for i, (part, matrix, slope) in enumerate(zip(parts, matrices, slopes, strict=True))
        ]

    def run(self, records: Tensor, features: Tensor) -> None:
        """Fill (models, batch, features) from (models, batch, height * width * channels)."""
        answers = records
        for step in self._steps:
            step.take(answers)
            answers = step.run()
        channels, high, wide = self._steps[-1].part.answers
        torch.unflatten(features, 2, (channels, high, wide)).copy_(answers.movedim(-1, 2))

    def run_back(self, errors: Tensor) -> None:
        """Fill gradients from (models, batch, features) gradients by the features."""
        channels, high, wide = self._steps[-1].part.answers
        back = torch.unflatten(errors, 2, (channels, high, wide)).movedim(2, -1)
        for step in self._steps[::-1]:
            back = step.run_back(back)


class _Step:
    """One convolution of `Convolutions`."""

    def __init__(
        self, part: Convolution, matrix: Tensor, slope: Tensor, products: Products, size: int, *, first: bool
    ) -> None:
        self.part, self._products = part, products
        models, like = len(matrix), matrix
        _, high, wide = part.answers
        rows = part.places * size * high * wide
        order = *part.window, size, high, wide  # in which a patch's row lies
        taps = *part.kernel, part.image[0]
        self._padded = like.new_zeros((models, size, *part.padded))
        self._met = self._patches_of(self._padded, order)
        self._inside = self._without_border(self._padded)
        patches = like.new_zeros((models, rows, part.columns))
        patches[..., part.inputs : part.inputs + part.bias] = 1
        self._patches = _spread(patches[..., : part.inputs], order, taps)
        answers, errors = (like.new_zeros((models, rows, part.outputs)) for _ in range(2))
        shape = (models, size, high, wide, part.outputs)
        self._slabs, self._error_slabs = (slabs.view(models, part.places, *shape[1:]) for slabs in (answers, errors))
        self._largest = like.new_zeros(shape) if part.places > 1 else self._slabs[:, 0]
        self._which = torch.zeros(shape, dtype=torch.int64, device=like.device)
        self._places = torch.arange(part.places, device=like.device).view(1, -1, 1, 1, 1, 1)
        self._back = like.new_zeros(shape)
        each = products.each
        self._forth = each(patches), each(matrix.mT), each(answers)
        self._to_slope = _SumsOverRows(errors, patches, slope, products)
        self._to_images = None
        if not first:
            patch_errors = like.new_zeros((models, rows, part.inputs))
            self._to_images = each(errors), each(matrix[..., : part.inputs]), each(patch_errors)
            self._patch_errors = _spread(patch_errors, order, taps)
            self._image_errors = torch.zeros_like(self._padded)
            self._met_errors = self._patches_of(self._image_errors, order)

    def take(self, images: Tensor) -> None:
        """Take (models, batch, ...) images with channels last."""
        self._inside.copy_(images.view(self._inside.shape) if images.dim() == 3 else images)

    def run(self) -> Tensor:
        """Return (models, batch, height, width, channels) answers."""
        self._patches.copy_(self._met)
        self._products.multiply(*self._forth)
        if self.part.places > 1:
            # of equal ones the first, as in nn.MaxPool2d
            torch.max(self._slabs, dim=1, out=(self._largest, self._which))
        if self.part.relu:
            self._largest.clamp_min_(0)
        return self._largest

    def run_back(self, errors: Tensor) -> Tensor:
        """Fill gradients from gradients by the answers, and return those by the images."""
        back = self._back if self.part.places > 1 else self._error_slabs[:, 0]
        if self.part.relu:
            torch.ops.aten.threshold_backward.grad_input(errors, self._largest, 0, grad_input=back)
        else:
            back.copy_(errors)
        if self.part.places > 1:
            torch.mul(self._which.unsqueeze(1) == self._places, back.unsqueeze(1), out=self._error_slabs)
        self._to_slope.run()
        if self._to_images is None:
            return errors
        self._products.multiply(*self._to_images)
        self._image_errors.zero_()
        for down in range(self.part.kernel[0]):
            for across in range(self.part.kernel[1]):
                self._met_errors[..., down, across, :].add_(self._patch_errors[..., down, across, :])
        return self._without_border(self._image_errors)

    def _patches_of(self, padded: Tensor, order: tuple[int, ...]) -> Tensor:
        """Return the view of (models, batch, height, width, channels) that each patch meets."""
        part = self.part
        model, record, row, column, channel = padded.stride()
        down, across = part.stride[0] * row, part.stride[1] * column
        strides = (down, across, record, part.window[0] * down, part.window[1] * across)
        taps = (part.dilation[0] * row, part.dilation[1] * column, channel)
        shape = (len(padded), *order, *part.kernel, part.image[0])
        return padded.as_strided(shape, (model, *strides, *taps), padded.storage_offset())

    def _without_border(self, padded: Tensor) -> Tensor:
        (top, left), (_, high, wide) = self.part.padding, self.part.image
        return padded[:, :, top : top + high, left : left + wide]


class _SumsOverRows:
    """The products of turned errors and patches, each a small matrix that is a sum over very many rows.

    One product of few numbers and many rows keeps few of a GPU's processors busy, so the rows are cut into pieces of
    equal length, whose products are added up.
    """

    def __init__(self, errors: Tensor, patches: Tensor, slope: Tensor, products: Products) -> None:
        rows = errors.shape[1]
        pieces = next(n for n in range(max(1, rows // ROWS_AT_ONCE), 0, -1) if rows % n == 0)
        cut = Products(products.group * pieces)
        made = errors.new_zeros((len(errors), pieces, errors.shape[2], patches.shape[2]))
        left, right = (torch.unflatten(matrix, 1, (pieces, -1)).flatten(0, 1) for matrix in (errors, patches))
        self._pieces = cut.each(left.mT), cut.each(right), cut.each(made.flatten(0, 1))
        self._cut = cut
        # a group at a time, since how a sum is made may depend on how many there are
        self._sums = list(zip(torch.split(made, products.group), torch.split(slope, products.group), strict=True))

    def run(self) -> None:
        """Make them."""
        self._cut.multiply(*self._pieces)
        for made, slope in self._sums:
            torch.sum(made, dim=1, out=slope)
