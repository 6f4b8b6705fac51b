"""Products of stacked matrices, one of each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

COLUMNS = 16
"""Numbers to whose multiple the rows of matrices are padded."""


def columns(numbers: int) -> int:
    """Return the length of a row of so many numbers, up to a multiple that products are quick with.

    Examples
    --------
    >>> columns(1), columns(16), columns(17)
    (16, 16, 32)
    """
    return -(-numbers // COLUMNS) * COLUMNS


@dataclass(frozen=True)
class Products:
    """Products of the matrices of models.

    Attributes
    ----------
    group
        For how many models one call makes a product.
    """

    group: int

    def each(self, stacked: Tensor) -> Sequence[Tensor]:
        """Return the operands of the calls: a matrix a model, or those of a group stacked."""
        return stacked.unbind(0) if self.group == 1 else torch.split(stacked, self.group)

    def multiply(self, left: Sequence[Tensor], right: Sequence[Tensor], out: Sequence[Tensor]) -> None:
        """Multiply matrices, cut by `each`."""
        multiplied = torch.mm if self.group == 1 else torch.bmm
        for a, b, c in zip(left, right, out, strict=True):
            multiplied(a, b, out=c)
