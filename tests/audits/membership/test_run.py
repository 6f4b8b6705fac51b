import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, AuditError, Execution, Findings, audit, audit_observations, run

SMALL = {
    "shadow_worlds": 3,
    "target_worlds": 3,
    "deletions": 5,
    "unseen": 4,
    "references": 5,
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(50, 10, 600), "job": rng.choice(["nurse", "judge"], 600)})
    return X, np.where(X["age"] + rng.normal(0, 5, 600) > 50, "rich", "poor")


def test_a_pipeline_on_a_data_frame(people):
    X, y = people
    columns = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), ["age"]))
    result = audit(make_pipeline(columns, LogisticRegression()), X, y, name="people", **SMALL)
    assert result.findings.dataset == "people"
    assert result.findings.regime == "fixed"
    assert result.observations["target"].classes == ("poor", "rich")
    assert result.findings.leading().auc > 0.5


def test_saving_gives_the_run_folder(tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    result = audit(DecisionTreeClassifier(max_leaf_nodes=10), X, y, **SMALL)
    page = result.save(tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    assert Findings.read(tmp_path / "out" / "findings.json").results == result.findings.results
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == result.findings.config
    result.save(tmp_path / "out")
    other = audit(DecisionTreeClassifier(max_leaf_nodes=10), X, y, seed=1, **SMALL)
    with pytest.raises(AuditError, match="holds another run"):
        other.save(tmp_path / "out")


def test_tables_of_an_audit_can_be_audited_again(people):
    X, y = load_breast_cancer(return_X_y=True)
    result = audit(DecisionTreeClassifier(max_leaf_nodes=10), X, y, **SMALL)
    config = AuditConfig(features=("sorted-diff",), attack_models=("logistic-regression",))
    again = audit_observations(result.observations["shadow"], result.observations["target"], config=config)
    assert again.findings.results == result.findings.results


def test_persons_and_regime_can_be_chosen(people):
    X, y = load_breast_cancer(return_X_y=True)
    persons = np.arange(len(y)) // 3
    result = audit(DecisionTreeClassifier(), X, y, persons=persons, regime="fresh", **SMALL)
    rows = result.observations["target"].rows
    deleted = rows[rows["role"] == "deleted"]
    assert (deleted.groupby(["world", "request"])["record"].agg(lambda r: len(set(r // 3))) == 1).all()
    assert result.findings.regime == "fresh"


def test_the_former_name_of_persons_still_works(people):
    X, y = people
    with (
        pytest.warns(DeprecationWarning, match=r"units is deprecated; use persons\."),
        pytest.raises(AuditError, match=r"persons has shape \(2,\)"),
    ):
        audit(DecisionTreeClassifier(), X[["age"]], y, units=[1, 2])
    with (
        pytest.warns(DeprecationWarning, match="units"),
        pytest.raises(AuditError, match="both are given; keep persons"),
    ):
        audit(DecisionTreeClassifier(), X[["age"]], y, units=[1, 2], persons=[1, 2])


def test_an_unknown_setting_is_an_error(people):
    X, y = people
    with pytest.raises(AuditError, match="unknown key 'colour'"):
        audit(DecisionTreeClassifier(), X[["age"]], y, colour="red")


@pytest.mark.parametrize(
    ("name", "model", "least"),
    [
        ("adult", "decision-tree", 0.75),
        ("adult", "logistic-regression", 0.65),
        ("checkins-jakarta", "decision-tree", 0.75),
        ("us-accidents", "decision-tree", 0.7),
    ],
)
def test_real_data_leaks_where_it_is_known_to(real_data, tmp_path, monkeypatch, name, model, least):
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", str(real_data))
    config = AuditConfig.model_validate(
        {
            "target": {"data": name, "model": model},
            "worlds": {"shadow": 6, "target": 6, "train_size": 1000},
            "features": ["sorted-diff", "euclidean-distance"],
            "attack_models": ["decision-tree", "mlp"],
        }
    )
    findings = run(config, Execution(jobs=1, store=tmp_path / "store")).findings
    leading = findings.leading("all")
    assert leading.auc > least
    assert leading.auc_minus_classical_ci[0] > 0
    assert max(r.auc for r in findings.results if r.view == "original") < 0.62
