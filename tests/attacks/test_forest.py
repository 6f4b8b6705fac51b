"""Forests grown directly are scikit-learn's, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.attacks import forest as module
from unlearn_audit.attacks.forest import Forest, as_scikit_learn, builder_is_known


def data(seed, n, width, share=0.5, ties=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width))
    if ties:
        X = X.round(1)
    y = X[:, 0] + rng.normal(size=n) > np.quantile(X[:, 0], 1 - share)
    y[:2] = True, False
    return X, y, rng.normal(size=(50, width))


def test_this_version_of_scikit_learn_is_known():
    assert builder_is_known()


@given(
    seed=st.integers(0, 2**31 - 1), n=st.integers(40, 300), width=st.integers(1, 12), leaf=st.integers(1, 30),
    balanced=st.booleans(), ties=st.booleans(), share=st.floats(0.05, 0.95),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_posteriors_are_the_same_bits(seed, n, width, leaf, balanced, ties, share):
    X, y, asked = data(seed, n, width, share, ties)
    ours = Forest(7, min_samples_leaf=leaf, random_state=seed, balanced=balanced)
    theirs = as_scikit_learn(ours).fit(X, y)
    assert np.array_equal(ours.fit(X, y).predict_proba(asked), theirs.predict_proba(asked))
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("failure", [ImportError, TypeError, ValueError])
def test_an_unknown_builder_is_left_alone(failure, monkeypatch):
    def unknown(*_):
        raise failure("another version")

    X, y, asked = data(0, 100, 3)
    expected = Forest(5, min_samples_leaf=3, random_state=1).fit(X, y).predict_proba(asked)
    monkeypatch.setattr(module, "_grow", unknown)
    builder_is_known.cache_clear()
    try:
        assert not builder_is_known()
        plain = Forest(5, min_samples_leaf=3, random_state=1).fit(X, y)
        assert np.array_equal(plain.predict_proba(asked), expected)
    finally:
        builder_is_known.cache_clear()


def test_a_builder_that_grows_others_is_left_alone(monkeypatch):
    grow = module._grow

    def another(forest, X, y):
        return grow(Forest(forest.n_estimators, min_samples_leaf=9, random_state=0), X, y)

    monkeypatch.setattr(module, "_grow", another)
    builder_is_known.cache_clear()
    try:
        assert not builder_is_known()
    finally:
        builder_is_known.cache_clear()
