"""A down-date is retraining, to 1e-8: over random removals, groups, additions and chains."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.posteriors import query_exactly
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.ridge import SoftRidgeClassifier
from unlearn_audit.testing import check_unlearner
from unlearn_audit.unlearning import METHODS, Exactness, Retrain
from unlearn_audit.unlearning.training import take
from unlearn_audit.worlds import Request

N, TRAINING = 260, 200
NOBODY = np.arange(0)


def made(kind):
    rng = np.random.default_rng(3)
    y = rng.choice([2, 5, 9], size=N, p=[0.6, 0.35, 0.05])
    if kind == "numbers":
        X = rng.normal(size=(N, 6)) * [1, 30, 0.01, 1, 1, 1] + [0, 2000, 5, 1, 0, 0]
        X[:, 0] += y
        X[:, 4] = 7.3  # constant
        X[:, 5] = np.arange(N) == 4  # the same for all but one record
    elif kind == "real counts":
        X = rng.gamma(0.5, size=(N, 8)) * (rng.random((N, 8)) < 0.5) + (y[:, None] == 5)
    elif kind == "categories":
        X = rng.integers(0, 4, size=(N, 5))
        X[7, 2] = 6  # a category that one record has
    else:
        X = rng.poisson(1.0, size=(N, 8)) + (y[:, None] == 5) * np.arange(8)
    return Dataset(kind, X, y, np.array([2, 5, 9]), ("a", "b", "c"), np.arange(N))


MODELS = [
    ("numbers", SoftRidgeClassifier(alpha=0.5)),
    ("numbers", SoftRidgeClassifier(alpha=2.0, fit_intercept=False)),
    ("numbers", make_pipeline(StandardScaler(), SoftRidgeClassifier())),
    ("numbers", make_pipeline(StandardScaler(with_std=False), SoftRidgeClassifier())),
    ("numbers", make_pipeline(StandardScaler(with_mean=False), SoftRidgeClassifier(fit_intercept=False))),
    ("numbers", make_pipeline(StandardScaler(), SoftRidgeClassifier(fit_intercept=False))),
    ("numbers", make_pipeline(StandardScaler(with_std=False), SoftRidgeClassifier(fit_intercept=False))),
    ("numbers", make_pipeline(StandardScaler(with_mean=False, with_std=False), SoftRidgeClassifier())),
    ("numbers", GaussianNB()),
    ("numbers", GaussianNB(var_smoothing=1e-2, priors=[0.2, 0.3, 0.5])),
    ("numbers", make_pipeline(StandardScaler(), GaussianNB(var_smoothing=1e-4))),
    ("counts", MultinomialNB()),
    ("counts", MultinomialNB(alpha=0.1, fit_prior=False)),
    ("counts", ComplementNB(norm=True)),
    ("counts", make_pipeline(BernoulliNB(binarize=1.0))),
    ("real counts", MultinomialNB(alpha=1e-3)),
    ("categories", CategoricalNB()),
    ("categories", CategoricalNB(min_categories=9)),
]


def methods(model, data, regime=Regime.FIXED):
    source = resolve_model(model)
    retrain, _ = Retrain.for_model(source, regime)
    assert METHODS["down-date"]().why_not(source, data) is None
    return source, retrain, METHODS["down-date"]().unlearner(retrain)


def apart(data, one, other):
    # of a category that nobody is left of, a retrained CategoricalNB cannot be asked
    X = take(data.X, other.training)
    asked = (query_exactly(t.model, X, data.class_values, "made") for t in (one, other))
    return float(np.abs(np.subtract(*asked)).max())


@pytest.mark.parametrize(("kind", "model"), MODELS, ids=lambda value: str(value))
def test_it_is_retraining_over_chains_of_removals_and_additions(kind, model):
    data = made(kind)
    source, retrain, down_date = methods(model, data)
    rng = np.random.default_rng(0)
    for sizes in ([1] * 6, [5, 1, 30], [60]):
        ours = theirs = down_date.learn(source, data, np.arange(TRAINING), 0)
        added = iter(range(TRAINING, N))
        for step, size in enumerate(sizes):
            joining = np.array([next(added)]) if step % 2 else NOBODY
            request = Request(rng.choice(ours.training, size, replace=False), joining)
            ours, theirs = down_date.unlearn(ours, request, 1), retrain.unlearn(theirs, request, 1)
            assert np.array_equal(ours.training, theirs.training)
            assert apart(data, ours, theirs) < 1e-8


@pytest.mark.parametrize(("kind", "model"), MODELS, ids=lambda value: str(value))
def test_what_one_record_alone_has_is_forgotten_with_it(kind, model):
    """The only category, the only one in a column; and each record of a class in turn, until none is left."""
    data = made(kind)
    source, retrain, down_date = methods(model, data)
    original = down_date.learn(source, data, np.arange(TRAINING), 0)
    rare = np.flatnonzero(data.y[:TRAINING] == 9)
    requests = [Request(np.array([i]), NOBODY) for i in (4, 7)]
    requests += [Request(rare[:-1], NOBODY), Request(rare[:-2], NOBODY)]
    for request in requests:
        assert apart(data, down_date.unlearn(original, request, 1), retrain.unlearn(original, request, 1)) < 1e-8
    everyone = Request(rare, NOBODY)
    if getattr(model, "priors", None) is not None:
        for method in (down_date, retrain):
            with pytest.raises(AuditError, match="Number of priors must match"):
                method.unlearn(original, everyone, 1)
        return
    ours, theirs = (method.unlearn(original, everyone, 1) for method in (down_date, retrain))
    assert apart(data, ours, theirs) < 1e-8
    back = Request(np.array([0]), rare[:1])  # and a class that joins
    assert apart(data, down_date.unlearn(ours, back, 1), retrain.unlearn(theirs, back, 1)) < 1e-8


def test_nothing_is_fitted_anew_where_a_closed_form_is_there(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("fitted anew")

    for kind, model in MODELS:
        data = made(kind)
        source, _, down_date = methods(model, data)
        original = down_date.learn(source, data, np.arange(TRAINING), 0)
        last = type(model.steps[-1][1] if hasattr(model, "steps") else model)
        with monkeypatch.context() as patched:
            patched.setattr(last, "fit", refuse)
            down_date.unlearn(original, Request(np.array([11, 12]), np.array([TRAINING])), 1)


def test_ridge_without_one_record_is_the_formula_of_sherman_and_morrison():
    data = made("numbers")
    model = SoftRidgeClassifier(alpha=3.0, fit_intercept=False)
    source, _, down_date = methods(model, data)
    original = down_date.learn(source, data, np.arange(TRAINING), 0)
    Z = data.X[:TRAINING]
    targets = np.where(data.y[:TRAINING, None] == data.class_values, 1.0, -1.0)
    inverse, x = np.linalg.inv(Z.T @ Z + 3.0 * np.eye(6)), Z[20]
    rank_one = inverse + np.outer(inverse @ x, x @ inverse) / (1 - x @ inverse @ x)
    expected = rank_one @ (Z.T @ targets - np.outer(x, targets[20]))
    found = down_date.unlearn(original, Request(np.array([20]), NOBODY), 1)
    assert np.allclose(found.model.coef_.T, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("labels", [np.arange(90) % 2, np.arange(90) % 4])
def test_the_decision_values_are_those_of_scikit_learns_ridge_classifier(labels):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 5)) + 100
    for intercept in (True, False):
        ours = SoftRidgeClassifier(alpha=0.7, fit_intercept=intercept).fit(X, labels)
        theirs = RidgeClassifier(alpha=0.7, fit_intercept=intercept).fit(X, labels)
        assert np.allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-8)
        assert np.array_equal(ours.predict(X), theirs.predict(X))
    with pytest.raises(AuditError, match="alpha 0 of a ridge classifier"):
        SoftRidgeClassifier(alpha=0).fit(X, labels)


def test_records_in_a_data_frame_are_taken_by_name():
    data = made("numbers")
    frame = pd.DataFrame(data.X, columns=list("abcdef"))
    framed = Dataset("framed", frame, data.y, data.class_values, data.class_names, data.record_ids)
    counts = pd.DataFrame(made("counts").X, columns=list("abcdefgh"))
    counted = Dataset("counted", counts, data.y, data.class_values, data.class_names, data.record_ids)
    for model, of in ((make_pipeline(StandardScaler(), GaussianNB()), framed), (MultinomialNB(), counted)):
        source, retrain, down_date = methods(model, of)
        original = down_date.learn(source, of, np.arange(TRAINING), 0)
        request = Request(np.array([3, 9]), np.array([TRAINING]))
        ours, theirs = (method.unlearn(original, request, 1) for method in (down_date, retrain))
        assert ours.warnings == ()
        assert apart(of, ours, theirs) < 1e-8


@pytest.mark.parametrize(
    ("model", "kind", "why"),
    [
        (DecisionTreeClassifier(), float, "a DecisionTreeClassifier has no closed form known here; use one of"),
        (make_pipeline(MinMaxScaler(), GaussianNB()), float, "it comes after MinMaxScaler; put at most one"),
        (make_pipeline(StandardScaler(), StandardScaler(), GaussianNB()), float, "after two scalers"),
        (make_pipeline(StandardScaler(), BernoulliNB()), float, "standardised values are not counts"),
        (GaussianNB(), np.float32, "fitted in single precision"),
    ],
)
def test_it_says_which_models_it_cannot_change(model, kind, why):
    data = made("numbers")
    data = Dataset("made", data.X.astype(kind), data.y, data.class_values, data.class_names, data.record_ids)
    source = resolve_model(model)
    options = METHODS["down-date"]()
    assert why in options.why_not(source, data)
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    method = options.unlearner(retrain)
    original = method.learn(source, data, np.arange(TRAINING), 0)
    with pytest.raises(AuditError, match=f"unlearning method down-date cannot change model .*{why}"):
        method.unlearn(original, Request(np.array([1]), NOBODY), 1)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({"a": [1.5, 2.0], "b": [1, 2]}).astype({"a": np.float32, "b": np.int8}), "single precision"),
        (pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), "not a table of numbers"),
        (pd.DataFrame({"a": [1.5, 2.0], "b": [1, 2]}), None),
    ],
)
def test_the_columns_of_a_data_frame_decide_together(frame, why):
    data = Dataset("framed", frame, np.arange(2), np.arange(2), ("a", "b"), np.arange(2))
    found = METHODS["down-date"]().why_not(resolve_model("naive-bayes"), data)
    assert found is None if why is None else why in found


@pytest.mark.parametrize("model", ["ridge", "naive-bayes"])
def test_it_keeps_the_contract_and_says_what_it_promises(model):
    assert check_unlearner(METHODS["down-date"], model) is METHODS["down-date"]
    options = METHODS["down-date"]()
    assert (options.exactness, options.tolerance) == (Exactness.EXACT, 1e-8)
    source = resolve_model(model)
    assert Retrain.for_model(source, Regime.FIXED)[0].regime is Regime.FIXED


@pytest.mark.parametrize("order", ["C", "F"])
def test_records_are_taken_in_rows_however_they_lie_in_memory(order):
    X = np.asarray(np.arange(12.0).reshape(4, 3), order=order)
    taken = take(X, np.array([2, 0]))
    assert taken.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert taken.flags.c_contiguous
