"""Runs a comparison: one plan of all worlds -> worlds -> every attack on every arm -> a row for each method."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.influence.precompute import precompute_influence
from unlearn_audit.attacks.run import Failure, Policy
from unlearn_audit.audits.membership.arms import not_kept
from unlearn_audit.audits.membership.execution import Execution, WorldMaker
from unlearn_audit.audits.membership.notes import notes_on, parameters_of, side_details, warning_texts
from unlearn_audit.audits.membership.plan import SIDE_NAMES, AuditPlan
from unlearn_audit.audits.membership.steps import Observed, observe, score_store, with_influence, with_target_classes
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.audits.methods.plan import Asked, MethodsPlan, plan_methods
from unlearn_audit.audits.methods.result import MethodsResult
from unlearn_audit.audits.methods.rows import PlayedArm, rows_of
from unlearn_audit.audits.methods.sentences import limits_of, summary_of
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine.store.keys import COMPUTING_LIBRARIES
from unlearn_audit.errors import AuditError, TrainingTimeout
from unlearn_audit.findings.notes import Note, as_note
from unlearn_audit.findings.tables import RETRAINING, check_agreement
from unlearn_audit.findings.three_arms import play_arm
from unlearn_audit.report.signing import made_now
from unlearn_audit.unlearning import code_of
from unlearn_audit.utils.notes import Caution

_REFERENCES = (UNDEFENDED, RETRAINING)
"""The arms without which nothing can be compared: not unlearned, and retrained."""


def identity_of(task: AuditTask, asked: Sequence[Asked]) -> dict[str, Any]:
    """Return what makes a comparison another than any other."""
    code = {of.text: None if (found := code_of(of.config)) is None else found.digest for of in asked}
    return {**task.identity, "methods": code}


def compare(task: AuditTask, asked: Sequence[Asked], execution: Execution) -> MethodsResult:
    """Train, observe, attack and measure the worlds of every method.

    Parameters
    ----------
    task
        Data, models, and what is asked besides methods.
    asked
        The methods, see `unlearn_audit.audits.methods.plan.methods_asked`.
    execution
        What does not change results.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, or a method that was named cannot unlearn from such models, before anything is
        trained; or if a reference fails. A method that fails later is a row that says why.
    """
    with execution.around(task.config):
        return _compare(task, asked, execution)


def _compare(task: AuditTask, asked: Sequence[Asked], execution: Execution) -> MethodsResult:
    started = time.perf_counter()
    maker = WorldMaker.of(task.config, execution)
    reuse_notes = maker.reuse.notes(task.models.values())
    for note in reuse_notes:
        execution.reporter.say(note)
    plan = plan_methods(task, asked, maker.claims())
    audit = with_influence(plan.audit.noting(*reuse_notes), execution)
    for note in not_kept(audit.arms):
        execution.reporter.say(note)
    observed, failed = _observed(audit, maker)
    audit, observed = with_target_classes(audit, observed)
    seconds_worlds = time.perf_counter() - started
    plan = replace(plan, audit=audit)
    played, failures = _played(audit, observed, failed, execution, maker)
    rows = rows_of(plan, played, observed.stats, failed)
    timing = {
        "jobs": execution.jobs,
        "executor": maker.executor.name,
        "seconds_worlds": round(seconds_worlds, 2),
        "seconds_attacks": round(time.perf_counter() - started - seconds_worlds, 2),
        "worlds_reused": sum(stats.reused for stats in observed.stats.values()),
        "store": str(maker.store.folder),
        "training_warnings": warning_texts(observed.stats),
        "parameters": parameters_of(observed.stats),
    }
    return MethodsResult(_findings(plan, observed, rows, failures, timing), identity_of(task, asked))


def _observed(plan: AuditPlan, maker: WorldMaker) -> tuple[Observed, dict[str, str]]:
    """Make the worlds of all arms at once; where one fails, arm by arm, and return why by the names of those that did.

    What was made before the failure is in the store.

    Raises
    ------
    AuditError
        If a reference fails.
    """
    try:
        return observe(plan, maker), {}
    except TrainingTimeout:
        raise
    except AuditError:
        pass  # whose failure it is shows arm by arm
    found = observe(replace(plan, arms=plan.arms[: len(_REFERENCES)]), maker)
    failed = {}
    for arm in plan.arms[len(_REFERENCES) :]:
        try:
            more = observe(replace(plan, arms=(arm,)), maker)
        except TrainingTimeout:
            raise
        except AuditError as error:
            failed[arm.name] = str(error)
            maker.reporter.say(f"{arm.name} failed: {error}; the other methods continue")
            continue
        found = Observed({**found.tables, **more.tables}, {**found.stats, **more.stats}, {**found.spent, **more.spent})
    return found, failed


def _played(
    plan: AuditPlan, observed: Observed, failed: dict[str, str], execution: Execution, maker: WorldMaker
) -> tuple[dict[str, PlayedArm], tuple[Failure, ...]]:
    """Fit every attack on each arm's own shadow worlds; a method on whose worlds one fails joins those that failed.

    Raises
    ------
    AuditError
        If an attack fails on a reference, unless attacks are to keep going.
    """
    check_agreement(observed.tables[UNDEFENDED])
    ((name, attacks),) = plan.attacks.by_game.items()
    every = (table for sides in observed.tables.values() for table in sides)
    precompute_influence(plan.attacks.influence, plan.attacks.by_game, every, execution.jobs, execution.reporter)
    n = plan.attacks.n_fits(list(observed.tables))
    show, done = execution.reporter.stage("Fitting attacks", n), iter(range(1, n + 1))
    policy = Policy(execution.keep_going, plan.task.config.fit_rows, score_store(plan, maker))
    played: dict[str, PlayedArm] = {}
    failures: list[Failure] = []
    words = {UNDEFENDED: "not unlearned", RETRAINING: "retrained"}
    for arm, tables in observed.tables.items():
        try:
            of_arm, more = play_arm(
                GAMES[name],
                attacks.runs,
                tables,
                words.get(arm, arm),
                plan.task.config.seed,
                execution.jobs,
                lambda: show(next(done, n)),
                policy,
            )
        except AuditError as error:
            if arm in _REFERENCES:
                raise
            failed[arm] = str(error)
            continue
        played[arm] = of_arm, tables
        failures += more
    return played, tuple(failures)


def _findings(
    plan: MethodsPlan,
    observed: Observed,
    rows: tuple[Method, ...],
    failures: Sequence[Failure],
    timing: Mapping[str, Any],
) -> MethodsFindings:
    audit, tables = plan.audit, observed.tables[UNDEFENDED]
    config = audit.task.config
    notes: list[Note] = [
        *map(as_note, (*audit.notes, *audit.attacks.notes, *audit.attacks.notes_on_rows(tables.shadow))),
        *notes_on(audit.task.records, tables.by_side, observed.stats),
        *(as_note(Caution(f"the attack {of.attack.name} was left out {of.reason}")) for of in failures),
    ]
    return MethodsFindings(
        config=config.model_dump(mode="json", exclude={"unlearning", "retraining_arm"}),
        dataset=audit.task.records["target"].data.name,
        model=audit.task.models["target"].name,
        game=config.two_way_games[0],
        details={side: side_details(audit.undefended.tasks[side]) for side in SIDE_NAMES},
        summary=summary_of(rows),
        methods=rows,
        notes=tuple(notes),
        limits=limits_of(rows, config),
        execution={
            **timing,
            "python": platform.python_version(),
            "unlearn-audit": version("unlearn-audit"),
            **made_now(),
            **{name: version(name) for name in COMPUTING_LIBRARIES},
        },
    )
