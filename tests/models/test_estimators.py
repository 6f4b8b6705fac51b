"""Our classifiers are estimators of scikit-learn's kind: copied, asked and set like its own, and by its own checks."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification
from sklearn.utils.estimator_checks import parametrize_with_checks

from unlearn_audit.models.ridge import SoftRidgeClassifier
from unlearn_audit.models.zoo import MODELS

torch = pytest.importorskip("torch")


class Linear(torch.nn.Linear):
    """A class, whose text is the same in every process that runs tests."""

    def __init__(self, n_features, n_classes):
        super().__init__(n_features, n_classes)


def network(**settings):
    from unlearn_audit.models.networks import TorchClassifier

    return TorchClassifier(Linear, **settings)


@parametrize_with_checks(
    [SoftRidgeClassifier(), network(epochs=20, batch_size=5, learning_rate=0.1, random_state=0)], legacy=True
)
@pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.training.TrainingWarning")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def told(estimator):
    """The parameters of an estimator, with those of its parts, as text where they are estimators themselves."""
    return {name: repr(value) for name, value in estimator.get_params(deep=True).items()}


@pytest.mark.parametrize("name", MODELS)
def test_every_named_model_is_copied_with_all_its_parameters(name):
    try:
        made = MODELS[name]()
    except ImportError as error:
        pytest.skip(str(error))
    assert isinstance(made, BaseEstimator)
    copy = clone(made)
    assert copy is not made
    assert told(copy) == told(made)
    assert told(copy.set_params(**made.get_params(deep=False))) == told(made)


@pytest.mark.parametrize(
    "made", [SoftRidgeClassifier(alpha=3.0, fit_intercept=False), network(epochs=20, batch_size=8, learning_rate=0.05)]
)
def test_a_copy_of_a_fitted_one_is_unfitted_and_fits_the_same(made):
    X, y = make_classification(60, random_state=0)
    fitted = clone(made)
    if "random_state" in made.get_params():
        fitted.set_params(random_state=0)
    answers = fitted.fit(X, y).predict_proba(X)
    copy = clone(fitted)
    assert not hasattr(copy, "classes_")
    assert np.array_equal(copy.fit(X, y).predict_proba(X), answers)
