"""Forests that are grown in one call are scikit-learn's, bit by bit."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.models.cart import CartModel, forests
from unlearn_audit.models.cart.forests import compiled_forest
from unlearn_audit.models.forest import Growth, builder_is_known, grow_trees
from unlearn_audit.models.trees import Trees

pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(not builder_is_known(), reason="this scikit-learn draws otherwise")


def records(seed, n, width, n_classes, rare):
    """Records with ties, constant and close columns, and classes of whom some have a record or two."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width))
    of = rng.integers(6, size=width)
    X[:, of == 1] = X[:, of == 1].round(1)
    X[:, of == 2] = X[:, of == 2] > 1
    X[:, of == 3] = 1 + rng.integers(0, 12, size=(n, (of == 3).sum())) * 6e-8
    X[:, of == 4] = 3
    codes = np.digitize(X[:, 0] + rng.normal(size=n), np.linspace(2 if rare else 0, 3, n_classes - 1))
    codes[:n_classes] = np.arange(n_classes)
    return X, codes


@given(
    seed=st.integers(0, 2**31 - 1), n=st.one_of(st.integers(5, 60), st.integers(60, 700)), width=st.integers(1, 12),
    leaf=st.integers(1, 30), n_classes=st.integers(2, 4), balanced=st.booleans(), rare=st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_answers_are_the_same_bits(seed, n, width, leaf, n_classes, balanced, rare):
    X, codes = records(seed, n, width, n_classes, rare)
    asked = np.concatenate([X, np.random.default_rng(1).normal(size=(30, width))])
    growth = Growth(6, leaf, seed, balanced)
    theirs = growth.estimator().fit(X, codes)
    ours = compiled_forest(X, codes, growth)
    assert np.array_equal(ours.predict_proba(asked), theirs.predict_proba(asked))


@pytest.mark.parametrize(("n", "leaf", "balanced"), [(400, 30, False), (5000, 5, True), (3000, 1, False)])
def test_trees_are_the_same(n, leaf, balanced):
    X, codes = records(7, n, 6, 2, rare=True)
    growth = Growth(8, leaf, 3, balanced)
    ours, theirs = compiled_forest(X, codes, growth).grown, Trees(grow_trees(X, codes, 2, growth)).grown
    splits = theirs.feature >= 0
    assert np.array_equal(ours.feature >= 0, splits)
    for name in ("starts", "right", "values"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    for name in ("feature", "threshold"):
        assert np.array_equal(getattr(ours, name)[splits], getattr(theirs, name)[splits]), name


def test_draws_are_those_of_numpy():
    from unlearn_audit.models.cart.kernel.bootstrap import WORDS, below, seed, share

    state = np.zeros(WORDS + 1, dtype=np.int64)
    for value in (0, 5, 2**31 - 2, 2**32 - 1):
        numpy = np.random.RandomState(value)
        seed(state, value)
        for n in (2, 2**31 - 1, 1, 700, 2**20):
            assert [below(state, n) for _ in range(300)] == numpy.randint(0, n, 300).tolist()
        assert [share(state) for _ in range(700)] == numpy.random_sample(700).tolist()


@pytest.fixture
def unchecked():
    """Nothing is known yet of whether forests are scikit-learn's."""
    forests.are_known.cache_clear()
    yield
    forests.are_known.cache_clear()


def refuse(answers):
    raise TypeError("another numba")


@pytest.mark.parametrize("check", [lambda answers: False, refuse])
def test_where_they_cannot_be_grown_the_plain_way_is_taken(check, unchecked, monkeypatch):
    X, codes = records(0, 200, 4, 2, rare=False)
    expected = Forest(5, min_samples_leaf=3, random_state=1).fit(X, codes == 1)
    assert isinstance(expected.model_, CartModel)
    forests.are_known.cache_clear()
    monkeypatch.setattr(forests, "is_same", check)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            plain = Forest(5, min_samples_leaf=3, random_state=1).fit(X, codes == 1)
    assert not isinstance(plain.model_, CartModel)
    assert np.array_equal(plain.predict_proba(X), expected.predict_proba(X))
    assert [str(one.message) for one in said] == ([forests.INSTEAD.format("TypeError")] if check is refuse else [])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_what_is_no_finite_number_in_32_bits_is_left_to_the_plain_way(value):
    X, codes = records(0, 200, 4, 2, rare=False)
    X[3, 1] = value
    assert compiled_forest(X, codes, Growth(5, 3, 0)) is None


def test_without_numba_nothing_is_compiled(monkeypatch):
    X, codes = records(0, 200, 4, 2, rare=False)
    monkeypatch.setattr(forests, "is_installed", lambda: False)
    assert compiled_forest(X, codes, Growth(5, 3, 0)) is None
