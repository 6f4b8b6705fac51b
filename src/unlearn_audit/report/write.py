"""Writing the report: ``findings.json`` for machines, ``report.html`` for people."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.html import render
from unlearn_audit.utils.files import write_atomic


def write_report(folder: Path, findings: Findings, scores: pd.DataFrame) -> Path:
    """Write ``findings.json`` and ``report.html`` into ``folder``, each atomically.

    Nothing is written unless both can be made.

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
    data, page = findings.to_json(), render(findings, scores)
    write_atomic(folder / "findings.json", data)
    write_atomic(folder / "report.html", page, publishable=True)
    return folder / "report.html"
