"""The conductor: configuration -> worlds -> observations -> scores -> findings."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from unlearn_audit.attacks.influence import Influence, influence_for
from unlearn_audit.attacks.influence.precompute import precompute_influence
from unlearn_audit.audits.membership.arms import Arm
from unlearn_audit.audits.membership.early_stopping import grow
from unlearn_audit.audits.membership.notes import (
    described,
    gaps,
    grouped,
    notes_on,
    said_of_classes,
    side_details,
    spread,
    warning_texts,
)
from unlearn_audit.audits.membership.plan import SIDE_NAMES, has_influence, plan_audit
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.audits.membership.task import Execution, Subject
from unlearn_audit.config import AuditConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine import Store, WorldStats, default_store_folder, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.engine.store.keys import COMPUTING_LIBRARIES
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.evaluate import assess, chosen_attacks, expected_attacks, n_attacks
from unlearn_audit.findings.notes import Note, as_note
from unlearn_audit.findings.schema import Findings
from unlearn_audit.models.privacy import Spent
from unlearn_audit.observations import Observations
from unlearn_audit.report.verdict import verdict
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.threads import one_thread


def conduct(subject: Subject, execution: Execution) -> AuditResult:
    """Train, observe, attack and measure.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, a model fails, or the attacks cannot be fitted.
    """
    config, records, models = subject.config, subject.records, subject.models
    executor = executor_for(execution.executor, execution.jobs, execution.scheduler)
    started = time.perf_counter()
    store = Store(execution.store or default_store_folder())
    reuse = execution.reusing(config)
    told = reuse.notes(models.values())
    for note in told:
        execution.reporter.say(note)
    arms, notes = plan_audit(subject, Claims(store, reuse, reporter=execution.reporter))
    plain = arms[0]
    notes = (*notes, *told)

    def observe(tasks: Sequence[SideTask]) -> Iterator[tuple[SideTask, Observations, WorldStats]]:
        show = execution.reporter.stage("Training and querying worlds", sum(task.plan.n_worlds for task in tasks))
        say = execution.reporter.say if execution.explain else None
        return observe_worlds(tasks, store, executor, lambda done, _: show(done), say, reuse)

    influence, notes_of_influence = _influence(subject, plain, execution)
    notes = (*notes, *notes_of_influence)
    stopping, made_before = None, 0
    if config.until is not None:
        stopping, made_before = grow(
            plain, config, observe, execution.jobs, execution.reporter, influence, keep_going=execution.keep_going
        )
        arms = tuple(arm.with_target_worlds(stopping.worlds) for arm in arms)
        plain = arms[0]
        notes = (*notes, stopping.sentence)
    tasks = [(arm.name, side, task) for arm in arms for side, task in arm.tasks.items()]
    tables: dict[str, dict[str, Observations]] = {arm.name: {} for arm in arms}
    stats: dict[str, WorldStats] = {}
    spent: dict[str, Spent] = {}
    observed = observe([task for _, _, task in tasks])
    for (arm, side, _), (task, table, of_side) in zip(tasks, observed, strict=True):
        table = described(task, table, of_side)
        tables[arm][side] = grouped(table, records["target"]) if side == "target" else table
        stats[side if arm == UNDEFENDED else f"{arm}, {side}"] = of_side
        if side == "target" and of_side.spent is not None:
            spent[arm] = of_side.spent
    classes = {side: table.classes for side, table in tables[plain.name].items()}
    if classes["shadow"] != classes["target"]:
        notes = (*notes, Caution(said_of_classes(classes["shadow"], classes["target"])))
        for of_arm in tables.values():
            of_arm["shadow"] = replace(of_arm["shadow"], classes=classes["target"])
    trained = time.perf_counter()
    return find(
        config.model_dump(mode="json"),
        subject.identity,
        config,
        tables,
        execution,
        spent=spent,
        influence=influence,
        dataset=records["target"].data.name,
        model=models["target"].name,
        regime=str(plain.tasks["target"].unlearner.regime),
        regime_note=plain.regime_notes["target"],
        details={side: side_details(plain.tasks[side]) for side in SIDE_NAMES},
        overfitting={side: spread(stats[side].overfitting) for side in SIDE_NAMES},
        notes=(*map(as_note, notes), *notes_on(records, tables[plain.name], stats)),
        stopping=stopping,
        timing={
            "executor": executor.name,
            "seconds_worlds": round(trained - started, 2),
            "worlds_reused": sum(s.reused for s in stats.values()) - made_before,
            "store": str(store.folder),
            "training_warnings": warning_texts(stats),
        },
    )


def _influence(subject: Subject, plain: Arm, execution: Execution) -> tuple[Influence | None, tuple[str, ...]]:
    """Train the attacker's own model, if an attack will compute with it; return the influence, or why there is none.

    Raises
    ------
    AuditError
        If an attack was asked for by name that cannot be had.
    """
    config = subject.config
    attacks = expected_attacks(config, influence=has_influence(subject))
    if not any("influence" in attack.needs for of in attacks.values() for attack in of.runs):
        return None, ()
    own, target = plain.tasks["shadow"].plan.candidates, plain.tasks["target"]
    show = execution.reporter.stage("Training the attacker's own model", 1)
    try:
        with one_thread():
            influence = influence_for(target.source, target.data, own, target.plan.sizes.train_size, config.seed)
            # whatever it cannot do shows now, and not when all worlds are trained
            influence.change(own[:2], target.plan.references[:2])
    except Exception as error:
        said = " ".join(str(error).split())
        reason = said if isinstance(error, AuditError) else f"{type(error).__name__}: {said}"
        if config.attacks is not None:
            raise AuditError(
                f"what deletions change is not known, and an attack that was asked for needs it: {reason}"
            ) from error
        return None, (Caution(f"attacks that foretell deletions were left out: {reason}"),)
    show(1)
    return influence, ()


def find(
    settings: dict[str, Any],
    identity: Mapping[str, Any],
    config: AuditConfig,
    tables: Mapping[str, Mapping[str, Observations]],
    execution: Execution,
    *,
    spent: Mapping[str, Spent] | None = None,
    influence: Influence | None = None,
    timing: dict[str, Any],
    regime: str,
    regime_note: str | None,
    notes: tuple[Note, ...],
    **facts: Any,
) -> AuditResult:
    """Attack the tables and put the findings together: the same for our own observations and for files."""
    started = time.perf_counter()
    chosen = chosen_attacks(config, tables, influence)
    of_sides = (table for of_arm in tables.values() for table in of_arm.values())
    precompute_influence(influence, chosen, of_sides, execution.jobs, execution.reporter)
    n = n_attacks(config, chosen, tables)
    show = execution.reporter.stage("Fitting attacks", n)
    done = iter(range(1, n + 1))
    found = assess(
        tables,
        config,
        execution.jobs,
        lambda: show(next(done)),
        spent,
        chosen,
        keep_going=execution.keep_going,
    )
    canaries = tables[UNDEFENDED]["target"].canaries
    findings = Findings(
        config=settings,
        canaries=canaries,
        selected=found.selected,
        verdict=verdict(
            found.results,
            found.selected,
            regime,
            regime_note,
            canaries,
            found.retraining,
            moved=found.moved,
            record_risk=found.record_risk,
        ),
        moved=found.moved,
        results=found.results,
        released=found.released,
        groups=found.groups,
        record_risk=found.record_risk,
        deletion_time=found.deletion_time,
        three_way=found.three_way,
        paper=found.paper,
        retraining=found.retraining,
        failed=found.failed,
        regime=regime,
        regime_note=regime_note,
        notes=(
            *gaps(found.results, found.selected),
            *notes,
            *map(as_note, dict.fromkeys(note for attacks in chosen.values() for note in attacks.notes)),
        ),
        execution={
            "jobs": execution.jobs,
            **timing,
            "seconds_attacks": round(time.perf_counter() - started, 2),
            "python": platform.python_version(),
            "unlearn-audit": version("unlearn-audit"),
            **{name: version(name) for name in COMPUTING_LIBRARIES},
        },
        **facts,
    )
    # as they lie in the run folder: shadow, target, and of other arms shadow-retraining or shadow-dp-sgd-4
    named = {
        side if arm == UNDEFENDED else f"{side}-{arm.replace(':', '-')}": table
        for arm, of_arm in tables.items()
        for side, table in of_arm.items()
    }
    return AuditResult(findings, found.scores, named, identity)
