"""The Newton removal: its formulas against numbers, its residual against its bound, and what it certifies."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.testing import check_unlearner
from unlearn_audit.unlearning import METHODS, Exactness, Retrain
from unlearn_audit.unlearning.certificate import Certificate, normal_shift
from unlearn_audit.unlearning.closed_form.objective import Objective
from unlearn_audit.worlds import Request

NOBODY = np.arange(0)
SOLVED = LogisticRegression(tol=1e-8)
MODELS = {
    "house": "logistic-regression",
    "softmax": make_pipeline(StandardScaler(), SOLVED),
    "unscaled one-vs-rest": OneVsRestClassifier(SOLVED),
}


def made(n_classes=2, n=160, d=4):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d)) * [1, 3, 1, 0.5] + [0, 5, 0, 0]
    y = (X[:, 0] + rng.normal(size=n) > 0).astype(int) + (X[:, 2] > 0.8) * (n_classes - 2)
    return Dataset("made", X, y, np.arange(n_classes), ("a", "b", "c")[:n_classes], np.arange(n))


def method(model, regime=Regime.FRESH, **options):
    source = resolve_model(model)
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    made_of = METHODS["newton-removal"](**options).unlearner(Retrain(regime, retrain.order))
    return source, made_of


def objective_of(trained):
    rows = trained.training
    return trained.model.objective(trained.data.X[rows], trained.data.y[rows])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("softmax", [False, True])
def test_gradient_and_hessian_are_those_of_the_objective(softmax, n_classes):
    rng = np.random.default_rng(0)
    outputs = 1 if n_classes == 2 else 3
    softmax = softmax and outputs > 1
    codes = rng.integers(n_classes, size=30)
    Y = (codes[:, None] == np.arange(n_classes))[:, -outputs:]
    Z = rng.normal(size=(30, 3))
    of = Objective(Z, Y, 0.7, rng.normal(size=(3, outputs)), softmax)
    W = rng.normal(size=(3, outputs))

    def value(flat):
        return of.value(flat.reshape(W.shape))

    assert np.allclose(of.gradient(W).ravel(), approx_fprime(W.ravel(), value, 1e-7), atol=1e-4)
    direction, h = rng.normal(size=W.shape), 1e-5
    change = (of.gradient(W + h * direction) - of.gradient(W - h * direction)) / (2 * h)
    assert np.allclose(of.newton_step(W, change), direction, atol=1e-6)
    assert np.linalg.norm(of.gradient(of.minimum())) < 1e-9
    # any step leaves less than its bound of what a quadratic would leave none of
    for size in (0.01, 0.3, 3.0):
        step = size * rng.normal(size=W.shape)
        eps = 1e-6
        linear = (of.gradient(W + eps * step) - of.gradient(W - eps * step)) / (2 * eps)
        left = of.gradient(W + step) - of.gradient(W) - linear
        assert np.linalg.norm(left) <= of.taylor_bound(step) + 1e-7


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_residual_stays_under_its_bound_in_a_hundred_random_removals(model, n_classes):
    data = made(n_classes, n=520)
    rng = np.random.default_rng(4)
    for _ in range(4):
        source, removal = method(MODELS[model])
        removal = replace(removal, epsilon=math.inf)  # it never trains again
        now = removal.learn(source, data, np.arange(500), int(rng.integers(1000)))
        bounds = [now.certificate.bound]
        for step in range(25):
            joining = np.array([500 + step // 5]) if step % 5 == 4 else NOBODY
            now = removal.unlearn(now, Request(rng.choice(now.training, 1 + step % 3, replace=False), joining), 7)
            residual = np.linalg.norm(objective_of(now).gradient(now.model.weights))
            assert np.isclose(residual, now.certificate.residual)
            assert residual <= now.certificate.bound
            bounds.append(now.certificate.bound)
            assert now.model.trainings == 0
        # the bound is accumulated, and not so loose that the test above could not fail
        assert (np.diff(bounds) > 0).all()
        assert residual > 1e-4 * bounds[-1]


def test_the_bound_of_short_records_is_below_that_of_the_paper():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(50, 4))
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    of = Objective(Z, rng.random((50, 1)) < 0.5, 1.0, np.zeros((4, 1)), False)
    step = of.newton_step(np.zeros((4, 1)), Z[:1].T)
    published = np.linalg.norm(step) * np.linalg.norm(Z @ step) * np.linalg.norm(Z, 2) / 4
    assert 0 < of.taylor_bound(step) <= published
    # nothing of the kind holds of softmax: one record, and a step along it
    of = Objective(Z[:1], np.eye(3, dtype=bool)[:1], 1.0, np.zeros((4, 3)), True)
    step = np.outer(Z[0], [1.0, -1.0, 0.0])
    published = np.linalg.norm(step) * np.linalg.norm(Z[:1] @ step) / 4
    assert published < of.taylor_bound(step) < 1.5 * published


def test_one_removal_is_the_step_of_the_paper_and_close_to_training_again():
    data = made()
    source, removal = method("logistic-regression")
    original = removal.learn(source, data, np.arange(140), 5)
    ours = removal.unlearn(original, Request(np.array([17]), NOBODY), 5)
    kept, W = objective_of(ours), original.model.weights
    p = 1 / (1 + np.exp(-kept.Z @ W))
    hessian = (kept.Z * p * (1 - p)).T @ kept.Z + np.eye(5)
    z = original.model.objective(data.X[17:18], data.y[17:18])
    expected = W + np.linalg.inv(hessian) @ z.of_records(W)
    assert np.allclose(ours.model.weights, expected, atol=1e-12)
    exact = kept.minimum()
    assert np.linalg.norm(ours.model.weights - exact) < 0.1 * np.linalg.norm(W - exact)
    assert np.array_equal(original.model.weights, W)


def test_what_was_spent_is_the_bound_in_units_of_the_noise():
    data = made()
    source, removal = method("logistic-regression", sigma=20.0, delta=1e-4)
    original = removal.learn(source, data, np.arange(140), 5)
    assert original.certificate.epsilon < 1e-8
    now = removal.unlearn(original, Request(np.array([17, 30]), NOBODY), 5)
    found = now.certificate
    assert isinstance(found, Certificate)
    assert found.delta == 1e-4
    assert math.isclose(found.epsilon, found.bound * math.sqrt(2 * math.log(1.5 / 1e-4)) / 20)
    assert math.isclose(found.limit, 20 / math.sqrt(2 * math.log(1.5 / 1e-4)))
    assert "standardise features" in found.given
    source, removal = method(SOLVED)
    assert removal.learn(source, data, np.arange(140), 5).certificate.given is None


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("delta", [1e-2, 1e-5, 1e-9])
def test_normal_noise_hides_the_shift_that_is_allowed(epsilon, delta):
    """The exact figure of normal noise (Balle and Wang, ICML 2018, theorem 5)."""
    r = normal_shift(epsilon, delta)
    exact = norm.cdf(r / 2 - epsilon / r) - math.exp(epsilon) * norm.cdf(-r / 2 - epsilon / r)
    assert exact <= delta


@pytest.mark.parametrize("regime", [Regime.SAME_SEED, Regime.FRESH])
def test_it_trains_again_with_other_noise_once_the_bound_is_spent(regime):
    data = made()
    source, removal = method("logistic-regression", regime, epsilon=0.002)
    original = now = removal.learn(source, data, np.arange(140), 5)
    said = []
    for step in range(12):
        now = removal.unlearn(now, Request(now.training[:4], NOBODY), 50 + step)
        assert now.certificate.bound <= now.certificate.limit
        assert now.certificate.epsilon <= 0.002
        said += now.warnings
        if now.warnings:
            assert now.certificate.residual < 1e-9
            assert not np.allclose(now.model.noise, original.model.noise)
    assert now.model.trainings == len(said) > 0
    assert "newton-removal trained logistic-regression again, since this removal would raise" in said[0]


def test_a_class_that_loses_all_its_records_or_comes_in_is_trained_on_anew():
    data = made(3)
    source, removal = method("logistic-regression", epsilon=1.0, sigma=100.0)
    without = np.flatnonzero(data.y != 2)[:90]
    original = removal.learn(source, data, np.concatenate([without, np.flatnonzero(data.y == 2)[:3]]), 0)
    two = removal.unlearn(original, Request(np.flatnonzero(data.y == 2)[:3], NOBODY), 1)
    assert two.model.classes_.tolist() == [0, 1]
    assert two.certificate.bound < 1e-8
    three = removal.unlearn(two, Request(without[:1], np.flatnonzero(data.y == 2)[:1]), 2)
    assert three.model.classes_.tolist() == [0, 1, 2]
    zeros = without[data.y[without] == 0]
    one = removal.unlearn(two, Request(zeros, NOBODY), 3)
    assert np.unique(data.y[one.training]).tolist() == one.model.classes_.tolist() == [1]
    assert removal.unlearn(one, Request(one.training[:1], zeros[:1]), 4).model.classes_.tolist() == [0, 1]


def test_the_noise_is_drawn_from_the_seed_and_normal():
    data = made()
    source, removal = method("logistic-regression", sigma=3.0)
    one, same, other = (removal.learn(source, data, np.arange(140), seed).model for seed in (1, 1, 2))
    assert np.array_equal(one.noise, same.noise)
    assert not np.allclose(one.noise, other.noise)
    drawn = [removal.learn(source, data, np.arange(20), seed).model.noise for seed in range(100)]
    assert 2.7 < np.std(drawn) < 3.3
    # without a sigma it is the paper's share of the penalty 1/C, here 1
    _, default = method("logistic-regression")
    assert np.allclose(default.learn(source, data, np.arange(140), 1).model.noise, one.noise * (10 / 12) / 3)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (DecisionTreeClassifier(), "not an L2-regularised logistic regression"),
        (LogisticRegression(), "not an L2-regularised logistic regression"),
        (LogisticRegression(tol=1e-8, class_weight="balanced"), "class_weight"),
    ],
)
def test_it_says_which_models_it_cannot_certify(model, why):
    data = made()
    source, removal = method(model)
    assert why in METHODS["newton-removal"]().why_not(source, data)
    with pytest.raises(AuditError, match=f"unlearning method newton-removal cannot train model .*{why}"):
        removal.learn(source, data, np.arange(140), 0)


def test_it_keeps_the_contract_and_says_what_it_promises():
    assert check_unlearner(METHODS["newton-removal"]) is METHODS["newton-removal"]
    assert METHODS["newton-removal"].exactness is Exactness.CERTIFIED
    assert METHODS["newton-removal"]().why_not(resolve_model("logistic-regression"), made()) is None
