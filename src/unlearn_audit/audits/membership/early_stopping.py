"""Stopping early: target worlds are added until the interval of the leading attack's AUC is narrow enough.

Shadow worlds stay as they are, and the leading attack is chosen on them alone: no number of target worlds changes
which attack the rule watches. When to look, and when to stop, says `unlearn_audit.metrics.WidthRule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from unlearn_audit.attacks import GAMES, Attacks
from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.influence.precompute import precompute_influence
from unlearn_audit.attacks.run import Policy, run_attacks
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.plan import SIDE_NAMES, AuditPlan
from unlearn_audit.config import FEWEST_WORLDS_UNTIL, AuditConfig, UntilConfig
from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.findings.attack_figures import leading_attack
from unlearn_audit.findings.sections import Look, Stopping
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import Clusters, Estimate, WidthRule, auc_interval, half_width
from unlearn_audit.observations import Observations

Observe = Callable[[Sequence[SideTask]], Iterable[tuple[SideTask, Observations, WorldStats]]]
"""Makes or fetches the worlds of some sides."""


@dataclass(frozen=True)
class Stopped:
    """How an audit that stops early came to its number of target worlds.

    Attributes
    ----------
    stopping
        Every look.
    made
        How many worlds had to be made on the way.
    """

    stopping: Stopping
    made: int


def add_worlds_until(until: UntilConfig, plan: AuditPlan, observe: Observe, execution: Execution) -> Stopped:
    """Train target worlds until the rule of a configuration says to stop.

    Parameters
    ----------
    until
        When to stop.
    plan
        The audit; of its undefended arm, the attacks of the first game are watched.
    observe
        Makes worlds, and fetches those that were made before.
    execution
        Worker processes of the attacks, progress, and whether an attack that fails is left out of the looks and the
        others go on; the audit reports it in the end.
    """
    rule = WidthRule(until.auc, until.at_most)
    first: str = plan.task.config.two_way_games[0]
    attacks: Sequence[Attack] = plan.attacks.by_game[first].runs
    worlds, made = max(FEWEST_WORLDS_UNTIL, plan.task.config.worlds.target), 0
    tables: dict[str, Observations] = {}
    looks: list[Look] = []
    while not looks or looks[-1].worlds != worlds:
        sides = [side for side in SIDE_NAMES if side == "target" or not looks]
        # the other arms grow as far in the end, and those that share originals are made with them
        arms = [arm.with_target_worlds(worlds) for arm in plan.arms]
        tasks = {(arm.name, side): arm.tasks[side] for arm in arms for side in sides}
        for (arm, side), (task, table, stats) in zip(tasks, observe(list(tasks.values())), strict=True):
            if arm == plan.undefended.name:
                tables[side] = table
            made += task.plan.n_worlds - stats.reused
        watched = {first: Attacks(tuple(attacks))}
        precompute_influence(plan.attacks.influence, watched, tables.values(), execution.jobs, execution.reporter)
        attack, estimate = _look(attacks, first, SideTables(**tables), plan.task.config, execution)
        attacks = [attack]
        looks.append(Look(worlds=worlds, half_width=half_width(estimate)))
        worlds = rule.next(worlds, looks[-1].half_width)
    return Stopped(Stopping(asked=until.auc, at_most=until.at_most, looks=tuple(looks)), made)


def _look(
    attacks: Sequence[Attack], name: str, tables: SideTables, config: AuditConfig, execution: Execution
) -> tuple[Attack, Estimate]:
    """Return the best of some attacks on shadow worlds, and the interval of its AUC on all target rows."""
    game, target = GAMES[name], tables.target
    show = execution.reporter.stage(f"Looking at {target.rows['world'].nunique():,} target worlds", len(attacks))
    done = iter(range(1, len(attacks) + 1))
    run = run_attacks(
        attacks,
        game,
        tables.shadow,
        [target],
        config.seed,
        execution.jobs,
        lambda: show(next(done)),
        Policy(execution.keep_going, config.fit_rows),
    )
    leading = leading_attack(run.scores[0])
    rows = target.select(game.rows(target, "the target side"))
    positive = rows.roles == game.positive
    return leading.attack, auc_interval(leading.scores, positive, Clusters(rows.worlds, rows.records))
