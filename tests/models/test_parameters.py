"""How many parameters each kind of model has, against counts by hand."""

import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from unlearn_audit.models import resolve_model
from unlearn_audit.models.parameters import count_parameters


@pytest.fixture(scope="module")
def data():
    return load_breast_cancer(return_X_y=True)  # 30 features, 2 classes


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("logistic-regression", 31),
        ("ridge", 31),
        ("naive-bayes", 2 * 30 * 2 + 2),
        ("mlp", 30 * 100 + 100 + 100 + 1),
        ("decision-tree", 2 * 9 + 10 * 2),
    ],
)
def test_counts_by_hand(model, parameters, data):
    fitted = resolve_model(model).make(seed=0).fit(*data)
    assert count_parameters(fitted) == parameters


def test_an_ensemble_is_the_sum_of_its_parts(data):
    forest = RandomForestClassifier(5, random_state=0).fit(*data)
    assert count_parameters(forest) == sum(count_parameters(tree) for tree in forest.estimators_) > 0
    assert count_parameters(GradientBoostingClassifier(n_estimators=3).fit(*data)) > 0


def test_a_network_has_its_weights():
    pytest.importorskip("torch")
    X, y = load_digits(return_X_y=True)
    network = resolve_model("torch-logistic-regression").make(seed=0).fit(X[:200], y[:200])
    assert count_parameters(network) == 64 * 10 + 10


class Hostile:
    """Raises whenever it is looked at."""

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.mark.parametrize("make", [KNeighborsClassifier, object, Hostile])
def test_of_other_kinds_it_is_not_known(make):
    assert count_parameters(make()) is None
