"""Whether trees that are grown here are scikit-learn's, looked at before the first use and during every use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models.cart import CartModel, CartSettings, grow_model, grow_versions
from unlearn_audit.models.cart.bootstraps import Bootstraps, seeds_of
from unlearn_audit.models.cart.place import is_compiled
from unlearn_audit.models.source import ModelSource
from unlearn_audit.utils.typing import Positions

INSTEAD = "forests and trees were trained one by one: {}"
"""What is said where these trees are not used though numba is installed."""

OTHER_BITS = "compiled trees differ from those of this scikit-learn"

_ASKED = 50


def is_installed() -> bool:
    """Return whether numba is there, without importing it."""
    try:
        return find_spec("numba") is not None
    except ImportError:
        return False


def are_to_be_compiled(sources: Iterable[ModelSource]) -> bool:
    """Return whether the first training of some sources has to wait until trees are compiled."""
    if not is_installed() or is_compiled():
        return False
    return any(CartSettings.of(source.make(seed=0)) is not None for source in sources)


@lru_cache(maxsize=1)
def why_not() -> str | None:
    """Return why trees cannot be grown here, as a sentence; None if they can, and small ones are scikit-learn's."""
    try:
        same = all(_is_same(estimator, k) for estimator, k in _SMALL)
    except Exception as error:  # noqa: BLE001 - another numba may refuse what this one compiles, in any way
        return INSTEAD.format(f"numba cannot compile them ({type(error).__name__})")
    return None if same else INSTEAD.format(OTHER_BITS)


_SMALL = (
    (RandomForestClassifier(4, min_samples_leaf=3, random_state=5), 2),
    (RandomForestClassifier(3, random_state=1), 3),
    (DecisionTreeClassifier(criterion="entropy", random_state=2), 2),
    (DecisionTreeClassifier(max_leaf_nodes=12, random_state=3), 3),
)


def _is_same(estimator: Any, k: int) -> bool:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 5))
    X[:, 1] = X[:, 1].round()
    X[:, 2] = 1 + rng.integers(0, 12, size=70) * 6e-8
    y = np.digitize(X[:, 0] + X[:, 1] ** 2 + rng.normal(size=70) / 2, np.arange(1, k))
    training = np.arange(60)
    versions = [np.arange(1, 60), np.r_[0:9, 59, 10:59], np.r_[0:60, 60:64]]
    settings, seed = CartSettings.of(estimator), estimator.random_state
    assert settings is not None
    original = grow_model(settings, X, y, training, seed)
    if original is None:
        return False
    others = grow_versions(settings, X, y, original, training, versions, seed)
    return others is not None and all(
        np.array_equal(model.predict_proba(X), clone(estimator).fit(X[rows], y[rows]).predict_proba(X))
        for model, rows in zip((original, *others), (training, *versions), strict=True)
    )


def some_are_same(estimator: Any, model: CartModel, X: Any, y: npt.NDArray[Any], training: Positions) -> bool:
    """Return whether a tree of a model answers as the same tree of scikit-learn, which is grown for it.

    Parameters
    ----------
    estimator
        What the model was made for, with its seed.
    model
        The model.
    X, y, training
        All records, their labels, and which the model was trained on.
    """
    settings = CartSettings.of(estimator)
    assert settings is not None
    seeds = seeds_of(settings, estimator.random_state)
    t, n = int(training[0]) % len(seeds), len(training)
    shared = set(DecisionTreeClassifier().get_params()) - {"splitter", "class_weight", "random_state"}
    given = {name: value for name, value in estimator.get_params(deep=False).items() if name in shared}
    tree = DecisionTreeClassifier(**given, random_state=seeds[t])
    weights = Bootstraps(settings).times(seeds[t], [n])[0].astype(float)
    tree.fit(X[training], y[training], sample_weight=weights if settings.bootstrap else None)
    asked = X[training[:: max(1, n // _ASKED)]]
    return np.array_equal(model.tree(t).predict_proba(asked), tree.predict_proba(asked))
