import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.attacks.learned import lookup
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.models.forest import builder_is_known
from unlearn_audit.models.trees import Trees

pytestmark = pytest.mark.skipif(not builder_is_known(), reason="this scikit-learn grows its forests itself")


@pytest.mark.parametrize(("width", "rows"), [(1, 300), (4, 1500), (4, 40)])
def test_looking_up_gives_the_bits_of_walking(width, rows):
    rng = np.random.default_rng(width)
    X = np.round(rng.normal(size=(rows, width)), 1).astype(np.float32)  # many values lie on thresholds
    forest = Forest(90, min_samples_leaf=25, random_state=0).fit(X, X.sum(axis=1) + rng.normal(size=rows) > 0)
    asked = np.concatenate([X, rng.normal(size=(500, width)).astype(np.float32)])
    assert np.array_equal(lookup.Lookup.of(forest.model_.grown, width).mean(asked), forest.model_.predict_proba(asked))


def test_many_rows_are_looked_up_and_trees_of_many_leaves_are_walked(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    y = X[:, 0] > 0
    small, large = (
        Forest(3, min_samples_leaf=leaf, random_state=0).fit(X, y ^ (rng.random(3000) < 0.3)) for leaf in (100, 5)
    )
    assert lookup.can_look_up(small.model_, lookup.FEWEST_ROWS)
    assert not lookup.can_look_up(small.model_, lookup.FEWEST_ROWS - 1)
    assert not lookup.can_look_up(large.model_, lookup.FEWEST_ROWS)
    expected = small.predict_proba(X)
    monkeypatch.setattr(lookup, "FEWEST_ROWS", 10)
    assert np.array_equal(small.predict_proba(X), expected)


def test_trees_share_the_bits_of_a_number_in_their_order():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(600, 3))
    forest = Forest(40, min_samples_leaf=30, random_state=0).fit(X, X[:, 0] + rng.normal(size=600) > 0)
    _, trees = lookup.asked_by(forest.model_.grown, 3)
    groups = list(lookup.sharing_a_number(trees))
    assert [tree for group in groups for tree in group] == trees
    leaves = [sum(len(tree.values) for tree in group) for group in groups]
    assert max(leaves) <= 64
    # no two groups would fit into one
    assert min(np.add(leaves[1:], leaves[:-1])) > 64


def test_rounding_of_a_full_number_changes_no_leaf():
    X = np.arange(60, dtype=np.float32)[:, None]
    y = np.arange(60) % 50 < 25
    split, single = (DecisionTreeClassifier(max_leaf_nodes=2, min_samples_leaf=k).fit(X, y).tree_ for k in (1, 60))
    trees = Trees([split, *[single] * 61])
    assert (split.n_leaves, single.n_leaves) == (2, 1)
    assert np.array_equal(lookup.Lookup.of(trees.grown, 1).mean(X), trees.predict_proba(X))
