"""How many parameters a trained model has, where its kind is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from unlearn_audit.models.cart.model import CartModel
from unlearn_audit.models.steps import is_network, last_step

_FITTED = ("coef_", "intercept_", "coefs_", "intercepts_", "theta_", "var_", "class_prior_")
"""Arrays that linear models, perceptrons and naive Bayes of scikit-learn learn."""


def count_parameters(model: Any) -> int | None:
    """Return how many numbers a trained classifier learned; of a pipeline, its last step.

    Of a network they are its weights, of a linear model its coefficients, and of trees two for each split (a column and
    a threshold) and one for each class in each leaf. Ensembles are the sum of their parts.

    Returns
    -------
    int or None
        None for a kind of model that is not known here.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]], [0, 0, 1]
    >>> count_parameters(LogisticRegression().fit(X, y)), count_parameters(DecisionTreeClassifier().fit(X, y))
    (3, 6)
    """
    try:
        last = last_step(model)
        if is_network(last):
            return sum(int(weights.numel()) for weights in last.module_.parameters())
        if isinstance(last, CartModel):
            return last.n_parameters
        counted = (count(last) for count in (_of_tree, _of_ensemble, _of_arrays))
        return next((found for found in counted if found is not None), None)
    except Exception:  # noqa: BLE001 - a model of other people's may do anything where it is looked at; no audit ends by it
        return None


def _of_tree(model: Any) -> int | None:
    tree = getattr(model, "tree_", None)
    if tree is None:
        return None
    leaves = int(tree.n_leaves)
    return 2 * (int(tree.node_count) - leaves) + leaves * int(np.sum(tree.n_classes))


def _of_ensemble(model: Any) -> int | None:
    parts = getattr(model, "estimators_", None)
    if parts is None:
        return None
    return _sum(count_parameters(part) for part in (parts.ravel() if isinstance(parts, np.ndarray) else parts))


def _of_arrays(model: Any) -> int | None:
    found = [getattr(model, name) for name in _FITTED if getattr(model, name, None) is not None]
    return sum(np.size(array) for of in found for array in (of if isinstance(of, list) else [of])) or None


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
