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
from unlearn_audit.models.regimes import RowOrder, fixed_order, remaining_rows


@pytest.mark.parametrize(
    ("model", "order"),
    [
        (GaussianNB(), RowOrder.MINUS),
        (LogisticRegression(), RowOrder.MINUS),
        (LogisticRegression(solver="saga"), None),
        (make_pipeline(StandardScaler(), RandomForestClassifier()), RowOrder.REPLACE),
        (ExtraTreesClassifier(), RowOrder.MINUS),
        (RandomForestClassifier(max_samples=0.5), None),
        (SGDClassifier(), None),
        (GradientBoostingClassifier(), None),
        (resolve_model("mlp").make(0), None),
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
