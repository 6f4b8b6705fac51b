"""The random forest of the attacks: scikit-learn's for two classes, grown by `unlearn_audit.models.forest`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from unlearn_audit.attacks.learned.lookup import can_look_up, mean_by_lookup
from unlearn_audit.models.float32 import as_float32
from unlearn_audit.models.forest import Growth, grow_trees
from unlearn_audit.models.trees import mean_of
from unlearn_audit.utils.typing import Array


class Forest:
    """A random forest on finite features and boolean answers, of which both occur.

    Parameters
    ----------
    n_estimators, min_samples_leaf, random_state
        As of ``RandomForestClassifier``.
    balanced
        Whether both answers weigh the same, as with ``class_weight="balanced"``.

    Examples
    --------
    >>> X, y = np.arange(40.0)[:, None], np.arange(40) >= 20
    >>> Forest(10, min_samples_leaf=2, random_state=0).fit(X, y).predict_proba(X[[0, 39]])[:, 1].tolist()
    [0.0, 1.0]
    """

    def __init__(self, n_estimators: int, *, min_samples_leaf: int, random_state: int, balanced: bool = False) -> None:
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state
        self.balanced = balanced

    def fit(self, X: Array, y: npt.NDArray[np.bool_]) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X
            (n, features) finite numbers.
        y
            (n,) answers.
        """
        growth = Growth(self.n_estimators, self.min_samples_leaf, self.random_state, self.balanced)
        self.trees_: list[Any] | None = grow_trees(X, np.asarray(y, dtype=np.intp), 2, growth)
        if self.trees_ is None:
            self.forest_ = as_scikit_learn(self).fit(X, y)
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return (n, 2) mean shares of either answer in the leaves that a row falls into."""
        if self.trees_ is None:
            return np.asarray(self.forest_.predict_proba(X))
        look_up = can_look_up(self.trees_, len(X))
        return mean_by_lookup(self.trees_, as_float32(X)) if look_up else mean_of(self.trees_, X)


def as_scikit_learn(forest: Forest) -> RandomForestClassifier:
    """Return the forest that is grown, as scikit-learn's own."""
    return RandomForestClassifier(
        forest.n_estimators,
        min_samples_leaf=forest.min_samples_leaf,
        random_state=forest.random_state,
        class_weight="balanced" if forest.balanced else None,
    )
