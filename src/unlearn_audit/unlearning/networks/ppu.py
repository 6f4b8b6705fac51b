"""Pseudo-probability unlearning, later AdaProb (Zhao et al., arXiv 2411.02622): other answers for the forgotten.

Forgotten records get pseudo-probabilities, retained ones keep the original's. The matrix of both is refined (`refine`),
and the network is trained until it answers so. The published column target is that of the matrix itself, under which
the refinement changes nothing; the other one, our choice, moves the columns to the retained records' mean answer. The
loss is in no public file: the divergence from the targets over all records, which the cross entropy is but for a
constant, is our choice too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.refine import entropies, refined
from unlearn_audit.unlearning.networks.steps import Phase, Stream
from unlearn_audit.utils.typing import Array

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task


class PpuOptions(NetworkOptions):
    """What can be set of pseudo-probability unlearning; the defaults are the authors' for large forget sets."""

    name = "ppu"
    reference = "Zhao et al., arXiv 2411.02622"

    pseudo: Literal["random", "uniform"] = Field(
        "random",
        description="answers for forgotten records: random rows, as in the code, or uniform, as in the paper",
    )
    columns: Literal["published", "retained"] = Field(
        "published", description="column target; published changes nothing, retained is the retained records' mean"
    )
    weights: Literal["equal", "entropy"] = Field(
        "equal", description="of rows in the refinement: equal, as in the script, or 1/entropy, as in the notebooks"
    )
    epochs: int = Field(26, ge=1, description="passes over all records; 31 in the paper's small setting")
    learning_rate: float = Field(0.01, gt=0, description="of SGD; 0.001 in the paper's small setting")
    weight_decay: float = Field(5e-4, ge=0, description="of SGD; 0.1 in the paper's small setting")
    batch_size: int = Field(128, ge=2, description="records of a step")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase, on all records with their targets."""
        import torch

        from unlearn_audit.unlearning.networks import losses

        drawn = torch.rand((len(task.forget), task.n_classes), generator=task.generator, dtype=torch.float64)
        retained = task.logits(task.retain).double().softmax(dim=1)
        made = self.targets(drawn.numpy(), retained.cpu().numpy())
        logits = next(iter(task.weights().values()))
        values = {"targets": torch.from_numpy(made).to(logits)}
        stream = Stream(task.forget.and_then(task.retain), losses.of_targets, self.batch_size, values)
        yield Phase((stream,), task.optimizer("sgd"), self.learning_rate, self.weight_decay, self.epochs)

    def targets(self, drawn: Array, retained: Array) -> Array:
        """Return (f + r, k) what the network is to answer, forgotten records first.

        Parameters
        ----------
        drawn
            (f, k) random numbers in [0, 1).
        retained
            (r, k) the original's answers.
        """
        pseudo = np.ones_like(drawn) if self.pseudo == "uniform" else drawn
        P = np.concatenate([pseudo / pseudo.sum(axis=1, keepdims=True), retained])
        columns = P.sum(axis=0) if self.columns == "published" else len(P) * retained.mean(axis=0)
        return refined(P, columns, entropies(P) if self.weights == "entropy" else None)
