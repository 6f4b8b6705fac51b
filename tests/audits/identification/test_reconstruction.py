"""Deleted records read off weights: the formula on exact knowledge, and on data."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from unlearn_audit import AuditConfig, Execution
from unlearn_audit.audits.identification.reconstruction import reconstruct_deleted
from unlearn_audit.audits.identification.refused import refuse_unsupported
from unlearn_audit.audits.identification.weights import PublicKnowledge, Reader, Weights
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticSettings, solve
from unlearn_audit.worlds.from_arrays import prepare_arrays

NOBODY = np.zeros(0, dtype=np.int64)


def versions(scaler, C=1.0, classes=2, n=3000):
    """Weights of an original and of versions without one record each, and what is known of the records."""
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(n, 4)) * [1, 3, 0.5, 1] + [0, 2, 0, -1]
    y = (X @ rng.normal(size=(4, classes)) / 3 + rng.gumbel(size=(n, classes))).argmax(axis=1)
    settings = LogisticSettings(C, scaler == "refitted", True)
    before, *after = solve(settings, X, y, np.arange(n), [(np.array([i]), NOBODY) for i in range(30)])
    spread = X.std(axis=0) if scaler == "refitted" else np.ones(4)
    known = PublicKnowledge(X, n, C, scaler, X.mean(axis=0) if scaler == "refitted" else np.zeros(4), spread)
    return X, y, Weights.of(before), [Weights.of(model) for model in after], known


def test_weights_are_those_of_records_as_they_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [1, 10, 1] + 5
    y = (X[:, 0] + rng.normal(size=300) > 5).astype(int)
    (model,) = solve(LogisticSettings(1.0, True, True), X, y, np.arange(300))
    logits = np.column_stack([X, np.ones(300)]) @ Weights.of(model).parameters
    assert model.predict_proba(X)[:, 1] == pytest.approx(1 / (1 + np.exp(-logits[:, 0])))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("scaler", "C"), [("fixed", 1.0), ("refitted", 1.0), ("refitted", 0.002)])
def test_with_the_hessian_known_the_record_comes_back(scaler, C, classes):
    X, _, before, after, known = versions(scaler, C, classes)
    reader = Reader(before, known)
    away = [
        np.linalg.norm(reader.read(of) - X[i]) / np.linalg.norm(X[i] - X.mean(axis=0)) for i, of in enumerate(after)
    ]
    assert np.median(away) < (0.02 if classes == 2 else 0.05)


def test_a_penalty_that_moves_has_to_be_solved_for():
    """Under a strong penalty, taking the scaler for fixed goes astray."""
    X, _, before, after, known = versions("refitted", 0.002)
    naive = Reader(before, PublicKnowledge(known.X, known.n, known.C, "fixed", known.mean, known.spread))
    solved = Reader(before, known)
    errors = {
        name: np.median([np.linalg.norm(reader.read(of) - X[i]) for i, of in enumerate(after)])
        for name, reader in (("naive", naive), ("solved", solved))
    }
    assert errors["solved"] < errors["naive"] / 3


@pytest.mark.parametrize("classes", [2, 4])
def test_the_true_record_fits_best(classes):
    X, y, before, after, known = versions("refitted", classes=classes)
    is_class = (y[:, None] == np.arange(classes)) if classes > 2 else (y == 1)[:, None]
    reader = Reader(before, known)
    best = [int(reader.fits(of, X, is_class).argmax()) for of in after]
    assert np.mean(np.array(best) == np.arange(30)) > 0.9


def test_equal_versions_are_refused():
    _, _, before, _, known = versions("fixed")
    with pytest.raises(AuditError, match="both versions have the same weights"):
        Reader(before, known).read(before)


SIZES = {"shadow": 3, "target": 3, "train_size": 200, "deletions": 5, "unseen": 2, "references": 5}


def subject(data="digits", model="logistic-regression", **changes):
    return AuditTask.load(
        AuditConfig.model_validate({"target": {"data": data, "model": model}, "worlds": SIZES, **changes})
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data": "breast-cancer"}, "among 1,000 records, and the target side has fewer"),
        ({"data": "breast-cancer", "model": "decision-tree"}, "decision-tree is not one"),
        ({"scenario": "group"}, "the scenario group deletes several"),
        ({"unlearning": "sisa"}, "solves for exact retraining; leave the unlearning sisa out"),
        ({"defenses": ["rounding:3"]}, "leave --defense out, --decimals rounds the weights"),
        ({"regime": "fresh"}, "the same in every regime; leave the regime out"),
        ({"training": "plain"}, "leave --training out"),
        ({"until": "auc ± 0.03"}, "leave until out"),
        ({"worlds": {**SIZES, "layout": "per-record"}}, "leave the layout per-record out"),
        ({"worlds": {**SIZES, "canaries": "mislabelled"}}, "leave canaries out"),
        ({"shadow": {"data": "breast-cancer"}}, "leave the shadow dataset out"),
        ({"shadow": {"model": "decision-tree"}}, "leave the shadow model out"),
    ],
)
def test_what_cannot_be_read_is_said(changes, says):
    with pytest.raises(AuditError, match=says):
        reconstruct_deleted(subject(**changes), Execution())


def test_people_of_several_records_are_refused():
    X, y = load_breast_cancer(return_X_y=True)
    records = prepare_arrays(X, y, np.arange(len(y)) // 2, "pairs", 0)
    two = replace(subject("breast-cancer"), records={"target": records, "shadow": records})
    with pytest.raises(AuditError, match="people here have several; leave --person out"):
        reconstruct_deleted(two, Execution())


def test_doing_nothing_is_no_defence():
    refuse_unsupported(subject(defenses=["none"]), "reconstruct", from_weights=True)


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("scaler", ["fixed", "refitted"])
def test_on_adult_records_come_back(scaler):
    sizes = {**SIZES, "target": 4, "train_size": 2000, "deletions": 10}
    found = reconstruct_deleted(subject("adult", worlds=sizes), Execution(), scaler)
    assert found.deletions == 40
    assert found.cosine >= 0.95
    assert found.first.value >= 0.9
    assert found.auc.value > 0.99
    assert found.tpr.value > 0.9
    rounded = reconstruct_deleted(subject("adult", worlds=sizes), Execution(), scaler, decimals=2)
    assert rounded.auc.value < found.auc.value
    assert rounded.first.value < 0.5
    assert "record" not in rounded.document()
