"""Logging an audit to MLflow: figures, settings and what may be published, and nothing of single records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.html import render
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.messages import in_one_line, reason

_LONGEST = 500
"""Characters of a parameter that every version of MLflow takes."""


def log_to_mlflow(audit: AuditResult | str | Path, run_id: str | None = None) -> str:
    """Log an audit to MLflow and return the id of the run there.

    Metrics are the figures of the leading attack: ``auc`` with ``auc_low`` and ``auc_high`` (95 %), ``tpr_at_fpr_0.01``
    and similar, ``epsilon``, and ``gate_failed``, which is 1 or 0 and is left out if the audit cannot tell.
    Parameters are the configuration, tags the verdict and the gate. Artifacts are ``report.html`` and
    ``findings.json``; scores, observations and ``auditor.html``, which name records, never leave the run folder.

    Parameters
    ----------
    audit
        What `audit` or `run` returned, or the folder of a finished run.
    run_id
        An MLflow run to log to; by default the active one, or else a new one.

    Raises
    ------
    AuditError
        If MLflow is not installed or refuses, or the folder does not hold a finished audit.
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise missing_extra("logging to MLflow", "MLflow", "mlflow") from error
    findings, page = _published(audit)
    metrics, params, tags = metrics_of(findings), dict(_flat(findings.config)), tags_of(findings)
    try:
        # a run that is there is logged to as it is; one that is begun here also ends here
        if run_id is None and (active := mlflow.active_run()) is not None:
            run_id = active.info.run_id
        if run_id is None:
            with mlflow.start_run() as begun:
                run_id = str(begun.info.run_id)
        client = mlflow.MlflowClient()
        for key, number in metrics.items():
            client.log_metric(run_id, key, number)
        for key, text in params.items():
            client.log_param(run_id, key, text)
        for key, text in tags.items():
            client.set_tag(run_id, key, text)
        client.log_text(run_id, page, "report.html")
        client.log_text(run_id, findings.to_json(), "findings.json")
    except MlflowException as error:
        raise AuditError(f"MLflow did not take the audit ({reason(error)})") from error
    return run_id


def _published(audit: AuditResult | str | Path) -> tuple[Findings, str]:
    """Return what an audit found, and the page that names nobody."""
    if isinstance(audit, AuditResult):
        return audit.findings, render(audit.findings, audit.scores)
    folder = Path(audit)
    page = folder / "report.html"
    findings = Findings.read(folder / "findings.json")
    check_recorded(page)
    try:
        return findings, page.read_text(encoding="utf-8")
    except OSError as error:
        raise AuditError(f"cannot read {page}: {error.strerror}") from error


def metrics_of(findings: Findings) -> dict[str, float]:
    """Return the figures of the leading attack that are known, by the names of MLflow's metrics."""
    leading = findings.leading()
    low, high = leading.auc_ci
    gate = {"fail": 1.0, "pass": 0.0}.get(findings.verdict.gate)
    known = {
        "auc": leading.auc,
        "auc_low": low,
        "auc_high": high,
        **{f"tpr_at_fpr_{rate}": value for rate, value in leading.tpr_at_fpr.items()},
        "epsilon": leading.epsilon,
        "gate_failed": gate,
    }
    return {name: float(value) for name, value in known.items() if value is not None}


def tags_of(findings: Findings) -> dict[str, str]:
    """Return what was found in words, by the names of MLflow's tags."""
    leading = findings.leading()
    attack = leading.attack if leading.attack_model is None else f"{leading.attack}/{leading.attack_model}"
    return {
        "unlearn_audit.verdict": findings.verdict.kind,
        "unlearn_audit.gate": findings.verdict.gate,
        "unlearn_audit.attack": attack,
        "unlearn_audit.dataset": findings.dataset,
        "unlearn_audit.model": in_one_line(findings.model, _LONGEST),
        "unlearn_audit.regime": findings.regime,
    }


def _flat(config: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting that is given, by its path with full stops, as text."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{start}{key}.")
        elif value is not None and value != []:
            yield f"{start}{key}", in_one_line(str(value), _LONGEST)
