"""The random forest of the attacks: scikit-learn's for two classes, grown without its `fit` where that can be."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.learned.lookup import Lookup, can_look_up
from unlearn_audit.models.cart import CartModel
from unlearn_audit.models.cart.forests import compiled_forest
from unlearn_audit.models.float32 import as_float32
from unlearn_audit.models.forest import Growth, grow_trees
from unlearn_audit.models.trees import Trees
from unlearn_audit.utils.typing import Array, Integers


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
        self.lookup_: Lookup | None = None
        self.model_ = _grown(X, np.asarray(y, dtype=np.int64), self.growth) or self.growth.estimator().fit(X, y)
        return self

    @property
    def growth(self) -> Growth:
        """How it is grown."""
        return Growth(self.n_estimators, self.min_samples_leaf, self.random_state, self.balanced)

    def predict_proba(self, X: Array) -> Array:
        """Return (n, 2) mean shares of either answer in the leaves that a row falls into."""
        model = self.model_
        if isinstance(model, CartModel | Trees) and can_look_up(model, len(X)):
            if self.lookup_ is None:  # made once for all blocks of rows
                self.lookup_ = Lookup.of(model.grown, X.shape[1])
            return self.lookup_.mean(as_float32(X))
        return np.asarray(model.predict_proba(X))


def _grown(X: Array, codes: Integers, growth: Growth) -> CartModel | Trees | None:
    """Return a forest that is grown without scikit-learn's ``fit``, None where that cannot be."""
    compiled = compiled_forest(X, codes, growth)
    if compiled is not None:
        return compiled
    trees = grow_trees(X, codes, 2, growth)
    return None if trees is None else Trees(trees)
