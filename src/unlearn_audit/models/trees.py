"""Trees and forests of scikit-learn, asked without the cost that their own ``predict_proba`` has on few records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from unlearn_audit.models.cart.kernel.arrays import Grown
from unlearn_audit.models.cart.model import CartModel
from unlearn_audit.models.float32 import as_float32

TREES = (DecisionTreeClassifier, ExtraTreeClassifier)
FORESTS = (RandomForestClassifier, ExtraTreesClassifier)


def answers_by_record(model: Any) -> bool:
    """Return whether a model's answer on a record has the same bits whatever else is asked with it."""
    return isinstance(model, CartModel) or (type(model) in TREES + FORESTS and getattr(model, "n_outputs_", 0) == 1)


def tree_posteriors(model: Any, X: Any) -> npt.NDArray[np.float64] | None:
    """Return (m, k) posteriors with the bits of ``predict_proba``, or None for what is no tree or forest on numbers.

    A forest's own way starts a task a tree, which for a hundred records takes longer than the trees do.
    """
    if (
        type(model) not in TREES + FORESTS
        or not answers_by_record(model)
        or not isinstance(X, np.ndarray)
        or X.dtype.kind not in "fiub"
    ):
        return None
    numbers = as_float32(X)
    if X.shape[1:] != (model.n_features_in_,) or not np.isfinite(numbers).all():
        return None
    if type(model) in TREES:
        return np.asarray(model.tree_.predict(numbers)[:, : model.n_classes_])
    return mean_of([tree.tree_ for tree in model.estimators_], numbers)


@dataclass(frozen=True)
class Trees:
    """The grown trees of a forest, scikit-learn's own.

    Attributes
    ----------
    trees
        Each as it was built.
    """

    trees: Sequence[Any]

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return (m, k) mean shares of each class in the leaves that a row falls into."""
        return mean_of(self.trees, X)

    @cached_property
    def grown(self) -> Grown:
        """All trees, one after another; no versions can be made of them."""
        sizes = [tree.node_count for tree in self.trees]
        feature = np.concatenate([tree.feature for tree in self.trees]).astype(np.int32)
        leaves = feature < 0
        right = np.concatenate([tree.children_right for tree in self.trees])
        return Grown(
            np.cumsum([0, *sizes], dtype=np.int64),
            feature,
            np.concatenate([tree.threshold for tree in self.trees]),
            np.where(leaves, np.cumsum(leaves) - 1, right).astype(np.int32),
            np.zeros(0, dtype=np.int32),
            np.concatenate([tree.value[:, 0] for tree in self.trees])[leaves],
        )


def mean_of(trees: Sequence[Any], X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return (m, k) mean shares of each class in the leaves of grown trees that a row falls into."""
    rows = as_float32(X)
    total = np.zeros((len(rows), int(trees[0].n_classes[0])))
    for tree in trees:
        total += tree.predict(rows)
    total /= len(trees)
    return total
