"""The change field of trees and forests, of records that the attacker's own trees were grown with and of others."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.attacks.influence import LeafInfluence
from unlearn_audit.models import resolve_model
from unlearn_audit.worlds.from_arrays import prepare_arrays

OWN, OUTSIDERS, REFERENCES = np.arange(60), np.arange(60, 120), np.arange(120, 140)


def made():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(140, 5))
    y = (X[:, 0] + rng.logistic(size=140) / 2 > 0).astype(int)
    return prepare_arrays(X, y, None, "made", 0).data


def test_a_tree_that_was_grown_with_a_record_is_asked_without_it():
    data = made()
    influence = LeafInfluence(
        data, (DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(data.X[OWN], data.y[OWN]),), (OWN,)
    )
    (tree,) = influence.models
    leaves, share = tree.apply(data.X), tree.predict_proba(data.X[REFERENCES])
    p = share[np.arange(len(REFERENCES)), data.y[REFERENCES]]
    candidates = np.concatenate([OWN, OUTSIDERS])
    expected = np.zeros((len(REFERENCES), len(candidates)))
    for at, x in enumerate(candidates):
        remain = OWN[(leaves[OWN] == leaves[x]) & (x != OWN)]
        for r, reference in enumerate(REFERENCES):
            if leaves[reference] == leaves[x]:
                alike = (data.y[remain] == data.y[reference]).sum()
                with_it = (alike + (data.y[x] == data.y[reference])) / (len(remain) + 1)
                expected[r, at] = with_it - alike / len(remain)
    mean = np.clip(p, 1e-3, 1 - 1e-3)
    assert np.allclose(influence.change(candidates, REFERENCES), expected / (mean * (1 - mean))[:, None])


def test_a_forest_counts_how_often_each_tree_drew_a_record():
    data = made()
    for model in (RandomForestClassifier(10, min_samples_leaf=3), ExtraTreesClassifier(10, min_samples_leaf=3)):
        influence = LeafInfluence.of(resolve_model(model), data, OWN, 60, 0)
        ((forest,), (training,)) = influence.models, influence.trainings
        times = np.array(influence.times(0, np.concatenate([OWN, OUTSIDERS])))
        assert (times[:, 60:] == 0).all()
        assert (times.sum(axis=1) == 60).all()
        if type(model) is ExtraTreesClassifier:
            assert (times[:, :60] == 1).all()
        # scikit-learn's own way leaves the same draws behind
        alike = clone(model).set_params(random_state=forest.random_state).fit(data.X[training], data.y[training])
        for drawn, theirs in zip(forest.estimators_samples_, alike.estimators_samples_, strict=True):
            assert np.array_equal(drawn, theirs)
        for tree, of in zip(forest.estimators_, times, strict=True):
            leaves = tree.apply(data.X[OWN].astype(np.float32))
            sizes = np.bincount(leaves, weights=of[:60], minlength=tree.tree_.node_count)
            assert np.allclose(sizes[np.unique(leaves)], tree.tree_.weighted_n_node_samples[np.unique(leaves)])


def test_a_pipeline_of_a_tree_alone_is_the_tree():
    data = made()
    tree = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(data.X[OWN], data.y[OWN])
    alone, piped = (LeafInfluence(data, (of,), (OWN,)) for of in (tree, Pipeline([("tree", tree)])))
    assert np.array_equal(alone.change(OUTSIDERS, REFERENCES), piped.change(OUTSIDERS, REFERENCES))
