"""Writing the report: ``findings.json`` for machines, pages and Markdown for people."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.html import render_forms
from unlearn_audit.report.markdown import markdown
from unlearn_audit.utils.files import write_atomic


def write_report(folder: Path, findings: Findings, scores: pd.DataFrame) -> Path:
    """Write ``findings.json`` and the report into ``folder``, each file atomically.

    The report is ``report.html`` and ``report.md``, which may be published, and ``auditor.html``, which its owner
    alone can read. Nothing is written unless all can be made.

    Parameters
    ----------
    folder
        Where to write; made if missing.
    findings
        What the audit found.
    scores
        The scores of the target rows, as `unlearn_audit.report.html.render` takes them.

    Returns
    -------
    pathlib.Path
        The path of ``report.html``.

    Raises
    ------
    AuditError
        If the scores lack the selected attack.
    """
    data, text = findings.to_json(), markdown(findings)
    page, private = render_forms(findings, scores)
    write_atomic(folder / "findings.json", data)
    write_atomic(folder / "auditor.html", private)
    write_atomic(folder / "report.md", text, publishable=True)
    write_atomic(folder / "report.html", page, publishable=True)
    return folder / "report.html"
