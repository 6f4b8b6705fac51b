"""Parameters of ``fit`` follow the records to every training, whatever trains."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import audit
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime, RowOrder
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.sisa import Sisa
from unlearn_audit.worlds.design import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

N = 120


def weighted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = (X[:, 0] + rng.normal(size=N) > 0).astype(int)
    return X, y, rng.integers(1, 6, N).astype(float)


@pytest.mark.parametrize(
    ("model", "option", "order"),
    [
        (DecisionTreeClassifier(max_leaf_nodes=6), "sample_weight", RowOrder.MINUS),
        (RandomForestClassifier(8, min_samples_leaf=2), "sample_weight", RowOrder.REPLACE),
        (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__sample_weight", RowOrder.MINUS),
        (GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2), "sample_weight", RowOrder.MINUS),
        (
            GridSearchCV(make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9]}, cv=2),
            "gaussiannb__sample_weight",
            RowOrder.MINUS,
        ),
    ],
    ids=["tree", "forest", "logistic", "search", "search-of-pipeline"],
)
def test_weights_follow_their_records_to_every_training(model, option, order):
    X, y, weights = weighted()
    data = prepare_arrays(X, y, None, "made", 0, fit_params={"sample_weight": weights}).data
    source = resolve_model(model).passing({}, data.fit_columns)
    retrain = Retrain(Regime.FIXED, order)
    training = np.random.default_rng(1).permutation(N)[:90]
    original = retrain.learn(source, data, training, 3)
    request = Request(training[[4, 50]], np.array([], dtype=np.int64))
    unlearned = retrain.unlearn(original, request, 3)
    assert not set(request.deleted) & set(unlearned.training)
    for trained in (original, unlearned):
        rows = trained.training
        alone = source.make(3).fit(X[rows], y[rows], **{option: weights[rows]})
        assert np.array_equal(trained.model.predict_proba(X), alone.predict_proba(X))
        plain = source.make(3).fit(X[rows], y[rows])
        assert not np.array_equal(plain.predict_proba(X), alone.predict_proba(X))


def test_shards_get_the_weights_of_their_own_records():
    X, y, weights = weighted()
    data = prepare_arrays(X, y, None, "made", 0, fit_params={"sample_weight": weights}).data
    source = resolve_model(GaussianNB()).passing({}, data.fit_columns)
    sisa = Sisa(Retrain(Regime.FIXED, RowOrder.MINUS), shards=2, slices=2)
    training = np.arange(100)
    parts = [training[i::2] for i in range(2)]
    alone = [GaussianNB().fit(X[part], y[part], sample_weight=weights[part]).predict_proba(X) for part in parts]
    learned = sisa.learn(source, data, training, 0).model
    assert learned.predict_proba(X) == pytest.approx(np.mean(alone, axis=0), abs=1e-6)


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (DecisionTreeClassifier(), {"sampel_weight": 1}, "takes no parameter 'sampel_weight'; did you mean sample_"),
        (
            make_pipeline(StandardScaler(), GaussianNB()),
            {"epochs": 3},
            "GaussianNB of model Pipeline takes no parameter 'epochs'",
        ),
        (
            make_pipeline(StandardScaler(), GaussianNB()),
            {"svc__sample_weight": 3},
            "for a step 'svc', and the pipeline",
        ),
    ],
)
def test_a_parameter_that_fit_does_not_take_is_refused(model, given, said):
    with pytest.raises(AuditError, match=said):
        resolve_model(model).passing(given)


def test_constants_reach_fit_and_the_keys():
    source = resolve_model(DecisionTreeClassifier())
    one, two = (source.passing({"check_input": value}) for value in (True, False))
    assert len({source.fingerprint, one.fingerprint, two.fingerprint}) == 3
    assert source.passing({}).fingerprint == source.fingerprint


def test_an_audit_takes_a_column_of_weights_that_is_no_feature(tmp_path):
    X, y, weights = weighted()
    frame = pd.DataFrame(X, columns=list("abc")).assign(weight=weights, label=y)
    sizes = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 20, "deletions": 5, "references": 10}
    few = {"attacks": ["label-gap"], "attack_models": ["decision-tree"], "features": ["direct-diff"]}
    asked = {**sizes, **few, "store": tmp_path}
    model = DecisionTreeClassifier(random_state=0)
    by_column = audit(model, frame, "label", sample_weight="weight", **asked)
    by_values = audit(model, frame[list("abc")], y, fit_params={"sample_weight": weights}, **asked)
    without = audit(model, frame[list("abc")], y, **asked)
    assert by_column.findings.details["target"]["features"] == 3
    assert by_column.findings.execution["worlds_reused"] == 0
    assert by_values.findings.execution["worlds_reused"] == 4
    assert without.findings.execution["worlds_reused"] == 0
    assert by_column.findings.config["target"]["fit_params"] == {"sample_weight": "weight"}


def test_a_method_that_trains_otherwise_is_refused_with_weights():
    X, y, weights = weighted()
    with pytest.raises(AuditError, match=r"down-date does not take the parameters of fit \(sample_weight\)"):
        audit(
            GaussianNB(), X, y, sample_weight=weights, unlearning="down-date", train_size=20, references=10, deletions=5
        )
