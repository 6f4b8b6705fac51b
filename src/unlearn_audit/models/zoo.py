"""The models of the paper for tables (Chen et al., CCS 2021), by name.

Differences from the paper's code are stated here, each with its reason: a model keeps the
standardisation of its own training data when it is queried; logistic regression is solved to its
optimum, since the error that default tolerances leave exceeds the effect of one deletion; and the
perceptron gets standardised inputs, without which it hardly learns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier


def logistic_regression() -> Any:
    """One L2-regularised binary regression a class, on standardised features, solved to the optimum."""
    binary = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=400)
    return make_pipeline(StandardScaler(), OneVsRestClassifier(binary))


def decision_tree() -> Any:
    """A tree of 10 leaves."""
    return DecisionTreeClassifier(max_leaf_nodes=10, random_state=0)


def decision_tree_full() -> Any:
    """A tree grown until its leaves are pure."""
    return DecisionTreeClassifier(random_state=0)


def random_forest() -> Any:
    """A forest of 500 trees with at least 30 records a leaf."""
    return RandomForestClassifier(n_estimators=500, min_samples_leaf=30, random_state=0)


def random_forest_100() -> Any:
    """A forest of 100 trees grown until their leaves are pure: scikit-learn's default."""
    return RandomForestClassifier(n_estimators=100, random_state=0)


def mlp() -> Any:
    """One hidden layer of 100 on standardised features, stopped early on a tenth of the records."""
    network = MLPClassifier(early_stopping=True, learning_rate_init=0.01, random_state=0)
    return make_pipeline(StandardScaler(), network)


MODELS: dict[str, Callable[[], Any]] = {
    "logistic-regression": logistic_regression,
    "decision-tree": decision_tree,
    "decision-tree-full": decision_tree_full,
    "random-forest": random_forest,
    "random-forest-100": random_forest_100,
    "mlp": mlp,
}
"""Name to a function that makes the unfitted model."""
