"""Runs an audit: plan -> worlds -> tables of observations -> attacks -> findings."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import pandas as pd

from unlearn_audit.attacks.influence.precompute import precompute_influence
from unlearn_audit.attacks.run import Policy
from unlearn_audit.attacks.stored import ScoreStore
from unlearn_audit.audits.membership.early_stopping import add_worlds_until
from unlearn_audit.audits.membership.execution import Execution, WorldMaker
from unlearn_audit.audits.membership.notes import (
    gaps,
    min_mean_max,
    notes_on,
    parameters_of,
    side_details,
    warning_texts,
)
from unlearn_audit.audits.membership.plan import SIDE_NAMES, AuditPlan, plan_audit
from unlearn_audit.audits.membership.result import AuditResult, tables_by_name
from unlearn_audit.audits.membership.steps import (
    Observed,
    observe,
    score_store,
    with_influence,
    with_target_classes,
)
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine.store.keys import COMPUTING_LIBRARIES
from unlearn_audit.engine.store.temporary import temporary_data_in
from unlearn_audit.findings.assess import Assessment, assess
from unlearn_audit.findings.attack_plan import AttackPlan
from unlearn_audit.findings.measured import costs
from unlearn_audit.findings.notes import Note, as_note
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Spread, Stopping
from unlearn_audit.findings.tables import Tables
from unlearn_audit.models.privacy import Spent
from unlearn_audit.observations import Observations
from unlearn_audit.report.signing import made_now
from unlearn_audit.report.verdict import verdict
from unlearn_audit.utils.logs import LOGGER


@dataclass(frozen=True)
class Provenance:
    """Where tables come from: what findings state besides figures.

    Attributes
    ----------
    config
        The configuration that findings state.
    identity
        What makes this audit another than any other.
    dataset, model, regime, regime_note
        What was audited, and the regime that the models really ran.
    details
        Sizes, by side.
    overfitting
        Train minus test accuracy of the originals, by side; None where not known.
    notes
        What should be known.
    stopping
        How an audit that stops early came to its worlds.
    spent
        What the trainings of an arm spent of their privacy, by arm.
    timing
        What does not change results.
    measures
        What was measured of the pairs of the target side, by arm, see `unlearn_audit.engine.WorldStats`.
    """

    config: dict[str, Any]
    identity: Mapping[str, Any]
    dataset: str
    model: str
    regime: str
    regime_note: str | None
    details: dict[str, Any]
    overfitting: dict[str, Spread] | None
    notes: tuple[Note, ...]
    stopping: Stopping | None = None
    spent: Mapping[str, Spent] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def run_audit(task: AuditTask, execution: Execution) -> AuditResult:
    """Train, observe, attack and measure.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, a model fails, or the attacks cannot be fitted.
    """
    with execution.around(task.config):
        return _run_audit(task, execution)


def _run_audit(task: AuditTask, execution: Execution) -> AuditResult:
    started = time.perf_counter()
    config = task.config
    maker = WorldMaker.of(config, execution)
    reuse_notes = maker.reuse.notes(task.models.values())
    plan = plan_audit(task, maker.claims()).noting(*reuse_notes)
    for note in reuse_notes:
        execution.reporter.say(note)
    plan = with_influence(plan, execution)
    stopped = None
    if config.until is not None:
        stopped = add_worlds_until(config.until, plan, maker.observe, execution)
        plan = plan.with_target_worlds(stopped.stopping.worlds).noting(stopped.stopping.sentence)
    plan, observed = with_target_classes(plan, observe(plan, maker))
    made_before = 0 if stopped is None else stopped.made
    timing = {
        "executor": maker.executor.name,
        "seconds_worlds": round(time.perf_counter() - started, 2),
        "worlds_reused": sum(stats.reused for stats in observed.stats.values()) - made_before,
        "worlds_remade": len(maker.reuse.remade),
        "store": str(maker.store.folder),
        "training_warnings": warning_texts(observed.stats),
        "parameters": parameters_of(observed.stats),
        "unlearning": costs({arm: of.measures for (arm, side), of in observed.stats.items() if side == "target"}),
    }
    stopping = None if stopped is None else stopped.stopping
    origin = _provenance(plan, observed, stopping, timing)
    return evaluate_tables(observed.tables, plan.attacks, origin, execution, score_store(plan, maker))


def _provenance(
    plan: AuditPlan, observed: Observed, stopping: Stopping | None, timing: Mapping[str, Any]
) -> Provenance:
    task, tables = plan.task, observed.tables[UNDEFENDED]
    return Provenance(
        config=task.config.model_dump(mode="json"),
        identity=task.identity,
        dataset=task.records["target"].data.name,
        model=task.models["target"].name,
        regime=plan.regime,
        regime_note=plan.regime_note,
        details={side: side_details(plan.undefended.tasks[side]) for side in SIDE_NAMES},
        overfitting={side: min_mean_max(observed.stats[UNDEFENDED, side].overfitting) for side in SIDE_NAMES},
        notes=(*map(as_note, plan.notes), *notes_on(task.records, tables.by_side, observed.stats)),
        stopping=stopping,
        spent=observed.spent,
        timing=timing,
        measures={arm: of.measures for (arm, side), of in observed.stats.items() if side == "target"},
    )


def evaluate_tables(
    tables: Tables, plan: AttackPlan, origin: Provenance, execution: Execution, kept: ScoreStore | None = None
) -> AuditResult:
    """Attack tables and put the findings together: the same for our own observations and for files.

    Parameters
    ----------
    tables
        By arm.
    plan
        The attacks of each game, and the defences.
    origin
        Where the tables come from.
    execution
        Worker processes, progress, and whether an attack that fails is left out.
    kept
        Where scores of attacks are kept; None for nowhere.

    Raises
    ------
    AuditError
        If the tables do not fit together, or an attack fails.
    """
    started = time.perf_counter()
    every = (table for sides in tables.values() for table in sides)
    n = plan.n_fits(list(tables))
    done = iter(range(1, n + 1))
    with temporary_data_in(execution.store_folder):
        precompute_influence(plan.influence, plan.by_game, every, execution.jobs, execution.reporter)
        show = execution.reporter.stage("Fitting attacks", n)
        found = assess(
            tables,
            plan,
            execution.jobs,
            lambda: show(next(done)),
            origin.spent,
            Policy(execution.keep_going, plan.config.fit_rows, kept),
            origin.measures,
        )
    used = {
        "jobs": execution.jobs,
        **origin.timing,
        "seconds_attacks": round(time.perf_counter() - started, 2),
        "not_run": [dict(zip(("attack", "attack_model", "reason"), of, strict=True)) for of in plan.not_run],
        "python": platform.python_version(),
        "unlearn-audit": version("unlearn-audit"),
        **made_now(execution.owner),
        **{name: version(name) for name in COMPUTING_LIBRARIES},
    }
    findings = _findings(
        found, tables[UNDEFENDED].target, (*plan.notes, *plan.notes_on_rows(tables[UNDEFENDED].shadow)), origin, used
    )
    LOGGER.info("%s", findings.in_short)
    for note in findings.warnings:
        LOGGER.warning("%s", note)
    return AuditResult(findings, found.scores, tables_by_name(tables), origin.identity)


def _findings(
    found: Assessment, target: Observations, notes: Sequence[str], origin: Provenance, execution: dict[str, Any]
) -> Findings:
    """Put together what is known of the tables and what the attacks found."""
    return Findings(
        config=origin.config,
        dataset=origin.dataset,
        model=origin.model,
        regime=origin.regime,
        regime_note=origin.regime_note,
        canaries=target.canaries,
        details=origin.details,
        selected=found.selected,
        overfitting=origin.overfitting,
        verdict=verdict(
            found.results,
            found.selected,
            origin.regime,
            origin.regime_note,
            target.canaries,
            moved=found.moved,
            record_risk=found.record_risk,
            retrained=found.retrained,
        ),
        released=found.released,
        groups=found.groups,
        record_risk=found.record_risk,
        deletion_time=found.deletion_time,
        three_way=found.three_way,
        paper=found.paper,
        retraining=found.retraining,
        arms=found.arms,
        failed=found.failed,
        moved=found.moved,
        notes=(*gaps(found.results, found.selected), *origin.notes, *map(as_note, notes)),
        stopping=origin.stopping,
        results=found.results,
        execution=execution,
    )
