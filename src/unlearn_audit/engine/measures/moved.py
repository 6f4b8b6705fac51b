"""How far unlearning moved the model: in its weights, and in its answers."""

from __future__ import annotations

import math

import numpy as np

from unlearn_audit.engine.measures.base import Measure, Pair
from unlearn_audit.engine.measures.networks import network_in


class Moved(Measure):
    """Distances between the original and the unlearned model.

    ``moved.weights`` is the Euclidean distance of all parameters of a network, ``moved.weights_relative`` the same as a
    share of the original's length; ``moved.posteriors`` the mean total variation distance of answers for test records,
    and ``moved.largest`` the largest difference of one of their probabilities. A method that left the model as it was
    has 0 in all of them.
    """

    def of_pair(self, pair: Pair) -> dict[str, float]:
        """Return the figures of a pair; those of weights only of two networks of one architecture."""
        apart = np.abs(pair.answers["test"].astype(np.float64) - pair.of_original)
        answers = {
            "moved.posteriors": float(apart.sum(axis=1).mean() / 2),
            "moved.largest": float(apart.max()),
        }
        return {**_of_weights(pair), **answers}


def _of_weights(pair: Pair) -> dict[str, float]:
    before, after = (network_in(trained.model) for trained in (pair.original, pair.unlearned))
    if before is None or after is None:
        return {}
    first, second = (
        {name: of.detach().cpu().double() for name, of in network.module_.named_parameters()}
        for network in (before, after)
    )
    if {name: of.shape for name, of in first.items()} != {name: of.shape for name, of in second.items()}:
        return {}
    apart = math.sqrt(sum(float((second[name] - of).square().sum()) for name, of in first.items()))
    length = math.sqrt(sum(float(of.square().sum()) for of in first.values()))
    return {"moved.weights": apart, **({"moved.weights_relative": apart / length} if length else {})}
