"""The paper's attack: a binary classifier on one feature, fitted on the attacker's own worlds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.learned.features import (
    CLASSICAL,
    DIFFERENCES,
    FEATURES,
    SEQUENCE,
    feature_view,
    shows_labels,
)
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.attacks.learned.perceptron import Perceptron
from unlearn_audit.attacks.learned.standardised import Standardised
from unlearn_audit.observations.views import LabelledView, View, ViewName

ATTACK_MODELS: dict[str, Callable[[int], Any]] = {
    "logistic-regression": lambda seed: Standardised(LogisticRegression(max_iter=400, random_state=seed)),
    "decision-tree": lambda seed: DecisionTreeClassifier(max_leaf_nodes=10, random_state=seed),
    "random-forest": lambda seed: Forest(500, min_samples_leaf=30, random_state=seed),
    "mlp": lambda seed: Standardised(Perceptron(random_state=seed)),
}
"""The paper's four attack models; features are standardised on the shadow rows where scale matters."""


@dataclass(frozen=True)
class LearnedAttack(Attack):
    """A classifier on a feature.

    Attributes
    ----------
    name
        The feature, a key of `FEATURES`.
    attack_model
        The classifier, a key of `ATTACK_MODELS`.

    Examples
    --------
    >>> LearnedAttack("classical", "mlp").view
    'original'
    """

    name: str
    attack_model: str = field()
    model_: Any = field(default=None, repr=False, compare=False)
    view: ViewName = field(init=False, repr=False, compare=False)
    reads_labels: bool = field(init=False, repr=False, compare=False)
    silent_without_change: bool = field(init=False, repr=False, compare=False)

    needs = frozenset()
    probabilistic = True
    fits_on_a_sample = True

    def __post_init__(self) -> None:
        """Derive from the feature what it sees, and whether it is a difference of versions."""
        object.__setattr__(self, "view", feature_view(self.name))
        object.__setattr__(self, "reads_labels", shows_labels(self.name))
        object.__setattr__(self, "silent_without_change", self.name.removesuffix(SEQUENCE) in DIFFERENCES)

    def fit(self, shadow: LabelledView, seed: int) -> Self:
        """Return a fitted copy."""
        model = ATTACK_MODELS[self.attack_model](seed)
        with warnings.catch_warnings():
            # an attack model that stopped at its last step is a weaker attack, not a wrong number
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(FEATURES[self.name](shadow.view), shadow.positive)
        return type(self)(self.name, self.attack_model, model)

    def score(self, target: View) -> npt.NDArray[np.float64]:
        """Return (n,) probabilities of being positive."""
        proba = self.model_.predict_proba(FEATURES[self.name](target))
        return np.asarray(proba[:, 1], dtype=np.float64)


def learned_attacks(
    features: Sequence[str], attack_models: Iterable[str], views: Iterable[str] = ("pair",)
) -> list[LearnedAttack]:
    """Return every feature of every view with every attack model, and the classical attacks of each attack model."""
    ends = {"pair": "", "sequence": SEQUENCE}
    names = [*(name + ends[view] for view in views for name in features), *CLASSICAL]
    return [LearnedAttack(name, attack_model) for name in names for attack_model in attack_models]
