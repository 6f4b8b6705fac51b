"""Logistic regressions solved together, against scikit-learn's solver at a tolerance of 1e-10."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.config import DataConfig
from unlearn_audit.models.logistic import LogisticSettings, factor, optimum, solve, world
from unlearn_audit.worlds.prepare import prepare

TOLERANCE = 1e-5


def estimator(C=1.0, *, standardized=True, one_vs_rest=True, class_weight=None):
    regression = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10, max_iter=1000, class_weight=class_weight)
    last = OneVsRestClassifier(regression) if one_vs_rest else regression
    return make_pipeline(StandardScaler(), last) if standardized else last


def worst_difference(made, X, y, trainings):
    """Return the largest difference of any posterior of any record from scikit-learn's."""
    original, *others = trainings
    changes = [(np.setdiff1d(original, of), np.setdiff1d(of, original)) for of in others]
    solved = solve(LogisticSettings.of(made), X, y, original, changes)
    assert solved is not None
    assert len(solved) == len(trainings)
    return max(
        np.abs(model.predict_proba(X) - made.fit(X[of], y[of]).predict_proba(X)).max()
        for model, of in zip(solved, trainings, strict=True)
    )


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("dataset", ["adult", "us-accidents", "checkins-nyc", "checkins-jakarta"])
def test_real_data_agrees_after_deletions_groups_and_additions(dataset):
    data = prepare(DataConfig(name=dataset), 0).data
    order = np.random.default_rng(0).permutation(len(data.y))
    training, others = order[:600], order[600:]
    changed = [np.delete(training, 3), training[:-60], np.concatenate([training[5:], others[:5]])]
    assert worst_difference(estimator(), data.X, data.y, [training, *changed]) < TOLERANCE


@pytest.fixture(scope="module")
def as_if_large():
    """Have every regression solved as one of thousands of parameters is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimum, "_FEW", 0)
        patch.setattr(factor, "_WHOLE", 0)
        patch.setattr(world, "_MANY", 0)
        patch.setattr(world, "_SMALL", 0)
        yield


# at 1e-10 scikit-learn may find that rounding leaves it no further decrease, and says so
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::scipy.linalg.LinAlgWarning")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_counterexample(data):
    assert worst_difference(*drawn_case(data)) < TOLERANCE


@pytest.mark.usefixtures("as_if_large")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::scipy.linalg.LinAlgWarning")
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_counterexample_as_if_large(data):
    assert worst_difference(*drawn_case(data)) < TOLERANCE


def drawn_case(data):
    """Return an estimator, records, labels and training sets that differ in a record or most."""
    classes = data.draw(st.integers(2, 20))
    d = data.draw(st.integers(1, 30))
    n = data.draw(st.integers(2 * classes + 4, 80))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    X = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-2, 3, size=d)
    y = np.concatenate([np.arange(classes).repeat(2), rng.integers(0, classes, n - 2 * classes)])
    kind = data.draw(st.sampled_from(["plain", "collinear", "constant", "nearly constant", "separable"]))
    if kind == "collinear":
        X = np.hstack([X, X[:, :1] * 3])
    elif kind == "constant":
        X[:, 0] = 7
    elif kind == "nearly constant":
        X[:, 0] = 0
        X[-1, 0] = 1
    elif kind == "separable":
        X[:, 0] = 10 * y
    C = data.draw(st.sampled_from([0.01, 1.0, 100.0]))
    one_vs_rest = data.draw(st.booleans())
    given = {1: 2.0, 0: 0.5} if one_vs_rest else {int(c): 1 + c / 2 for c in range(classes - 1)}
    made = estimator(
        C,
        standardized=data.draw(st.booleans()),
        one_vs_rest=one_vs_rest,
        class_weight=data.draw(st.sampled_from([None, "balanced", given])),
    )
    if not LogisticSettings.of(made).standardized:
        X = X / np.maximum(np.abs(X).max(axis=0), 1e-9)
    training = rng.permutation(n)
    last = training[training != n - 1]
    trainings = [training, last, np.setdiff1d(training, [2 * classes]), np.setdiff1d(training, range(2 * classes, n))]
    return made, X, y, trainings


@pytest.mark.parametrize("left", [4, 8, 20, 60])
@pytest.mark.parametrize("given", ["balanced", {0: 4.0}, None])
def test_where_few_records_stay_the_weights_of_classes_have_changed(left, given):
    """A balanced weight of the few that stay is not that of all, with which the original's Hessian was made."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(71, 1))
        y = np.concatenate([[0, 1, 0, 1], rng.random(67) < rng.uniform(0.2, 0.8)]).astype(int)
        made = estimator(rng.choice([0.01, 1, 100]), standardized=False, one_vs_rest=False, class_weight=given)
        assert worst_difference(made, X, y, [np.arange(71), np.arange(left)]) < TOLERANCE


def test_bits_do_not_depend_on_what_is_solved_beside():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)), rng.integers(0, 3, 300)
    whole = np.arange(300)
    changes = [(whole[j : j + 1], whole[:0]) for j in range(45)]
    of = LogisticSettings.of(estimator())
    many = solve(of, X, y, whole, changes)
    for n in (1, 7, 20, 30):
        for a, b in zip(solve(of, X, y, whole, changes[:n]), many, strict=False):
            assert np.array_equal(a.coefficients, b.coefficients)
            assert np.array_equal(a.intercepts, b.intercepts)


def residual(model, X, y):
    """Return the length of the gradient, in the coordinates that standardise the training set."""
    Z = np.column_stack([(X - model.mean) / model.scale, np.ones(len(X))])
    gradient = Z.T @ (model.predict_proba(X) - np.eye(len(model.classes_))[y])
    gradient[:-1] += model.coefficients / model.settings.C
    return np.linalg.norm(gradient)


@pytest.mark.parametrize("one_vs_rest", [False, True])
def test_bits_and_residuals_as_if_large(as_if_large, one_vs_rest):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)), rng.integers(0, 4, 300)
    whole = np.arange(300)
    changes = [(whole[j : j + 1], whole[:0]) for j in range(25)]
    of = LogisticSettings.of(estimator(one_vs_rest=one_vs_rest))
    many = solve(of, X, y, whole, changes)
    for n in (1, 7, 22):
        for a, b in zip(solve(of, X, y, whole, changes[:n]), many, strict=False):
            assert np.array_equal(a.coefficients, b.coefficients)
            assert np.array_equal(a.intercepts, b.intercepts)
    if not one_vs_rest:  # the probabilities of others are normalised
        assert residual(many[0], X, y) < 1e-8
        assert max(residual(m, np.delete(X, j, 0), np.delete(y, j)) for j, m in enumerate(many[1:])) < 1e-6


def test_a_softmax_regression_of_thousands_of_parameters():
    """scikit-learn's Newton's method takes minutes here, so the optimum is known by its gradient."""
    rng = np.random.default_rng(0)
    X, y = rng.random((400, 210)) < 0.1, np.arange(400) % 12
    X = (X ^ (rng.random((12, 210)) < 0.2)[y]).astype(float)
    whole = np.arange(400)
    changes = [(whole[j : j + 1], whole[:0]) for j in range(5)]
    solved = solve(LogisticSettings.of(estimator(one_vs_rest=False)), X, y, whole, changes)
    assert residual(solved[0], X, y) < 1e-8
    assert max(residual(m, np.delete(X, j, 0), np.delete(y, j)) for j, m in enumerate(solved[1:])) < 1e-6


def test_a_training_set_without_a_class_is_left_to_the_plain_way():
    X = np.arange(12.0)[:, None]
    y = np.array([0] * 6 + [1] * 5 + [2])
    whole = np.arange(12)
    assert solve(LogisticSettings.of(estimator()), X, y, whole, [(whole[-1:], whole[:0])]) is None


@pytest.mark.parametrize(
    "made",
    [
        LogisticRegression(),
        LogisticRegression(tol=1e-8, solver="saga"),
        LogisticRegression(tol=1e-8, fit_intercept=False),
        make_pipeline(StandardScaler(with_mean=False), LogisticRegression(tol=1e-8)),
    ],
    ids=["tolerance", "solver", "intercept", "scaler"],
)
def test_other_estimators_are_left_to_their_own_fit(made):
    assert LogisticSettings.of(made) is None
