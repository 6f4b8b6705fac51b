"""The gate as an assertion of a test."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from unlearn_audit.audits.gate.judge import On, judge
from unlearn_audit.audits.gate.limits import TPR, limits_of
from unlearn_audit.audits.gate.sources import AnyFindings, Asked, read_run
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.audits.methods.result import MethodsResult
from unlearn_audit.audits.release.result import ReleaseResult

Measured = AuditResult | ReleaseResult | MethodsResult | AnyFindings | str | Path
"""What limits can apply to: a result, its findings, or the folder of a run."""


def assert_not_leaking(
    result: Measured,
    *,
    max_auc: float | None = None,
    max_tpr: Mapping[float, float] | None = None,
    limits: Mapping[str, float] | None = None,
    on: On = "interval",
    attack: str | None = None,
    defense: str | None = None,
    method: str | None = None,
) -> None:
    """Assert that what a run measured stays within limits, as ``unlearn-audit gate`` does.

    What limits on the AUC do not see, such as an attack that is reliably wrong, is a warning.

    Parameters
    ----------
    result
        What `unlearn_audit.audit` or another function of the package returned, its findings, or a run folder.
    max_auc
        The most that the AUC may be.
    max_tpr
        The most that the true-positive rate may be, by false-positive rate: ``{0.01: 0.05}``.
    limits
        The same of any measures by name: ``{"excess": 0.05}``. Without any limit the verdict decides.
    on
        Whether intervals or estimates alone (``point``) are compared.
    attack, defense, method
        Whose figures count, as the command takes them.

    Raises
    ------
    AssertionError
        If a limit is exceeded, or the run cannot decide whether it is; the message has a line for each.
    AuditError
        If the run has no such figure, or cannot be read.
    """
    __tracebackhide__ = True
    asked = [
        *([] if max_auc is None else [("auc", max_auc)]),
        *((f"{TPR}{rate}", most) for rate, most in (max_tpr or {}).items()),
        *(limits or {}).items(),
    ]
    figures = Asked(attack, defense, method).of(_findings(result))
    passage = judge(figures, limits_of([f"{name}={most}" for name, most in asked]), on)
    for caution in passage.cautions:
        warnings.warn(caution, stacklevel=2)
    wrong = [f"{of.outcome}: {of.sentence}" for of in passage.judgements if of.outcome != "pass"]
    if wrong:
        raise AssertionError("\n".join(wrong))


def _findings(result: Measured) -> AnyFindings:
    if isinstance(result, str | Path):
        return read_run(Path(result))
    return result.findings if isinstance(result, AuditResult | ReleaseResult | MethodsResult) else result
