"""Which trainer a model gets; that each trains as the plain one does is shown beside the models."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning.trainers import TRAINERS, trainers_for
from unlearn_audit.worlds.from_arrays import prepare_arrays


@pytest.fixture
def data():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return prepare_arrays(X, (X[:, 0] > 0).astype(int), None, "made", 0).data


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (DecisionTreeClassifier(), ["TreeTrainer", "PlainTrainer"]),
        (DecisionTreeClassifier(class_weight="balanced"), ["PlainTrainer"]),
        (LogisticRegression(tol=1e-8), ["LogisticTrainer", "PlainTrainer"]),
        (LogisticRegression(), ["PlainTrainer"]),
        ("torch-mlp", ["NetworkTrainer", "PlainTrainer"]),
    ],
)
def test_a_model_is_trained_by_the_first_that_can(model, names, data):
    if model == "torch-mlp":
        pytest.importorskip("torch")
    if "TreeTrainer" in names:
        pytest.importorskip("numba")
    source = resolve_model(model)
    assert [type(t).__name__ for t in trainers_for(source, data, Regime.SAME_SEED)] == names
    (plain,) = trainers_for(source, data, Regime.SAME_SEED, plain=True)
    assert plain.key is None


def test_the_last_trains_any_model_and_keys_name_the_others(data):
    source = resolve_model(LogisticRegression(tol=1e-8))
    solved, plain = trainers_for(source, data, Regime.SAME_SEED)
    assert isinstance(plain, TRAINERS[-1])
    assert (solved.key, plain.key) == ("logistic/4", None)
