"""scikit-learn's random forest, grown by its own trees without what it does around each of them.

**Private interfaces of scikit-learn are used in this file and in no other**, but for one that a perceptron overrides.

An audit grows hundreds of forests of hundreds of small trees; more than half of that time goes into copying, checking
and cloning, tree by tree. Here the compiled builder of scikit-learn is called directly, with the random states that its
forest would draw, so that every tree has the same bits. The builder is no public interface: before the first use small
forests are grown both ways, and where they differ or the builder takes other arguments, scikit-learn's own way is used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models.float32 import as_float32
from unlearn_audit.models.trees import mean_of
from unlearn_audit.utils.threads import threads_for_trees
from unlearn_audit.utils.typing import Array, Integers

_MOST = np.iinfo(np.int32).max
_FREE = ("n_estimators", "min_samples_leaf", "random_state", "n_jobs")
"""Parameters that a forest grown here may have at will; the others are scikit-learn's defaults."""

_OF_THREAD = threading.local()


def fit_forest(model: Any, X: Any, y: npt.NDArray[Any]) -> bool:
    """Fit a random forest as its own ``fit`` would, and return True; or leave it alone and return False.

    Parameters
    ----------
    model
        Anything; only a ``RandomForestClassifier`` on the parameters that are known here is fitted.
    X
        (n, features) records; finite numbers in an array, or the model is left alone.
    y
        (n,) labels.
    """
    if not (_can_be_grown(model) and isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and X.ndim == 2):
        return False
    with np.errstate(over="ignore"):
        rows = as_float32(X)
    classes, codes = np.unique(y, return_inverse=True)
    if 0 in X.shape or len(classes) < 2 or not np.isfinite(rows).all():
        return False
    growth = Growth(model.n_estimators, model.min_samples_leaf, model.random_state)
    trees = grow_trees(rows, codes, len(classes), growth, threads_for_trees())
    if trees is None:
        return False
    _settle(model, trees, classes, X.shape)
    return True


@dataclass(frozen=True)
class Growth:
    """How a forest is grown; names and meanings as of ``RandomForestClassifier``, but for ``balanced``.

    Attributes
    ----------
    balanced
        Whether all classes weigh the same, as with ``class_weight="balanced"``.
    """

    n_estimators: int
    min_samples_leaf: int
    random_state: int
    balanced: bool = False

    def estimator(self) -> RandomForestClassifier:
        """Return the forest that is grown, as scikit-learn's own."""
        return RandomForestClassifier(
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            random_state=self.random_state,
            class_weight="balanced" if self.balanced else None,
        )


def grow_trees(
    X: npt.NDArray[Any], codes: npt.NDArray[np.integer[Any]], n_classes: int, growth: Growth, threads: int = 1
) -> list[Any] | None:
    """Return scikit-learn's trees, each on its own draw of rows; None where its builder is not the one known here.

    Parameters
    ----------
    X
        (n, features) finite numbers.
    codes
        (n,) classes, each of 0 to ``n_classes - 1`` at least once.
    n_classes
        How many classes there are.
    growth
        How the forest is grown.
    threads
        In how many threads; they change no bit.
    """
    return _grow(X, codes, n_classes, growth, threads) if builder_is_known() else None


def _grow(
    X: npt.NDArray[Any], codes: npt.NDArray[np.integer[Any]], n_classes: int, growth: Growth, threads: int = 1
) -> list[Any]:
    from sklearn.tree._criterion import Gini
    from sklearn.tree._splitter import BestSplitter
    from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

    rows, (n, width) = as_float32(X), X.shape
    codes = np.asarray(codes, dtype=np.intp)
    answers = np.ascontiguousarray(codes.astype(np.float64)[:, None])
    weights = drawn_shares(codes, n_classes) if growth.balanced else None
    sizes = np.array([n_classes], dtype=np.intp)
    tried, leaf = max(1, int(np.sqrt(width))), growth.min_samples_leaf

    def grow(seed: int) -> Any:
        random = _seeded(seed)
        drawn = random.randint(0, n, n) if weights is None else random.choice(n, n, replace=True, p=weights)
        times = np.bincount(drawn, minlength=n).astype(np.float64)
        splitter = BestSplitter(Gini(1, sizes), tried, leaf, 0.0, _seeded(seed), None)
        tree = Tree(width, sizes, 1)
        DepthFirstTreeBuilder(splitter, 2 * leaf, leaf, 0.0, _MOST, 0.0).build(tree, rows, answers, times, None)
        return tree

    seeds = _seeds(growth.random_state, growth.n_estimators)
    if threads > 1:
        return list(Parallel(n_jobs=threads, prefer="threads")(delayed(grow)(seed) for seed in seeds))
    return [grow(seed) for seed in seeds]


def drawn_shares(codes: npt.NDArray[np.integer[Any]], n_classes: int) -> Array:
    """Return (n,) the probability that a draw is each row, where all classes weigh the same."""
    each = (len(codes) / (n_classes * np.bincount(codes, minlength=n_classes)))[codes]
    return np.asarray(each / each.sum())


def _seeded(seed: int) -> np.random.RandomState:
    """Return this thread's generator, seeded anew.

    It draws as a new ``RandomState(seed)`` does, which first asks the system for entropy, for longer than a small tree
    takes to grow.
    """
    found: np.random.RandomState | None = getattr(_OF_THREAD, "random", None)
    if found is None:
        found = _OF_THREAD.random = np.random.RandomState(seed)
    found.seed(seed)
    return found


def _seeds(random_state: int, n_trees: int) -> list[int]:
    """Return the seed of each tree of a forest."""
    draw = _seeded(random_state)
    return [draw.randint(_MOST) for _ in range(n_trees)]


@lru_cache(maxsize=1)
def builder_is_known() -> bool:
    """Return whether this version of scikit-learn grows the same trees when its builder is called directly."""
    try:
        return is_same(lambda X, codes, growth: mean_of(_grow(X, codes, codes.max() + 1, growth), X))
    except (ImportError, TypeError, ValueError):  # another version's module, arguments or types
        return False


def is_same(answers: Callable[[Array, Integers, Growth], Array | None]) -> bool:
    """Return whether small forests answer as scikit-learn's own.

    Parameters
    ----------
    answers
        What forests, grown on given records and classes, answer on these records; None for nothing.
    """
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[:, 3] = X[:, 3].round()
    two = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
    for codes, balanced in ((two, False), (two, True), (two + (X[:, 2] > 0.5), False)):
        growth = Growth(3, 2, 5, balanced)
        ours = answers(X, codes, growth)
        if ours is None or not np.array_equal(ours, growth.estimator().fit(X, codes).predict_proba(X)):
            return False
    return True


def _can_be_grown(model: Any) -> bool:
    if type(model) is not RandomForestClassifier:
        return False
    given, usual = model.get_params(deep=False), RandomForestClassifier().get_params(deep=False)
    return (
        all(_is_count(given[name]) for name in ("n_estimators", "min_samples_leaf"))
        and isinstance(given["random_state"], int)
        and all(_same(given[name], usual[name]) for name in usual if name not in _FREE)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _same(value: Any, usual: Any) -> bool:
    return type(value) is type(usual) and bool(value == usual)


def _settle(model: RandomForestClassifier, trees: list[Any], classes: npt.NDArray[Any], shape: tuple[int, int]) -> None:
    """Give a forest what its ``fit`` would have left in it, its private attributes too."""
    n, width = shape
    # of these `estimators_samples_` is made
    model._n_samples = model._n_samples_bootstrap = n
    model._sample_weight = None
    model.n_features_in_, model.n_outputs_ = width, 1
    model.classes_, model.n_classes_ = classes, len(classes)
    model.estimator_ = DecisionTreeClassifier()
    model.estimators_ = []
    for tree, seed in zip(trees, _seeds(model.random_state, len(trees)), strict=True):
        one = DecisionTreeClassifier(min_samples_leaf=model.min_samples_leaf, max_features="sqrt", random_state=seed)
        one.n_features_in_, one.n_outputs_, one.max_features_ = width, 1, max(1, int(np.sqrt(width)))
        one.classes_, one.n_classes_ = np.arange(float(len(classes))), len(classes)
        one.tree_ = tree
        model.estimators_.append(one)
