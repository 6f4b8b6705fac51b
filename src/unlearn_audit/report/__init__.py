"""Findings as words, pictures and files: the verdict, the page, the terminal.

A *finding* is a metric with its interval, for one attack, game, view and defence; `Findings` holds all of an
audit's, and is the exact content of ``findings.json`` (its JSON schema: `unlearn_audit.findings.json_schema`).
A *verdict* is a pure function of the results: its *kind* is decided first, by the intervals (docs/verdicts.md), and its
sentences say in plain words what the attack chosen on shadow data reaches on the target, what the update adds to that,
and the limits of the measurement. It states what was seen and how small an effect could have been seen; it never
vouches for a model.

Nothing here touches a model, or computes a metric beyond the AUC of single worlds. The page is *publishable*: it holds
totals and curves, and no identifier of a record, world or request; the auditor's form adds paths and single worlds.
"""

from unlearn_audit.findings.kinds import Decision, Evidence, decide
from unlearn_audit.findings.precision import detectable_auc
from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Gate, Kind, Spread, Verdict
from unlearn_audit.report.html import render
from unlearn_audit.report.terminal import print_summary
from unlearn_audit.report.verdict import verdict
from unlearn_audit.report.write import write_report
from unlearn_audit.utils.typing import Interval

__all__ = [
    "Decision",
    "Evidence",
    "Findings",
    "Gate",
    "Interval",
    "Kind",
    "Result",
    "Selected",
    "Spread",
    "Verdict",
    "decide",
    "detectable_auc",
    "print_summary",
    "render",
    "verdict",
    "write_report",
]
