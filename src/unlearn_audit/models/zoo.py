"""The models of the paper (Chen et al., CCS 2021) and some beyond it, by name.

Differences from the paper's code are stated here, each with its reason: a model keeps the
standardisation of its own training data when it is queried; logistic regression is solved to its
optimum, since the error that default tolerances leave exceeds the effect of one deletion; and the
perceptron gets standardised inputs, without which it hardly learns.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.errors import missing_extra
from unlearn_audit.models.ridge import SoftRidgeClassifier


def logistic_regression() -> Any:
    """One L2-regularised binary regression a class, on standardised features, solved to the optimum."""
    binary = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=400)
    return make_pipeline(StandardScaler(), OneVsRestClassifier(binary))


def ridge() -> Any:
    """Ridge regression on standardised features, with the softmax of its decision values as posterior."""
    return make_pipeline(StandardScaler(), SoftRidgeClassifier())


def naive_bayes() -> Any:
    """Gaussian naive Bayes."""
    return GaussianNB()


def decision_tree() -> Any:
    """A tree of 10 leaves."""
    return DecisionTreeClassifier(max_leaf_nodes=10, random_state=0)


def decision_tree_full() -> Any:
    """A tree grown until its leaves are pure."""
    return DecisionTreeClassifier(random_state=0)


def random_forest() -> Any:
    """A forest of 500 trees with at least 30 records a leaf."""
    return RandomForestClassifier(n_estimators=500, min_samples_leaf=30, random_state=0)


def random_forest_accelerated() -> Any:
    """A forest of 500 trees with at least 30 records a leaf, by scikit-learn-intelex; see `accelerated`."""
    if importlib.util.find_spec("sklearnex") is None:
        raise missing_extra("model random-forest-accelerated", "scikit-learn-intelex", "accelerate")
    from unlearn_audit.models.accelerated import AcceleratedForest

    return AcceleratedForest(n_estimators=500, min_samples_leaf=30, random_state=0, n_jobs=1)


def random_forest_100() -> Any:
    """A forest of 100 trees grown until their leaves are pure: scikit-learn's default."""
    return RandomForestClassifier(n_estimators=100, random_state=0)


def mlp() -> Any:
    """One hidden layer of 100 on standardised features, stopped early on a tenth of the records."""
    network = MLPClassifier(early_stopping=True, learning_rate_init=0.01, random_state=0)
    return make_pipeline(StandardScaler(), network)


def torch_logistic_regression() -> Any:
    """Softmax regression on standardised features, trained by Adam."""
    return _network("torch-logistic-regression", "logistic_regression", learning_rate=0.01)


def torch_mlp() -> Any:
    """Hidden layers of 256, 128, 64 and 32 on standardised features, trained by Adam."""
    return _network("torch-mlp", "mlp")


def simple_cnn() -> Any:
    """Two convolutions and two linear layers on images, trained by Adam."""
    return _network("simple-cnn", "simple_cnn")


def resnet50() -> Any:
    """A ResNet of 50 layers on images, trained by Adam from scratch."""
    return _network("resnet50", "resnet50")


def densenet121() -> Any:
    """A DenseNet of 121 layers on images, trained by Adam from scratch."""
    return _network("densenet121", "densenet121")


def require_torch(name: str) -> None:
    """Raise an `AuditError` if the model of this name cannot be had for want of PyTorch."""
    if importlib.util.find_spec("torch") is None:
        raise missing_extra(f"model {name}", "PyTorch", "torch")


def _network(name: str, module: str, **settings: Any) -> Any:
    """Return a network's classifier, of 20 epochs; PyTorch is imported here and not before."""
    require_torch(name)
    from unlearn_audit.models.networks import modules, network_classifier

    return network_classifier(getattr(modules, module), epochs=20, **settings)


MODELS: dict[str, Callable[[], Any]] = {
    "logistic-regression": logistic_regression,
    "ridge": ridge,
    "naive-bayes": naive_bayes,
    "decision-tree": decision_tree,
    "decision-tree-full": decision_tree_full,
    "random-forest": random_forest,
    "random-forest-100": random_forest_100,
    "random-forest-accelerated": random_forest_accelerated,
    "mlp": mlp,
    "torch-logistic-regression": torch_logistic_regression,
    "torch-mlp": torch_mlp,
    "simple-cnn": simple_cnn,
    "resnet50": resnet50,
    "densenet121": densenet121,
}
"""Name to a function that makes the unfitted model."""
