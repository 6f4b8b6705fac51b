"""The counts that a tree's answers give away, against trees and by hand."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.attacks.formula.leaf_share import LARGEST, LeafShare, leaf_counts, leaf_share, training_size
from unlearn_audit.attacks.formula.pair_scale import pair_scale
from unlearn_audit.observations.views import LabelledView, View


def without_one(counts, of):
    """The answers of a leaf before and after it loses a record of a class, as float32."""
    counts = np.asarray(counts, dtype=float)
    left = counts - np.eye(len(counts))[of]
    return np.stack([counts / counts.sum(), left / left.sum()]).astype(np.float32)


def test_counts_are_those_of_a_trained_tree():
    X = np.repeat([[0.0], [1.0]], [9, 8], axis=0)
    y = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 1, 2, 2, 2, 2, 2])
    rest = np.arange(len(y)) != 5  # one of three records of class 1 among nine
    before, after = (
        DecisionTreeClassifier(max_depth=1, random_state=0).fit(X[at], y[at]) for at in (rest | True, rest)
    )
    answers = np.stack([tree.predict_proba([[0.0], [0.0], [1.0]]) for tree in (before, after)], axis=1)
    k, n = leaf_counts(answers.astype(np.float32), np.array([1, 0, 1]))
    assert k[0] == 3
    assert n[0] == 9
    assert np.isnan(k[1:]).all()
    assert np.isnan(n[1:]).all()


def test_every_small_leaf_is_counted():
    leaves = [(k, n) for n in range(2, 60) for k in range(1, n)]
    answers = np.stack([without_one([k, n - k], 0) for k, n in leaves])
    k, n = leaf_counts(answers, np.zeros(len(leaves), dtype=int))
    assert list(zip(k, n, strict=True)) == leaves


@pytest.mark.parametrize("classes", [2, 5])
def test_large_leaves_are_counted_as_far_as_float32_goes(classes):
    rng = np.random.default_rng(0)
    counts = np.exp(rng.uniform(0, np.log(LARGEST / classes), size=(1000, classes))).astype(int)
    of = rng.integers(0, classes, len(counts))
    own, size = counts[np.arange(len(of)), of], counts.sum(axis=1)
    k, n = leaf_counts(np.stack([without_one(*leaf) for leaf in zip(counts, of, strict=True)]), of)
    small = size < 2000
    assert small.sum() > 100
    assert np.array_equal(n[small], size[small])
    assert np.array_equal(k[small], own[small])
    # of counts that answer alike the one nearest to the estimate is taken
    assert n / size == pytest.approx(1, abs=2e-3)
    assert k / own == pytest.approx(1, abs=2e-3)


def test_what_is_no_leaf_has_no_counts():
    still = without_one([3, 4], 0)[[0, 0]]
    pure = without_one([4, 0], 0)
    two_gone = np.array([[5 / 9, 4 / 9], [3 / 7, 4 / 7]], dtype=np.float32)
    rose = without_one([3, 4], 1)
    k, n = leaf_counts(np.stack([still, pure, two_gone, rose]), np.zeros(4, dtype=int))
    assert np.isnan(k).all()
    assert np.isnan(n).all()
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, 2000)
    moved = np.stack([p, p - rng.uniform(0, 0.01, 2000)], axis=1)
    k, _ = leaf_counts(np.stack([moved, 1 - moved], axis=2).astype(np.float32), np.zeros(2000, dtype=int))
    assert np.isfinite(k).mean() < 0.01


# a tree of three leaves and 15 training records: classes 0 and 1 in each, the second pure
LEAVES = {"A": (3, 2), "B": (0, 4), "C": (2, 4)}
REFERENCES = [*[("A", 0)] * 2, *[("A", 1)] * 2, *[("B", 1)] * 2, ("B", 0), *[("C", 0)] * 2, *[("C", 1)] * 3]


def pairs_of(deleted, rows, references=REFERENCES):
    """A view of rows (pair, leaf, label), given the leaf and class that lost a record in each pair."""

    def view(rows, beside=None):
        answers = [
            without_one(LEAVES[leaf], deleted[pair][1])
            if leaf == deleted[pair][0]
            else np.tile(np.array(LEAVES[leaf]) / sum(LEAVES[leaf]), (2, 1))
            for pair, leaf, _ in rows
        ]
        labels, pairs = (np.array([row[i] for row in rows]) for i in (2, 0))
        return View(np.stack(answers).astype(np.float32), labels, pairs, {}, beside)

    return view(rows, view([(pair, *of) for pair in deleted for of in references]))


def test_scores_are_those_worked_out_by_hand():
    rows = [(0, "A", 0), (0, "A", 1), (0, "C", 0), (1, "B", 1), (1, "B", 0), (1, "C", 1)]
    view = pairs_of({0: ("A", 0), 1: ("B", 1)}, rows)
    z = pair_scale(view)
    # 4 of 12 references are in the leaf of 5, so 15 records are trained on; 3 of them and 2 references are alike
    assert training_size(view.references) == 15
    in_the_leaf = np.log((15 + 12) / (3 + 2))
    # nothing moves where the pure leaf loses one; 2 of 12 references are in it with its label
    pure = np.log((12 + 2) / (2 + 1))
    elsewhere = np.arcsinh(z) - 0.5
    expected = [in_the_leaf, elsewhere[1] - 5, elsewhere[2] - 5, pure, -0.5, -0.5]
    assert leaf_share(view, 15.0) == pytest.approx(expected)


def test_each_pair_is_scored_by_itself():
    rows = [(0, "A", 0), (0, "A", 1), (1, "C", 1), (2, "B", 1), (1, "C", 0)]
    deleted = {0: ("A", 0), 1: ("C", 1), 2: ("B", 1)}
    together = leaf_share(pairs_of(deleted, rows), 15.0)
    alone = [leaf_share(pairs_of({row[0]: deleted[row[0]]}, [row]), 15.0)[0] for row in rows]
    assert together == pytest.approx(alone)


def test_the_size_of_training_sets_is_learned_from_shadow_worlds():
    rows = [(0, "A", 0), (0, "A", 1), (1, "C", 1)]
    shadow = pairs_of({0: ("A", 0), 1: ("C", 1)}, rows)
    attack = LeafShare().fit(LabelledView(shadow, np.array([True, False, True])), seed=0)
    # leaves of 5 and 6 with 4 and 5 of 12 references each
    assert attack.training_ == pytest.approx((5 + 6) / (4 / 12 + 5 / 12))
    target = pairs_of({0: ("C", 1)}, [(0, "C", 1), (0, "A", 0)])
    assert attack.score(target) == pytest.approx(leaf_share(target, attack.training_))


def test_pairs_in_which_more_than_one_leaf_moved_say_nothing_of_it():
    view = pairs_of({0: ("A", 0)}, [(0, "A", 0)])
    in_c = np.flatnonzero((view.references.posteriors[:, 0] == np.float32(2 / 6)).any(axis=1))
    view.references.posteriors[in_c[0], 1] = (0.25, 0.75)
    assert np.isnan(training_size(view.references))
    assert np.isnan(training_size(pairs_of({0: ("B", 1)}, [(0, "A", 0)]).references))


def test_without_it_the_references_that_are_alike_tell_the_share():
    few = [of for of in REFERENCES if of[0] != "A"]
    view = pairs_of({0: ("A", 0)}, [(0, "A", 0), (0, "C", 0)], few)
    assert leaf_share(view, np.nan)[0] == pytest.approx(np.log((5 * 9 + 8) / 3))


def test_where_more_than_one_leaf_moved_the_scaled_change_decides():
    view = pairs_of({0: ("A", 0)}, [(0, "A", 0), (0, "C", 0)])
    in_c = np.flatnonzero((view.references.posteriors[:, 0] == np.float32(2 / 6)).any(axis=1))
    view.references.posteriors[in_c[0], 1] = (0.25, 0.75)
    assert leaf_share(view, 15.0) == pytest.approx(np.arcsinh(pair_scale(view)) - 0.5)


def test_of_other_models_it_says_what_the_scaled_change_says():
    rng = np.random.default_rng(0)

    def view(n, beside=None):
        p = rng.dirichlet(np.ones(3), (n, 2)).astype(np.float32)
        return View(p, rng.integers(0, 3, n), rng.integers(0, 3, n), {}, beside)

    seen = view(200, view(90))
    assert np.array_equal(np.argsort(leaf_share(seen, np.nan)), np.argsort(pair_scale(seen)))
