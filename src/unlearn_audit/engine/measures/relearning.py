"""How fast the forgotten comes back by fine-tuning (Siddiqui et al., arXiv 2505.22310).

A model that has forgotten learns the forgotten records no faster than one that never saw them, which is the same
measure of the retrained model. Fine-tuning starts with a new optimiser of the network's own recipe and draws the same
batches for every arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.measures.base import Measure, Pair, Records, ask, figures_of
from unlearn_audit.engine.measures.networks import copied, network_in, why_no_network
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import before_last_step
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.typing import Positions

STEPS = (0, 1, 2, 5, 10, 20, 50)
"""After how many steps the forgotten records are asked."""

SHARE = 0.5
"""The share of the forgotten records that is given back, rounded down."""


class Relearning(Measure):
    """``relearning.<data>.<steps>.<figure>`` of the unlearned network.

    Data are ``retained``, the retained records alone, of which all forgotten ones are asked; or ``returned``, in which
    every batch holds the first half of the forgotten records too, at most as many as retained ones, and the other half
    is asked, where a request forgets two records or more. Figures are ``accuracy`` and ``probability``, the mean of
    the true class's.
    """

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return that a model is no network, if it is none."""
        return why_no_network(source, data)

    def of_pair(self, pair: Pair) -> dict[str, float]:
        """Return the figures of a pair; none where the unlearned model is no network."""
        if network_in(pair.unlearned.model) is None:
            return {}
        forget = pair.records["forget"]
        given = int(SHARE * len(forget.positions))
        found = dict(_tuned(pair, "retained", forget.positions[:0], forget))
        if given:
            rest = Records(forget.positions[given:], forget.labels[given:])
            found |= dict(_tuned(pair, "returned", forget.positions[:given], rest))
        return found


def _tuned(pair: Pair, name: str, returned: Positions, asked: Records) -> Iterator[tuple[str, float]]:
    """Yield what a copy of the unlearned network, fine-tuned step by step, knows of some forgotten records."""
    import torch
    from torch import nn

    from unlearn_audit.models.networks.device import exact, generators_of_its_own

    model, module = copied(pair.unlearned.model)
    network, data = network_in(model), pair.unlearned.data
    device = next(module.parameters()).device
    optimizer = network.recipe_.make_optimizer(module)
    batches = _batches(pair, returned, network.batch_size, data, network.classes_)

    def tune(positions: Positions) -> None:
        records = before_last_step(model, take(data.X, positions))
        codes = np.searchsorted(network.classes_, data.y[positions])
        inputs, labels = network.tensors(records, codes, device)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(nn.functional.cross_entropy(module(inputs), labels))
        optimizer.step()

    with generators_of_its_own(pair.seed, device), exact(device):
        for step in range(STEPS[-1] + 1):
            if step in STEPS:
                module.eval()
                known = figures_of(ask(pair.unlearned, model, asked.positions), asked.labels, data)
                yield from ((f"relearning.{name}.{step}.{figure}", value) for figure, value in known.items())
                module.train()
            if step < STEPS[-1]:
                tune(next(batches))


def _batches(
    pair: Pair, returned: Positions, size: int, data: Dataset, classes: npt.NDArray[Any]
) -> Iterator[Positions]:
    """Yield batches of retained records in random order, epoch by epoch, each with what is returned."""
    rng = np.random.default_rng(pair.seed)
    retained = pair.retained[np.isin(data.y[pair.retained], classes)]
    returned = returned[np.isin(data.y[returned], classes)]
    size = min(size, len(retained))
    while True:
        order = rng.permutation(retained)
        # what is left of an epoch is no whole batch, and statistics over one record are undefined
        for start in range(0, len(order) - size + 1, size):
            back = rng.permutation(returned)[:size]
            yield np.concatenate([order[start : start + size], back])
