"""The steps that audits of one method and comparisons of many share: influence, worlds and the store of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unlearn_audit.attacks.influence import Influence, influence_for
from unlearn_audit.attacks.stored import ScoreStore
from unlearn_audit.audits.membership.execution import Execution, WorldMaker
from unlearn_audit.audits.membership.notes import StatsByArm, attach_groups, described, note_on_classes
from unlearn_audit.audits.membership.plan import AuditPlan
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.executors import elsewhere
from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.errors import AuditError, TrainingTimeout
from unlearn_audit.findings.tables import SideTables, Tables
from unlearn_audit.models.privacy import Spent
from unlearn_audit.observations import Observations
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.threads import one_thread


@dataclass(frozen=True)
class Observed:
    """The worlds of an audit, made and queried.

    Attributes
    ----------
    tables
        By arm.
    stats
        What is known of the models besides their answers, by arm and side.
    spent
        What the trainings of an arm spent of their privacy, by arm.
    """

    tables: Tables
    stats: StatsByArm
    spent: Mapping[str, Spent]


def observe(plan: AuditPlan, maker: WorldMaker) -> Observed:
    """Make or fetch the worlds of every arm."""
    tasks = [(arm.name, side, task) for arm in plan.arms for side, task in arm.tasks.items()]
    found: dict[str, dict[str, Observations]] = {arm.name: {} for arm in plan.arms}
    stats: dict[tuple[str, str], WorldStats] = {}
    spent: dict[str, Spent] = {}
    observed = maker.observe([task for _, _, task in tasks])
    for (arm, side, _), (task, table, of_side) in zip(tasks, observed, strict=True):
        table = described(task, table, of_side)
        found[arm][side] = attach_groups(table, plan.task.records["target"]) if side == "target" else table
        stats[arm, side] = of_side
        if side == "target" and of_side.spent is not None:
            spent[arm] = of_side.spent
    return Observed({arm: SideTables(**sides) for arm, sides in found.items()}, stats, spent)


def with_target_classes(plan: AuditPlan, observed: Observed) -> tuple[AuditPlan, Observed]:
    """Return a plan and what came of it, with a note and the target's names where the shadow side's classes differ."""
    classes = {side: table.classes for side, table in observed.tables[UNDEFENDED].by_side.items()}
    if classes["shadow"] == classes["target"]:
        return plan, observed
    tables = {
        arm: replace(sides, shadow=replace(sides.shadow, classes=classes["target"]))
        for arm, sides in observed.tables.items()
    }
    return (
        plan.noting(Caution(note_on_classes(classes["shadow"], classes["target"]))),
        replace(observed, tables=tables),
    )


def with_influence(plan: AuditPlan, execution: Execution) -> AuditPlan:
    """Train the attacker's own model, if an attack computes with it; leave these attacks out if that fails.

    Raises
    ------
    AuditError
        If an attack was asked for by name that cannot be had.
    """
    if not plan.attacks.needs_influence:
        return plan
    show = execution.reporter.stage("Training the attacker's own model", 1)
    try:
        with one_thread():
            influence = elsewhere(lambda: _influence(plan))
    except TrainingTimeout:
        raise
    except Exception as error:
        message = " ".join(str(error).split())
        reason = message if isinstance(error, AuditError) else f"{type(error).__name__}: {message}"
        if plan.task.config.attacks is not None:
            raise AuditError(
                f"the effect of deletions is not known, and a requested attack needs it: {reason}"
            ) from error
        return plan.with_influence(None).noting(Caution(f"influence attacks were left out: {reason}"))
    show(1)
    return plan.with_influence(influence)


def _influence(plan: AuditPlan) -> Influence:
    """Return what deletions change, from the attacker's own records."""
    own, target = plan.undefended.tasks["shadow"].plan.candidates, plan.undefended.tasks["target"]
    influence = influence_for(target.source, target.data, own, target.plan.sizes.train_size, plan.task.config.seed)
    # whatever it cannot do shows now, and not when all worlds are trained
    influence.change(own[:2], target.plan.references[:2])
    return influence


def score_store(plan: AuditPlan, maker: WorldMaker) -> ScoreStore:
    """Return where the scores of a plan's attacks are kept, and what decides those that compute with influences."""
    task, influence = plan.undefended.tasks["target"], None
    if plan.attacks.influence is not None and maker.reuse.refusal(task.source) is None:
        influence = digest(
            {
                "model": task.source.fingerprint,
                "computing": task.computing(),
                "data": dataset_fingerprint(task.data),
                "own": [int(of) for of in plan.undefended.tasks["shadow"].plan.candidates],
                "train_size": task.plan.sizes.train_size,
                "seed": plan.task.config.seed,
            }
        )
    return ScoreStore(maker.store, maker.reuse.policy, task.about, influence)
