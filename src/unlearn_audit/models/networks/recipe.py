"""How a network was trained, for what goes on from its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class TrainingRecipe:
    """How a network was trained.

    Attributes
    ----------
    optimizer
        Makes the optimiser; takes the parameters, ``lr`` and ``weight_decay``.
    learning_rate, weight_decay
        Of the optimiser.
    batch_size
        Records a step.
    epochs
        Passes over the training records, at most.
    steps
        Steps made in all.
    loss
        The function of ``torch.nn.functional`` that was minimised, of logits and int64 labels.

    Examples
    --------
    >>> recipe = TrainingRecipe(torch.optim.Adam, 0.01, 0.0, batch_size=64, epochs=5, steps=20)
    >>> recipe.make_optimizer(nn.Linear(2, 2)).defaults["lr"]
    0.01
    """

    optimizer: Callable[..., torch.optim.Optimizer]
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    steps: int
    loss: str = "cross_entropy"

    def make_optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of a module's weights, as training began with it."""
        return self.optimizer(module.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
