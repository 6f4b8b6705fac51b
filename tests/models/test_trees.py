"""Trees and forests asked directly, against their own ``predict_proba``."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from unlearn_audit.models.trees import answers_by_record, tree_posteriors

rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 5)), rng.integers(0, 3, 200)


@pytest.mark.parametrize(
    "kind", [DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier]
)
def test_bits_are_those_of_predict_proba(kind):
    model = kind(random_state=0).fit(X, y)
    for asked in (X, X[:7], X[3:4], X.astype(np.float32)):
        assert np.array_equal(tree_posteriors(model, asked), model.predict_proba(asked))
    # the answer on a record is the same in any company, which is why the original is asked once
    assert np.array_equal(tree_posteriors(model, X)[10:20], tree_posteriors(model, X[10:20]))
    assert answers_by_record(model)


def test_what_is_no_tree_or_no_table_of_numbers_is_left_alone():
    tree = DecisionTreeClassifier().fit(X, y)
    assert tree_posteriors(LogisticRegression().fit(X, y), X) is None
    assert tree_posteriors(tree, X.tolist()) is None
    assert tree_posteriors(tree, X[:, :3]) is None
    assert tree_posteriors(tree, np.where(X > 2, np.nan, X)) is None
