"""Whether the forgotten comes back when the weights are rounded (Zhang et al., arXiv 2410.16454).

An update that moves each weight by less than half a step of the rounding is undone by it. Weights of layers, arrays of
two dimensions or more, are rounded to the nearest of 255 or 15 values that lie symmetrically around 0; biases and
statistics of normalisation stay, as they do in practice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.measures.base import Measure, Pair
from unlearn_audit.engine.measures.networks import copied, network_in, why_no_network
from unlearn_audit.models.source import ModelSource

if TYPE_CHECKING:
    from torch import Tensor

BITS = (8, 4)
"""How many bits a weight has."""


class Quantisation(Measure):
    """``quantisation.<weights>.<role>.<figure>`` of the unlearned network.

    Weights are ``full`` as they are, or as ``int8-tensor``, ``int8-channel``, ``int4-tensor`` and ``int4-channel``,
    with one scale a layer or one for each of its outputs; roles are ``forget`` and ``test``, figures ``accuracy`` and
    ``probability``, the mean of the true class's.
    """

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return that a model is no network, if it is none."""
        return why_no_network(source, data)

    def of_pair(self, pair: Pair) -> dict[str, float]:
        """Return the figures of a pair; none where the unlearned model is no network."""
        if network_in(pair.unlearned.model) is None:
            return {}
        ways: dict[str, Callable[[Tensor], Tensor]] = {"full": lambda weights: weights}
        for bits in BITS:
            ways[f"int{bits}-tensor"] = lambda weights, bits=bits: rounded(weights, bits, by_channel=False)  # type: ignore[misc]
            ways[f"int{bits}-channel"] = lambda weights, bits=bits: rounded(weights, bits, by_channel=True)  # type: ignore[misc]
        found: dict[str, float] = {}
        for way, change in ways.items():
            model, module = copied(pair.unlearned.model)
            for weights in module.parameters():
                if weights.dim() > 1:
                    weights.data = change(weights.data)
            for role in ("forget", "test"):
                found |= {f"quantisation.{way}.{role}.{name}": of for name, of in pair.score(model, role).items()}
        return found


def rounded(weights: Tensor, bits: int, *, by_channel: bool) -> Tensor:
    """Return (outputs, ...) weights rounded to the nearest value that so many bits hold, symmetrically around 0.

    Examples
    --------
    >>> import torch
    >>> rounded(torch.tensor([[7.0, 3.4], [0.7, 0.34]]), 4, by_channel=False).tolist()
    [[7.0, 3.0], [1.0, 0.0]]
    >>> [[round(of, 2) for of in row] for row in
    ...  rounded(torch.tensor([[7.0, 3.4], [0.7, 0.34]]), 4, by_channel=True).tolist()]
    [[7.0, 3.0], [0.7, 0.3]]
    """
    most = 2 ** (bits - 1) - 1
    across = tuple(range(1, weights.dim())) if by_channel else tuple(range(weights.dim()))
    scale: Tensor = weights.abs().amax(dim=across, keepdim=True) / most
    # a layer of zeros stays one
    scale = scale.where(scale > 0, scale.new_ones(()))
    steps: Tensor = (weights / scale).round().clamp(-most, most)
    return steps * scale
