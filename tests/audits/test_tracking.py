"""What MLflow gets of an audit, and what it never gets."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from unlearn_audit import log_to_mlflow
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.errors import AuditError
from unlearn_audit.report import Findings, write_report


@pytest.fixture
def result(findings, scores):
    return AuditResult(findings, scores, {}, {})


class Refused(Exception):
    pass


class Client:
    """As much of MLflow's client as is called, which keeps what it gets."""

    kept: dict

    def log_metric(self, run, key, value):
        if run == "nowhere":
            raise Refused("no run\nnowhere")
        self.kept["metrics"][key] = value

    def log_param(self, run, key, value):
        self.kept["params"][key] = value

    def set_tag(self, run, key, value):
        self.kept["tags"][key] = value

    def log_text(self, run, text, name):
        self.kept["artifacts"][name] = text
        self.kept["run"] = run


@pytest.fixture
def kept(monkeypatch):
    """What a made MLflow has got."""
    got = {of: {} for of in ("metrics", "params", "tags", "artifacts")}
    made, errors = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    made.MlflowClient = type("MlflowClient", (Client,), {"kept": got})
    made.active_run = lambda: SimpleNamespace(info=SimpleNamespace(run_id="active"))
    errors.MlflowException = Refused
    monkeypatch.setitem(sys.modules, "mlflow", made)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", errors)
    return got


def test_figures_settings_and_what_names_nobody(kept, result, findings):
    assert log_to_mlflow(result) == kept["run"] == "active"
    leading = findings.leading()
    assert kept["metrics"]["auc"] == leading.auc
    assert (kept["metrics"]["auc_low"], kept["metrics"]["auc_high"]) == leading.auc_ci
    assert kept["metrics"].get("tpr_at_fpr_0.01") == leading.tpr_at_fpr["0.01"]
    assert kept["metrics"]["gate_failed"] == float(findings.verdict.gate == "fail")
    assert kept["tags"]["unlearn_audit.verdict"] == findings.verdict.kind
    assert set(kept["artifacts"]) == {"report.html", "findings.json"}
    assert kept["artifacts"]["findings.json"] == findings.to_json()
    assert all(isinstance(value, str) and 0 < len(value) <= 500 for value in kept["params"].values())


def test_a_folder_is_logged_as_its_result(kept, result, findings, scores, tmp_path):
    write_report(tmp_path / "run", findings, scores)
    assert log_to_mlflow(tmp_path / "run", run_id="mine") == kept["run"] == "mine"
    of_folder = {name: dict(value) for name, value in kept.items() if name != "run"}
    log_to_mlflow(result, run_id="mine")
    assert of_folder == {name: value for name, value in kept.items() if name != "run"}


def test_what_is_no_run_or_is_refused_is_one_sentence(kept, result, tmp_path):
    with pytest.raises(AuditError, match=r"cannot read .*findings\.json"):
        log_to_mlflow(tmp_path)
    with pytest.raises(AuditError, match=r"MLflow did not take the audit \(no run nowhere\)"):
        log_to_mlflow(result, run_id="nowhere")


def test_without_mlflow_the_extra_is_named(monkeypatch, result):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(AuditError, match=r"logging to MLflow needs MLflow, .*unlearn-audit\[mlflow\]"):
        log_to_mlflow(result)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_mlflow_itself_takes_it(monkeypatch, result, findings, tmp_path):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "tracked").as_uri())
    one = log_to_mlflow(result)
    with mlflow.start_run() as active:
        assert log_to_mlflow(result) == active.info.run_id != one
    assert log_to_mlflow(result, run_id=one) == one
    run = mlflow.MlflowClient().get_run(one)
    assert run.data.metrics["auc"] == findings.leading().auc
    assert run.data.tags["unlearn_audit.gate"] == findings.verdict.gate
    assert run.info.status == "FINISHED"
    client = mlflow.MlflowClient()
    assert {of.path for of in client.list_artifacts(one)} == {"report.html", "findings.json"}
    logged = client.download_artifacts(one, "findings.json", str(tmp_path))
    assert Findings.read(logged) == findings
    with pytest.raises(AuditError, match="MLflow did not take the audit"):
        log_to_mlflow(result, run_id="0" * 32)
