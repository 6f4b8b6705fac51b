"""Every bit of the attacks' perceptron is that of scikit-learn's."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from unlearn_audit.attacks.learned.perceptron import Perceptron
from unlearn_audit.utils.threads import one_thread

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def table(seed, rows, features, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features)).astype(dtype)
    if seed % 3 == 0:
        X = X.round()
    return X, X[:, 0] + rng.choice([0.1, 1, 3]) * rng.normal(size=rows) > rng.choice([0, 1])


@pytest.mark.parametrize(
    ("seed", "rows", "features", "dtype"),
    [
        (0, 400, 10, np.float64),
        (1, 23, 1, np.float64),
        (2, 1201, 30, np.float64),
        (3, 222, 3, np.float64),
        (4, 400, 4, np.float32),
        (5, 12, 2, np.float64),
        (6, 9, 2, np.float64),
        (7, 2000, 2, np.float64),
    ],
)
def test_it_is_that_of_scikit_learn(seed, rows, features, dtype):
    X, y = table(seed, rows, features, dtype)
    asked = np.random.default_rng(seed).normal(size=(300, features)).astype(dtype)
    stops = rows >= 11 and min(y.sum(), (~y).sum()) >= 2
    with one_thread():
        ours = Perceptron(random_state=seed).fit(X, y).predict_proba(asked)
        other = MLPClassifier(early_stopping=bool(stops), learning_rate_init=0.01, random_state=seed).fit(X, y)
    assert np.array_equal(ours, other.predict_proba(asked))


def test_one_row_of_an_answer_is_never_held_out():
    X, y = table(1, 100, 3)
    y = np.arange(100) == 7
    with one_thread():
        ours = Perceptron(random_state=0).fit(X, y).predict_proba(X)
        other = MLPClassifier(learning_rate_init=0.01, random_state=0).fit(X, y)
    assert np.array_equal(ours, other.predict_proba(X))


def test_what_is_not_finite_is_refused():
    X, y = table(1, 100, 3)
    fitted = Perceptron(random_state=0).fit(X, y)
    X[3, 1] = np.nan
    for refused in (lambda: Perceptron(random_state=0).fit(X, y), lambda: fitted.predict_proba(X)):
        with pytest.raises(ValueError, match="finite"):
            refused()
