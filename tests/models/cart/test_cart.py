"""Trees and forests that are compiled, and versions of them, are scikit-learn's, bit by bit."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models import resolve_model
from unlearn_audit.models.cart import CartModel, CartSettings, check, grow_model, grow_versions, place
from unlearn_audit.models.parameters import count_parameters
from unlearn_audit.models.regimes import Regime, RowOrder, remaining_rows
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.trainers.trees import TreeTrainer
from unlearn_audit.worlds.design import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

pytest.importorskip("numba")

KINDS = ("normal", "round", "two values", "close", "constant", "mostly zero", "copies", "some of each")


def records(seed, n, width, n_classes, kind):
    """Records of whom some are duplicates, and labels of which some may be rare."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width))
    y = np.minimum(rng.geometric(0.5, size=n) - 1 + (X[:, 0] > 0.3), n_classes - 1)
    of = np.array([KINDS.index(kind) if kind != KINDS[-1] else int(rng.integers(7)) for _ in range(width)])
    X[:, of == 1] = X[:, of == 1].round(1)
    X[:, of == 2] = X[:, of == 2] > 1
    X[:, of == 3] = 1 + rng.integers(0, 12, size=(n, (of == 3).sum())) * 6e-8
    X[:, of == 4] = 3
    X[:, of == 5] = np.where(rng.random((n, (of == 5).sum())) < 0.15, X[:, of == 5].round(1), 0)
    X[:, of == 6] = X[:, :1].round(1) * rng.choice([-1, 1], (of == 6).sum())
    X[n // 2 :] = np.where(rng.random((n - n // 2, 1)) < 0.1, X[: n - n // 2], X[n // 2 :])
    return X, np.array([f"class {c}" for c in range(n_classes)])[y]


@st.composite
def parameters(draw, **fixed):
    """An estimator with any parameters that are covered, but for some that are given."""
    given = {
        "criterion": draw(st.sampled_from(["gini", "gini", "entropy", "log_loss"])),
        "max_depth": draw(st.sampled_from([None, None, 1, 4])),
        "min_samples_split": draw(st.sampled_from([2, 2, 7, 0.1])),
        "min_samples_leaf": draw(st.sampled_from([1, 1, 3, 8, 30, 0.05])),
        "max_leaf_nodes": draw(st.sampled_from([None, None, 2, 10, 100])),
        "max_features": draw(st.sampled_from(["sqrt", "sqrt", "log2", None, 1, 3, 0.5])),
        "min_impurity_decrease": draw(st.sampled_from([0.0, 0.0, 0.01])),
        "random_state": draw(st.integers(0, 2**31 - 1)),
    } | fixed
    if draw(st.booleans()):
        return DecisionTreeClassifier(**given)
    return RandomForestClassifier(3, bootstrap=draw(st.sampled_from([True, True, False])), **given)


def versions(seed, n, rest):
    """Training sets that lack records, and have others, in every order that a regime or a chain leaves them in."""
    rng, training = np.random.default_rng(seed), np.arange(n)
    found = []
    for size in (1, 1, min(3, n - 1)):
        gone = rng.choice(n, size, replace=False)
        found += [remaining_rows(training, gone, order) for order in RowOrder]
        found.append(np.concatenate([remaining_rows(training, gone, RowOrder.REPLACE), n + np.arange(min(size, rest))]))
    found.append(remaining_rows(found[0], found[0][:1], RowOrder.REPLACE) if n > 3 else found[0])
    return [rows for rows in found if len(rows)]


def answers(estimator, X, y, rows, asked):
    """What scikit-learn's own fit answers."""
    return clone(estimator).fit(X[rows], y[rows]).predict_proba(asked)


@given(
    estimator=parameters(), seed=st.integers(0, 2**31 - 1), n=st.one_of(st.integers(2, 60), st.integers(2, 250)),
    width=st.integers(1, 12), n_classes=st.integers(2, 5), kind=st.sampled_from(KINDS),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_models_and_all_versions_of_them_answer_with_the_same_bits(estimator, seed, n, width, n_classes, kind):
    answer_with_the_same_bits(estimator, seed, n, width, n_classes, kind)


@given(
    estimator=parameters(max_features=None, min_impurity_decrease=0.0), seed=st.integers(0, 2**31 - 1),
    n=st.integers(10, 250), width=st.integers(2, 12), n_classes=st.integers(2, 5),
    kind=st.sampled_from(["round", "two values", "mostly zero", "copies", "some of each"]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_so_they_do_where_all_features_are_tried_and_many_are_equally_good(estimator, seed, n, width, n_classes, kind):
    answer_with_the_same_bits(estimator, seed, n, width, n_classes, kind)


def answer_with_the_same_bits(estimator, seed, n, width, n_classes, kind):
    X, y = records(seed, n + 4, width, n_classes, kind)
    training, asked = np.arange(n), np.concatenate([X, np.random.default_rng(1).normal(size=(30, width))])
    covered = CartSettings.of(estimator)
    original = grow_model(covered, X, y, training, estimator.random_state)
    assert list(original.classes_) == sorted(set(y[:n]))
    assert np.array_equal(original.predict_proba(asked), answers(estimator, X, y, training, asked))
    others = versions(seed, n, 4)
    grown = grow_versions(covered, X, y, original, training, others, estimator.random_state)
    if grown is None:  # a share of the records is another number of them
        assert any(isinstance(getattr(estimator, f"min_samples_{of}"), float) for of in ("leaf", "split"))
        return
    leaves = original.find_leaves(asked)
    for model, rows in zip(grown, others, strict=True):
        theirs = answers(estimator, X, y, rows, asked)
        assert np.array_equal(model.predict_proba(asked), theirs)
        assert list(model.classes_) == sorted(set(y[rows]))
        if model.is_version_of(original):
            some = np.arange(0, len(asked), 3)
            assert np.array_equal(model.asked(leaves, some).predict_proba(asked[some]), theirs[some])


@pytest.mark.parametrize(
    ("n", "leaf", "kind"), [(2000, 30, "some of each"), (600, 1, "some of each"), (900, 1, "mostly zero")]
)
def test_many_deletions_from_a_forest(n, leaf, kind):
    X, y = records(0, n, 9, 3, kind)
    forest, training = RandomForestClassifier(25, min_samples_leaf=leaf, random_state=4), np.arange(n)
    covered = CartSettings.of(forest)
    others = [remaining_rows(training, np.array([gone]), RowOrder.REPLACE) for gone in range(0, n, n // 25)]
    original = grow_model(covered, X, y, training, 4)
    for model, rows in zip(grow_versions(covered, X, y, original, training, others, 4), others, strict=True):
        assert np.array_equal(model.predict_proba(X), answers(forest, X, y, rows, X))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0, class_weight="balanced"),
        RandomForestClassifier(5, random_state=0, max_samples=0.5),
        RandomForestClassifier(5, random_state=0, oob_score=True),
        RandomForestClassifier(5, random_state=0, warm_start=True),
        RandomForestClassifier(5, random_state=0, monotonic_cst=np.array([1, 0, 0, 0])),
        RandomForestClassifier(5, random_state=0, ccp_alpha=0.1),
        RandomForestClassifier(5, random_state=0, min_weight_fraction_leaf=0.1),
        RandomForestClassifier(5, random_state=0, min_samples_leaf=0),
        RandomForestClassifier(5, random_state=0, max_features="none"),
        RandomForestClassifier(5, random_state=None),
        RandomForestClassifier(0, random_state=0),
        DecisionTreeClassifier(splitter="random", random_state=0),
        DecisionTreeClassifier(random_state=np.random.RandomState(0)),
        ExtraTreesClassifier(5, random_state=0),
    ],
)
def test_what_is_not_covered_is_left_to_scikit_learn(model):
    assert CartSettings.of(model) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_records_that_are_no_finite_numbers_are_left_to_scikit_learn(value):
    X, y = records(0, 40, 3, 2, "normal")
    X[39, 1] = value
    covered = CartSettings.of(DecisionTreeClassifier(random_state=0))
    assert grow_model(covered, X, y, np.arange(20), 0) is None
    assert grow_model(covered, X.astype(object), y, np.arange(20), 0) is None
    assert grow_model(covered, X[:39], y[:39], np.array([0, 1, 1, 2]), 0) is None


@pytest.fixture
def data():
    X, y = records(3, 90, 4, 3, "round")
    return prepare_arrays(X, y, None, "made", 0).data


@pytest.fixture
def source():
    return resolve_model(RandomForestClassifier(6, min_samples_leaf=2))


def unlearned(source, data, plain=False, regime=Regime.FIXED):
    """An original and two versions of it, with what was warned of."""
    retrain = Retrain(regime, RowOrder.REPLACE if regime is Regime.FIXED else RowOrder.MINUS, plain=plain)
    training = np.arange(60)
    requests = [Request(np.array([7]), np.array([], dtype=int)), Request(np.array([3, 59]), np.array([70]))]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        original = retrain.learn(source, data, training, 5)
        models = [original, *retrain.unlearn_many(original, requests, [8, 9])]
    return [of.model for of in models], [str(w.message) for w in caught]


@pytest.mark.parametrize("regime", Regime)
def test_retraining_gives_the_same_bits_with_and_without(source, data, regime):
    ours, said = unlearned(source, data, regime=regime)
    theirs, _ = unlearned(source, data, plain=True, regime=regime)
    assert said == []
    for mine, other in zip(ours, theirs, strict=True):
        assert isinstance(mine, CartModel)
        assert np.array_equal(mine.predict_proba(data.X), other.predict_proba(data.X))
        assert np.array_equal(mine.predict(data.X), other.predict(data.X))
    assert count_parameters(ours[0]) == count_parameters(theirs[0])


@pytest.mark.parametrize("broken", ["before the first use", "an original", "a version"])
def test_where_a_check_fails_each_model_is_trained_by_its_own_fit_and_it_is_said(source, data, broken, monkeypatch):
    of_trainer = "unlearn_audit.unlearning.trainers.trees"
    if broken == "before the first use":
        monkeypatch.setattr(check, "_is_same", lambda estimator, k: False)
        check.why_not.cache_clear()
    else:
        monkeypatch.setattr(
            f"{of_trainer}.some_are_same", lambda _, model, *__: (model.overlay is None) == (broken == "a version")
        )
    ours, said = unlearned(source, data)
    check.why_not.cache_clear()
    theirs, _ = unlearned(source, data, plain=True)
    assert {*said} == {
        "forests and trees were trained one by one: compiled trees differ from those of this scikit-learn"
    }
    assert [isinstance(of, CartModel) for of in ours] == [broken == "a version", False, False]
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(mine.predict_proba(data.X), other.predict_proba(data.X))


def test_the_check_of_a_use_sees_a_tree_that_differs(source, data):
    training = np.arange(60)
    estimator = source.make(5)
    model = grow_model(CartSettings.of(estimator), data.X, data.y, training, 5)
    assert check.some_are_same(estimator, model, data.X, data.y, training)
    other = grow_model(CartSettings.of(estimator), data.X, data.y, training, 6)
    assert not check.some_are_same(estimator, other, data.X, data.y, training)


def test_small_trees_are_checked_before_the_first_use():
    check.why_not.cache_clear()
    assert check.why_not() is None


def test_asking_who_trains_imports_no_numba():
    code = """
import sys
from sklearn.ensemble import RandomForestClassifier
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning.trainers.trees import TreeTrainer
from unlearn_audit.worlds.from_arrays import prepare_arrays
import numpy as np
data = prepare_arrays(np.eye(80), np.arange(80) % 2, None, "made", 0).data
assert TreeTrainer.of(resolve_model(RandomForestClassifier()), data, Regime.FIXED).key == "trees/1"
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_nothing_is_compiled(source, data, monkeypatch):
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    assert TreeTrainer.of(source, data, Regime.FIXED) is None


def test_one_who_comes_with_a_value_beyond_all_others_may_be_split_off():
    X, y = np.repeat([[0.0], [1], [2]], [16, 1, 1], axis=0), np.repeat([0, 1, 0], [1, 16, 1])
    tree, training = DecisionTreeClassifier(max_depth=1, random_state=0), np.arange(17)
    original = grow_model(CartSettings.of(tree), X, y, training, 0)
    (model,) = grow_versions(CartSettings.of(tree), X, y, original, training, [np.arange(18)], 0)
    assert np.array_equal(model.predict_proba(X), answers(tree, X, y, np.arange(18), X))


def test_the_first_use_of_trees_is_announced(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "compiled_folder", lambda: tmp_path)
    tree, other = (resolve_model(name) for name in ("decision-tree", "logistic-regression"))
    assert check.are_to_be_compiled([other, tree])
    assert not check.are_to_be_compiled([other])
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "grow.nbc").touch()
    assert not check.are_to_be_compiled([other, tree])


def test_what_was_compiled_is_found_again():
    assert check.why_not() is None
    assert place.is_compiled()
