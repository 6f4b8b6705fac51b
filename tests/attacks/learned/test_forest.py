"""Forests grown directly are scikit-learn's, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.attacks.learned import forest as module
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.models.cart import CartModel
from unlearn_audit.models.forest import Growth


def data(seed, n, width, share=0.5, ties=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width))
    if ties:
        X = X.round(1)
    y = X[:, 0] + rng.normal(size=n) > np.quantile(X[:, 0], 1 - share)
    y[:2] = True, False
    return X, y, rng.normal(size=(50, width))


@given(
    seed=st.integers(0, 2**31 - 1), n=st.integers(40, 300), width=st.integers(1, 12), leaf=st.integers(1, 30),
    balanced=st.booleans(), ties=st.booleans(), share=st.floats(0.05, 0.95),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_posteriors_are_the_same_bits(seed, n, width, leaf, balanced, ties, share):
    X, y, asked = data(seed, n, width, share, ties)
    ours = Forest(7, min_samples_leaf=leaf, random_state=seed, balanced=balanced)
    theirs = Growth(7, leaf, seed, balanced).estimator().fit(X, y)
    assert np.array_equal(ours.fit(X, y).predict_proba(asked), theirs.predict_proba(asked))
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("ways", [{"compiled_forest"}, {"compiled_forest", "grow_trees"}])
def test_without_numba_or_the_builder_the_forest_is_the_same(ways, monkeypatch):
    X, y, asked = data(0, 100, 3)
    expected = Forest(5, min_samples_leaf=3, random_state=1).fit(X, y).predict_proba(asked)
    for way in ways:
        monkeypatch.setattr(module, way, lambda *_: None)
    plain = Forest(5, min_samples_leaf=3, random_state=1).fit(X, y)
    assert not isinstance(plain.model_, CartModel)
    assert np.array_equal(plain.predict_proba(asked), expected)
