"""What a comparison would take, before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unlearn_audit.audits.membership.arms import Arm
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.forecast.cost import Forecast, SideCost, forecast_of, planning_claims
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.plan import Asked, plan_methods
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.engine.work import shared_by

_ASSUMPTION = (
    "originals that several methods start from are trained once and counted once, with the first of them; the time "
    "counts them with each, so that it is the most that this takes"
)


def forecast_methods(task: AuditTask, asked: Sequence[Asked], execution: Execution) -> Forecast:
    """Return what comparing some methods would take; nothing is stored.

    Raises
    ------
    AuditError
        If the comparison could not be run.
    """
    plan = plan_methods(task, asked, planning_claims(task.config, execution))
    skipped = tuple(f"{text} is left out: {why}" for text, why in plan.skipped.items())
    found = forecast_of(plan.audit.noting(*skipped), execution)
    sides = _originals_once(found.cost.sides, plan.audit.arms)
    return replace(found, cost=replace(found.cost, sides=sides), assumptions=(*found.assumptions, _ASSUMPTION))


def _originals_once(sides: Sequence[SideCost], arms: Sequence[Arm]) -> tuple[SideCost, ...]:
    """Return costs in which originals that arms share count with the first of them alone."""
    tasks = {(arm.name, side): task for arm in arms for side, task in arm.tasks.items()}
    prints = {id(task.data): dataset_fingerprint(task.data) for task in tasks.values()}
    seen: set[tuple[str, str]] = set()
    counted = []
    for cost in sides:
        task = tasks[cost.arm, cost.side]
        shared = shared_by(task, prints[id(task.data)])
        again = shared is not None and (cost.side, shared) in seen
        if shared is not None:
            seen.add((cost.side, shared))
        counted.append(
            replace(
                cost,
                trainings=cost.trainings - cost.worlds,
                trainings_stored=cost.trainings_stored - cost.worlds_stored,
            )
            if again
            else cost
        )
    return tuple(counted)
