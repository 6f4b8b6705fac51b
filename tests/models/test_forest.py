"""Forests grown directly are scikit-learn's, bit by bit."""

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree._tree import DepthFirstTreeBuilder as Builder

from unlearn_audit.models.forest import Growth, builder_is_known, fit_forest, grow_trees
from unlearn_audit.models.trees import tree_posteriors
from unlearn_audit.utils.threads import several_threads

BUILDER = "sklearn.tree._tree.DepthFirstTreeBuilder"


def records(seed, n=120, width=4, n_classes=3, ties=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width))
    if ties:
        X = X.round(1)
    y = np.digitize(X[:, 0] + rng.normal(size=n), np.quantile(X[:, 0], np.arange(1, n_classes) / n_classes))
    return X, np.array(["c", "a", "b", "e", "d"])[y]


def test_from_1_9_on_scikit_learn_is_known_and_before_it_grows_its_forests_itself():
    assert builder_is_known() == (tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9))


known = pytest.mark.skipif(not builder_is_known(), reason="this scikit-learn grows its forests itself")


@known
@given(
    seed=st.integers(0, 2**31 - 1), n=st.integers(20, 300), width=st.integers(1, 12), leaf=st.integers(1, 30),
    n_classes=st.integers(2, 5), ties=st.booleans(), threads=st.integers(1, 2),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_trees_and_answers_are_the_same_bits(seed, n, width, leaf, n_classes, ties, threads):
    X, y = records(seed, n, width, n_classes, ties)
    theirs = RandomForestClassifier(6, min_samples_leaf=leaf, random_state=seed)
    ours = clone(theirs)
    theirs.fit(X, y)
    with several_threads(threads):
        assert fit_forest(ours, X, y) == (len(set(y)) > 1)
    if len(set(y)) == 1:
        return
    for mine, other in zip(ours.estimators_, theirs.estimators_, strict=True):
        for name in ("feature", "threshold", "children_left", "children_right", "value", "n_node_samples"):
            assert np.array_equal(getattr(mine.tree_, name), getattr(other.tree_, name))
    asked = np.random.default_rng(1).normal(size=(40, width))
    assert np.array_equal(ours.predict_proba(asked), theirs.predict_proba(asked))
    assert np.array_equal(tree_posteriors(ours, asked), tree_posteriors(theirs, asked))
    assert np.array_equal(ours.predict(asked), theirs.predict(asked))
    assert np.array_equal(ours.apply(asked), theirs.apply(asked))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0, max_depth=3),
        RandomForestClassifier(5, random_state=0, class_weight="balanced"),
        RandomForestClassifier(5, random_state=0, criterion="entropy"),
        RandomForestClassifier(5, random_state=0, bootstrap=False),
        RandomForestClassifier(5, random_state=0, min_samples_leaf=0.1),
        RandomForestClassifier(5, random_state=0, max_features=None),
        RandomForestClassifier(5, random_state=0, warm_start=True),
        RandomForestClassifier(5, random_state=0, monotonic_cst=np.array([1, 0, 0, 0])),
        RandomForestClassifier(5, random_state=None),
        RandomForestClassifier(5, random_state=np.random.RandomState(0)),
        RandomForestClassifier(0, random_state=0),
        ExtraTreesClassifier(5, random_state=0),
    ],
)
def test_other_forests_are_left_alone(model):
    assert not fit_forest(model, *records(0))
    assert not hasattr(model, "estimators_")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_scikit_learn_has_to_judge_is_left_to_it(value):
    X, y = records(0)
    X[3, 1] = value
    assert not fit_forest(RandomForestClassifier(5, random_state=0), X, y)


@pytest.mark.parametrize("failure", [ImportError, TypeError, ValueError])
def test_an_unknown_builder_is_left_alone(failure, monkeypatch):
    def unknown(*_, **__):
        raise failure("another version")

    monkeypatch.setattr(BUILDER, unknown)
    builder_is_known.cache_clear()
    try:
        assert not builder_is_known()
        assert not fit_forest(RandomForestClassifier(5, random_state=0), *records(0))
    finally:
        builder_is_known.cache_clear()


def test_a_builder_that_grows_others_is_left_alone(monkeypatch):
    monkeypatch.setattr(BUILDER, lambda splitter, split, leaf, *rest: Builder(splitter, 9 * split, leaf, *rest))
    builder_is_known.cache_clear()
    try:
        assert not builder_is_known()
        X, y = records(0)
        assert grow_trees(X, np.unique(y, return_inverse=True)[1], 3, Growth(5, 1, 0)) is None
    finally:
        builder_is_known.cache_clear()
