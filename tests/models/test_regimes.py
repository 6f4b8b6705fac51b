import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import RowOrder, fixed_order, keeps_index_draws, remaining_rows


@pytest.mark.parametrize(
    ("model", "order"),
    [
        (GaussianNB(), RowOrder.MINUS),
        (LogisticRegression(), RowOrder.MINUS),
        (LogisticRegression(solver="saga"), None),
        (make_pipeline(StandardScaler(), RandomForestClassifier()), RowOrder.REPLACE),
        (ExtraTreesClassifier(), RowOrder.MINUS),
        (RandomForestClassifier(max_samples=0.5), None),
        (RandomForestClassifier(class_weight="balanced"), None),
        (RandomForestClassifier(class_weight="balanced_subsample"), RowOrder.REPLACE),
        (SGDClassifier(), None),
        (GradientBoostingClassifier(), None),
        (resolve_model("mlp").make(0), None),
        (resolve_model("random-forest-accelerated").make(0), None),
        (resolve_model("logistic-regression").make(0), RowOrder.MINUS),
        (object(), None),
    ],
)
def test_who_can_run_fixed(model, order):
    assert fixed_order(model) is order


@given(st.integers(3, 40), st.data())
def test_remaining_rows_lose_the_deleted_and_nothing_else(n, data):
    training = np.random.default_rng(n).permutation(n).astype(np.int64)
    deleted = np.array(
        data.draw(st.lists(st.sampled_from(list(training)), max_size=n - 1, unique=True)), dtype=np.int64
    )
    for order in RowOrder:
        rest = remaining_rows(training, deleted, order)
        assert sorted(rest) == sorted(set(training) - set(deleted))
    minus = remaining_rows(training, deleted, RowOrder.MINUS)
    assert minus.tolist() == [r for r in training if r not in set(deleted)]
    replaced = remaining_rows(training, deleted, RowOrder.REPLACE)
    stays = ~np.isin(training[: len(replaced)], deleted)
    assert np.array_equal(replaced[stays], training[: len(replaced)][stays])


def test_replacing_the_deleted_row_keeps_the_other_bootstraps_of_a_forest():
    """Most trees that drew neither the deleted nor the last row stay as they were; in order minus, hardly any."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    forest = resolve_model("random-forest-100")
    original = forest.make(1).fit(X, y)
    rows = np.arange(300)

    def share_of_equal_trees(order):
        rest = remaining_rows(rows, np.array([100]), order)
        again = forest.make(1).fit(X[rest], y[rest])
        pairs = zip(original.estimators_, again.estimators_, strict=True)
        return np.mean([np.array_equal(a.predict(X), b.predict(X)) for a, b in pairs])

    kept = share_of_equal_trees(RowOrder.REPLACE)
    assert share_of_equal_trees(RowOrder.MINUS) <= 0.02
    assert kept > 0.05


def drawn(n):
    return np.random.RandomState(3).randint(0, n, 600)


@pytest.mark.parametrize("n", [*range(2, 40), 256, 257, 258, 512, 513, 514])
def test_index_draws_are_kept_where_numpy_keeps_them(n):
    before, after = drawn(n), drawn(n - 1)
    # the draws of the row that left are gone, those after it move up
    stay = before[before < n - 1]
    kept = np.array_equal(stay, after[: len(stay)])
    # a handful of draws can agree by chance, so only enough of them tell that they are not kept
    if keeps_index_draws(n, n - 1) or n > 8:
        assert kept == keeps_index_draws(n, n - 1)


@pytest.mark.parametrize("n", [512, 513, 514])
def test_a_forest_keeps_its_bootstraps_as_its_index_draws(n):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 2)), rng.integers(0, 2, n)
    forests = [RandomForestClassifier(5, max_depth=1, random_state=1).fit(X[:m], y[:m]) for m in (n, n - 1)]
    shared = []
    for before, after in zip(*(forest.estimators_samples_ for forest in forests), strict=True):
        counts = [np.bincount(rows, minlength=n)[: n - 1] for rows in (before, after)]
        shared.append(np.minimum(*counts).sum() / (n - 1))
    # all but the draws at the end, which make up for those of the row that left
    assert (min(shared) > 0.98) == keeps_index_draws(n, n - 1)
    assert keeps_index_draws(n, n - 1) == (n != 513)
