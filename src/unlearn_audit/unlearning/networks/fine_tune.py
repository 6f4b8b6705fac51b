"""Fine-tuning: training goes on, on the retained records alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.steps import Phase, Stream
from unlearn_audit.unlearning.training import take

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task


BY_GRADIENTS = (SGDClassifier, MLPClassifier)
"""Models whose partial fits go on training; a partial fit of those that count, such as naive Bayes, adds records."""


class FineTuneOptions(NetworkOptions):
    """Go on training on the retained records, so that the forgotten ones fade."""

    name = "fine-tune"
    reference = "Golatkar et al., CVPR 2020; Jia et al., NeurIPS 2023"

    epochs: int = Field(10, ge=1, description="passes over the retained records; 10 in Unlearn-Sparse")
    learning_rate: float | None = Field(
        None, gt=0, description="None for the recipe's own; 0.01 with SGD in Unlearn-Sparse"
    )
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="None for the recipe's own")

    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield one phase on the retained records."""
        from unlearn_audit.unlearning.networks import losses

        stream = Stream(task.retain, losses.of_labels, task.batch_size)
        rate = self.learning_rate or task.learning_rate
        yield Phase((stream,), task.optimizer(self.optimizer), rate, task.weight_decay, self.epochs)

    _or_else = f" or an {' or '.join(kind.__name__ for kind in BY_GRADIENTS)} with partial_fit"

    def goes_on_fitting(self, model: Any) -> bool:
        """Return whether a model is fitted by gradients and has ``partial_fit``."""
        return isinstance(model, BY_GRADIENTS) and hasattr(model, "partial_fit")

    def fit_on(self, model: Any, X: Any, y: Any, seed: int) -> None:
        """Pass over the retained records, in a new order each time."""
        rng = np.random.default_rng(seed)
        for _ in range(self.epochs):
            order = rng.permutation(len(y))
            model.partial_fit(take(X, order), y[order])
