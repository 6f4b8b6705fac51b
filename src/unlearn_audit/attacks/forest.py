"""scikit-learn's random forest for two classes, grown by its own trees without what it does around each of them.

An attack fits forests of hundreds of small trees on a few hundred rows; most of that time goes into copying, checking
and cloning, tree by tree. Here the compiled builder of scikit-learn is called directly, with the random states that its
forest would draw, so that posteriors are the same bits. The builder is no public interface: before the first use a
small forest is grown both ways, and where they differ or the builder takes other arguments, scikit-learn's is used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

Array = npt.NDArray[np.float64]

_MOST = np.iinfo(np.int32).max


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
        if builder_is_known():
            self.trees_: list[Any] | None = _grow(self, X, y)
        else:
            self.trees_, self.forest_ = None, as_scikit_learn(self).fit(X, y)
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return (n, 2) mean shares of either answer in the leaves that a row falls into."""
        if self.trees_ is None:
            return np.asarray(self.forest_.predict_proba(X))
        rows = _float32(X)
        total = np.zeros((len(rows), 2))
        for tree in self.trees_:
            total += tree.predict(rows)
        total /= len(self.trees_)
        return total


def as_scikit_learn(forest: Forest) -> RandomForestClassifier:
    """Return the forest that is grown, as scikit-learn's own."""
    return RandomForestClassifier(
        forest.n_estimators,
        min_samples_leaf=forest.min_samples_leaf,
        random_state=forest.random_state,
        class_weight="balanced" if forest.balanced else None,
    )


@lru_cache(maxsize=1)
def builder_is_known() -> bool:
    """Return whether this version of scikit-learn grows the same trees when its builder is called directly."""
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = X[:, 0] + X[:, 1] ** 2 > 0.5
    for forest in (Forest(3, min_samples_leaf=2, random_state=5, balanced=of) for of in (False, True)):
        try:
            forest.trees_ = _grow(forest, X, y)
        except (ImportError, TypeError, ValueError):  # another version's module, arguments or types
            return False
        if not np.array_equal(forest.predict_proba(X), as_scikit_learn(forest).fit(X, y).predict_proba(X)):
            return False
    return True


def _grow(forest: Forest, X: Array, y: npt.NDArray[np.bool_]) -> list[Any]:
    """Return scikit-learn's trees, each on its own draw of rows."""
    from sklearn.tree._criterion import Gini
    from sklearn.tree._splitter import BestSplitter
    from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

    rows, (n, width) = _float32(X), np.shape(X)
    answers = np.ascontiguousarray(np.asarray(y, dtype=np.float64)[:, None])
    weights = None
    if forest.balanced:
        counts = np.bincount(np.asarray(y, dtype=np.intp), minlength=2)
        each = (n / (2 * counts))[np.asarray(y, dtype=np.intp)]
        weights = each / each.sum()
    classes = np.array([2], dtype=np.intp)
    tried, leaf = max(1, int(np.sqrt(width))), forest.min_samples_leaf
    draw = np.random.RandomState(forest.random_state)
    trees = []
    for seed in [draw.randint(_MOST) for _ in range(forest.n_estimators)]:
        random = np.random.RandomState(seed)
        drawn = random.randint(0, n, n) if weights is None else random.choice(n, n, replace=True, p=weights)
        times = np.bincount(drawn, minlength=n).astype(np.float64)
        splitter = BestSplitter(Gini(1, classes), tried, leaf, 0.0, np.random.RandomState(seed), None)
        tree = Tree(width, classes, 1)
        DepthFirstTreeBuilder(splitter, 2 * leaf, leaf, 0.0, _MOST, 0.0).build(tree, rows, answers, times, None)
        trees.append(tree)
    return trees


def _float32(X: Array) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(X, dtype=np.float32)
