"""Influence unlearning: one damped Newton step from the original towards the optimum without the forgotten records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase

if TYPE_CHECKING:
    from torch import Tensor

    from unlearn_audit.unlearning.networks.task import Task

ENOUGH = 1e-5
"""The residual of the conjugate gradients, as a share of the right side's norm, at which they stop."""


class InfluenceOptions(NetworkOptions):
    """Add ``scale`` · |D_f| / |D_r| · (H + λ)⁻¹ g to the weights.

    g is the gradient of the mean loss of the forgotten records, and H the Gauss-Newton matrix of that of the retained
    ones; both with the recipe's weight decay, taken as a penalty. At an optimum of the loss on all records, the step is
    that of Newton's method on the retained ones. A network is seldom at one, and nothing bounds what is left.
    """

    name = "influence"
    lower = "scale"
    reference = "Koh and Liang, Understanding Black-box Predictions via Influence Functions, ICML 2017"

    damping: float = Field(0.01, gt=0, description="λ, added to the curvature; as Koh and Liang")
    scale: float = Field(1.0, gt=0, description="factor of the step")
    iterations: int = Field(100, ge=1, description="conjugate gradient steps at most; our choice")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Take the step; there is no phase."""
        import torch

        from unlearn_audit.models.networks.device import exact
        from unlearn_audit.unlearning.networks import gradients

        weights = task.weights()
        slopes = gradients.mean(task, task.forget)
        penalised = {name: slopes[name] + task.weight_decay * weight.detach() for name, weight in weights.items()}
        right = torch.cat([of.flatten() for of in penalised.values()])
        damping = self.damping + task.weight_decay
        with exact(task.device):
            curved = gradients.curvature(task, task.retain)
            step = conjugate_gradients(lambda v: curved(v) + damping * v, right, self.iterations)
        factor = self.scale * len(task.forget) / len(task.retain)
        parts = torch.split(step, [weight.numel() for weight in weights.values()])
        with torch.no_grad():
            for weight, part in zip(weights.values(), parts, strict=True):
                weight.add_(factor * part.view_as(weight))
        yield from ()


def conjugate_gradients(product: Callable[[Tensor], Tensor], right: Tensor, iterations: int) -> Tensor:
    """Return (d,) about the solution x of A x = b, for a positive definite A.

    Parameters
    ----------
    product
        Returns A v of (d,) v.
    right
        (d,) b.
    iterations
        How many steps are taken at most; fewer once the residual is `ENOUGH` of b.
    """
    solution, residual = right.new_zeros(right.shape), right.clone()
    direction, squared = residual.clone(), residual.dot(residual)
    enough = ENOUGH**2 * squared
    for _ in range(iterations):
        if squared <= enough:
            break
        of_direction = product(direction)
        length = squared / direction.dot(of_direction)
        solution += length * direction
        residual -= length * of_direction
        before, squared = squared, residual.dot(residual)
        direction = residual + squared / before * direction
    return solution
