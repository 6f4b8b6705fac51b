"""What a comparison would take, before it is run."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.forecast.cost import forecast_of, planning_claims
from unlearn_audit.audits.membership.forecast.figures import Forecast
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.plan import Asked, plan_methods
from unlearn_audit.audits.methods.sentences import skipped_words


def forecast_methods(task: AuditTask, asked: Sequence[Asked], execution: Execution) -> Forecast:
    """Return what comparing some methods would take, originals that they share counted once; nothing is stored.

    A method that would fail is a note, and the others go on.

    Raises
    ------
    AuditError
        If the comparison could not be run.
    """
    plan = plan_methods(task, asked, planning_claims(task.config, execution))
    return forecast_of(plan.audit.noting(*skipped_words(plan.skipped)), execution, spared=plan.methods)
