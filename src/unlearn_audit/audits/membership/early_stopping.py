"""Stopping early: target worlds are added until the interval of the leading attack's AUC is narrow enough.

Shadow worlds stay as they are, and the leading attack is chosen on them alone: no number of target worlds changes
which attack the rule watches. When to look, and when to stop, says `unlearn_audit.metrics.WidthRule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from unlearn_audit.attacks import GAMES, Attacks
from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.influence import Influence
from unlearn_audit.attacks.influence.precompute import precompute_influence
from unlearn_audit.attacks.run import Failure, run_attacks
from unlearn_audit.audits.membership.arms import Arm
from unlearn_audit.config import FEWEST_WORLDS_UNTIL, AuditConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.findings.evaluate import chosen_attacks, leading_attack
from unlearn_audit.findings.schema import Look, Stopping
from unlearn_audit.metrics import Clusters, Estimate, WidthRule, auc_interval, half_width
from unlearn_audit.observations import Observations
from unlearn_audit.utils.progress import Reporter

Observe = Callable[[Sequence[SideTask]], Iterable[tuple[SideTask, Observations, WorldStats]]]
"""Makes or fetches the worlds of some sides."""


def grow(
    arm: Arm,
    config: AuditConfig,
    observe: Observe,
    jobs: int,
    reporter: Reporter,
    influence: Influence | None = None,
    *,
    keep_going: bool = False,
) -> tuple[Stopping, int]:
    """Train target worlds until the rule of a configuration says to stop.

    Parameters
    ----------
    arm
        The undefended arm.
    config
        What is asked; it has an ``until``.
    observe
        Makes worlds, and fetches those that were made before.
    jobs
        Worker processes of the attacks.
    reporter
        Shows how far the attacks are.
    influence
        The influence of each record, for the attacks that need it.
    keep_going
        Whether an attack that fails is left out of the looks and the others go on; the audit tells of it in the end.

    Returns
    -------
    stopping, made
        Every look; and how many worlds had to be made on the way.
    """
    assert config.until is not None
    rule = WidthRule(config.until.auc, config.until.at_most)
    attacks: Sequence[Attack] = ()
    worlds, made = max(FEWEST_WORLDS_UNTIL, config.worlds.target), 0
    tables: dict[str, Observations] = {}
    looks: list[Look] = []
    while not looks or looks[-1].worlds != worlds:
        sides = [side for side in arm.tasks if side == "target" or not looks]
        tasks = [arm.with_target_worlds(worlds).tasks[side] for side in sides]
        for side, (task, table, stats) in zip(sides, observe(tasks), strict=True):
            tables[side] = table
            made += task.plan.n_worlds - stats.reused
        first = config.two_way_games[0]
        attacks = attacks or chosen_attacks(config, {UNDEFENDED: tables}, influence)[first].runs
        precompute_influence(influence, {first: Attacks(tuple(attacks))}, tables.values(), jobs, reporter)
        attack, estimate = _look(attacks, config, tables, jobs, reporter, [] if keep_going else None)
        attacks = [attack]
        looks.append(Look(worlds=worlds, half_width=half_width(estimate)))
        worlds = rule.next(worlds, looks[-1].half_width)
    return Stopping(asked=config.until.auc, at_most=config.until.at_most, looks=tuple(looks)), made


def _look(
    attacks: Sequence[Attack],
    config: AuditConfig,
    tables: dict[str, Observations],
    jobs: int,
    reporter: Reporter,
    failures: list[Failure] | None,
) -> tuple[Attack, Estimate]:
    """Return the best of some attacks on shadow worlds, and the interval of its AUC on all target rows."""
    game, target = GAMES[config.two_way_games[0]], tables["target"]
    show = reporter.stage(f"Looking at {target.rows['world'].nunique():,} target worlds", len(attacks))
    done = iter(range(1, len(attacks) + 1))
    (outcomes,) = run_attacks(
        attacks, game, tables["shadow"], [target], config.seed, jobs, lambda: show(next(done)), failures
    )
    leading = leading_attack(outcomes)
    rows = target.select(game.rows(target, "the target side"))
    positive = rows.roles == game.positive
    return leading.attack, auc_interval(leading.scores, positive, Clusters(rows.worlds, rows.records))
