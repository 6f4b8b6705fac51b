"""A weak attack that others report: a classifier on one model's outputs, for all records alike.

It is that of Kurmanji et al. ("Towards Unbounded Machine Unlearning", NeurIPS 2023) and its likes: a logistic
regression on the loss of the unlearned model. It misses what a record's own history tells, so that a value near a half
says little (Hayes et al., SaTML 2025).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.learned.standardised import Standardised
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import loss, margin
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class Population(Attack):
    """A logistic regression on the loss and the margin that the unlearned model leaves, and its sorted posterior."""

    model_: Any = field(default=None, repr=False, compare=False)

    name = "population-unlearned"
    view = "unlearned"
    probabilistic = True
    fits_on_a_sample = True

    def fit(self, shadow: LabelledView, seed: int) -> Self:
        """Return a fitted copy."""
        model = Standardised(LogisticRegression(max_iter=1000, random_state=seed))
        return replace(self, model_=model.fit(_outputs(shadow.view), shadow.positive))

    def score(self, target: View) -> Array:
        """Return (n,) probabilities of being positive."""
        return np.asarray(self.model_.predict_proba(_outputs(target))[:, 1], dtype=np.float64)


def _outputs(view: View) -> Array:
    phi = margin(view.posteriors[:, 0], view.labels)
    return np.column_stack([loss(phi), phi, np.sort(view.posteriors[:, 0], axis=1)])


ATTACKS = (Population(),)
