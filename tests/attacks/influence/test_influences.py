"""The change fields of softmax regression, networks, trees and forests against real retraining."""

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.attacks.influence import LastLayerInfluence, LeafInfluence, influence_for, one_training_suffices
from unlearn_audit.attacks.influence.last_layer import products_of_rows
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

TRAINING, OWN = np.arange(500), np.arange(500, 2500)
REFERENCES = np.arange(2500, 2600)
DELETED = np.arange(25)

SOFTMAX = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky", tol=1e-10))


def made(classes):
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(2600, 5)) * [1, 4, 1, 1, 2] + 1
    logits = X @ rng.normal(size=(5, classes)) / 3
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return prepare_arrays(X, y, None, "made", 0).data


def changes(data, source):
    """(deletions, references) by how much the margins of references fell."""
    retrain = Retrain.for_model(source, Regime.FIXED)[0]
    original = retrain.learn(source, data, TRAINING, 0)
    requests = [Request(np.array([at]), np.zeros(0, dtype=np.int64)) for at in DELETED]
    asked, labels = data.X[REFERENCES], data.y[REFERENCES]
    before = margin(original.model.predict_proba(asked), labels)
    others = retrain.unlearn_many(original, requests, range(len(requests)))
    return before - np.array([margin(one.model.predict_proba(asked), labels) for one in others])


def angles(observed, expected):
    return np.sum(observed * expected, axis=1) / np.linalg.norm(observed, axis=1) / np.linalg.norm(expected, axis=1)


def test_a_softmax_regression_moves_as_its_hessian_says():
    data, source = made(3), resolve_model(SOFTMAX)
    found = changes(data, source)
    exact = LastLayerInfluence(data, source, SOFTMAX.fit(data.X[TRAINING], data.y[TRAINING]), TRAINING)
    assert np.median(angles(found, exact.change(DELETED, REFERENCES).T)) > 0.98
    assert np.median(angles(found, influence_for(source, data, OWN, 500).change(DELETED, REFERENCES).T)) > 0.9


@pytest.mark.parametrize(
    ("model", "kind", "least"),
    [
        ("decision-tree", LeafInfluence, 0.2),
        (RandomForestClassifier(100, min_samples_leaf=20), LeafInfluence, 0.15),
        ("torch-logistic-regression", LastLayerInfluence, 0.5),
    ],
)
def test_those_that_share_something_with_the_deleted_move_with_it(model, kind, least):
    data, source = made(2), resolve_model(model)
    influence = influence_for(source, data, OWN, 500)
    assert type(influence) is kind
    found, expected = changes(data, source), influence.change(DELETED, REFERENCES).T
    moved = np.linalg.norm(found, axis=1) > 0
    own = angles(found[moved], expected[moved])
    others = angles(found[moved], np.roll(expected, 1, axis=0)[moved])
    assert own.mean() > max(least, 2 * others.mean())
    assert np.allclose(influence.explain(found, found, DELETED, REFERENCES)[np.arange(25), np.arange(25)][moved], own)


def test_a_forest_of_one_leaf_moves_as_its_shares_do():
    data = made(2)
    source = resolve_model("random-forest-100")
    stump = source.make(0).set_params(max_depth=None, min_samples_leaf=400, n_estimators=20)
    influence = LeafInfluence.of(resolve_model(stump), data, OWN, 500, 0)
    (model,) = influence.models
    assert all(tree.tree_.node_count == 1 for tree in model.estimators_)
    share = np.mean([tree.tree_.value[0, 0] for tree in model.estimators_], axis=0)
    found = influence.change(DELETED, REFERENCES)
    y, of = data.y[REFERENCES], data.y[DELETED]
    p = share[y][:, None]
    # trees of 500 others: with the candidate they would be 501
    assert np.allclose(found, ((y[:, None] == of[None]) - p) / 501 / (p * (1 - p)))


def test_features_of_the_two_kinds_of_network_make_their_logits():
    data = made(3)
    ours = make_pipeline(StandardScaler(), MLPClassifier((8, 6), max_iter=2000, random_state=0))
    for model in (ours, resolve_model("torch-mlp").make(0)):
        fitted = model.fit(data.X[TRAINING], data.y[TRAINING])
        influence = LastLayerInfluence(data, resolve_model(model), fitted, TRAINING)
        features = influence.features(REFERENCES)
        last = model.steps[-1][1]
        if type(last) is MLPClassifier:
            logits = features @ np.vstack([last.coefs_[-1], last.intercepts_[-1]])
        else:
            weights, bias = (p.detach().numpy() for p in list(last.module_.parameters())[-2:])
            logits = features @ np.column_stack([weights, bias]).T
        posteriors = np.exp(logits - logits.max(axis=1, keepdims=True))
        assert np.allclose(posteriors / posteriors.sum(axis=1, keepdims=True), model.predict_proba(data.X[REFERENCES]))


def test_products_of_rows():
    left, right = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]])
    assert products_of_rows(left, right).tolist() == [[3, 4, 5, 6, 8, 10]]


def test_a_network_that_does_not_end_in_a_linear_layer_is_named():
    from torch import nn

    from unlearn_audit.models.networks import network_classifier

    def ends_in_a_scale(n_features, n_classes):
        return nn.Sequential(nn.Linear(n_features, n_classes), nn.BatchNorm1d(n_classes))

    source = resolve_model(network_classifier(ends_in_a_scale, epochs=1))
    assert one_training_suffices(source)
    with pytest.raises(AuditError, match="ends_in_a_scale is a BatchNorm1d and no"):
        influence_for(source, made(2), OWN, 500).change(DELETED, REFERENCES)


def test_a_field_that_has_looked_leaves_up_works_where_it_is_mapped_from_a_file(tmp_path):
    """As worker processes get it: large arrays arrive read-only."""
    data = made(2)
    influence = influence_for(resolve_model("decision-tree"), data, OWN, 500)
    before = influence.change(DELETED[:5], REFERENCES)
    joblib.dump(influence, tmp_path / "influence")
    there = joblib.load(tmp_path / "influence", mmap_mode="r")
    assert np.array_equal(there.change(DELETED[:5], REFERENCES), before)
    assert np.array_equal(there.change(DELETED, REFERENCES), influence.change(DELETED, REFERENCES))
