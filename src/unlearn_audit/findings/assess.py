"""From two tables of observations to findings: attacks, their scores, and every figure with its interval.

This is all that happens after the table, for observations of our own making and for files alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.base import label
from unlearn_audit.attacks.formula.label_only import PROBED
from unlearn_audit.attacks.run import PLAIN, Failure, Policy, run_attacks
from unlearn_audit.config import THREE_WAY, AuditConfig
from unlearn_audit.defenses import UNDEFENDED, parse_defense, release_utility
from unlearn_audit.findings.attack_figures import DefendedTable, Played, compared_with_the_papers, results_of, selected
from unlearn_audit.findings.attack_plan import AttackPlan
from unlearn_audit.findings.breakdowns import risk_of_groups, risk_of_records, time_of_deletion
from unlearn_audit.findings.comparison import ArmsComparison
from unlearn_audit.findings.kinds import Retrained
from unlearn_audit.findings.measured import ByArm, measured
from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.findings.sections import (
    DefenseCost,
    DeletionTime,
    FailedAttack,
    GroupRisk,
    PaperComparison,
    PrivacySpent,
    RecordRisk,
    RetrainingComparison,
    ThreeWay,
)
from unlearn_audit.findings.tables import NONE, RETRAINING, SideTables, Tables, check_agreement
from unlearn_audit.findings.three_arms import compare_arms, play_arm
from unlearn_audit.findings.three_way import rows_of_all_roles, three_way
from unlearn_audit.models.privacy import NEIGHBOURS, Spent
from unlearn_audit.observations import Observations
from unlearn_audit.observations.memory import constant
from unlearn_audit.unlearning import Exactness, options_of

_IDENTITY = ["world", "request", "record", "query", "role", "paper"]

Progress = Callable[[], None]
"""Called when an attack is done."""


@dataclass(frozen=True)
class Assessment:
    """What the attacks found.

    Attributes
    ----------
    results
        Every figure: game by game, attack by attack, on the paper's rows and on all.
    selected
        The attack to lead with, chosen by cross-validation over shadow worlds in the first game.
    scores
        One row a target record, game and defence (adapted to or not), one column an attack.
    released
        What each defence costs; empty where labels are not known.
    moved
        The share of the target's rows with an answer that changed, undefended; None where one version alone is known.
    retrained
        What exact retraining makes of the answers, where another method is audited.
    groups, record_risk
        The leading attack inside groups of records, and record by record.
    deletion_time, three_way, paper
        Which update of a chain deleted a record, all three roles at once, and the paper's best next to the leading
        attack, where they can be had.
    arms
        Every attack of the first game alongside exact retraining and no unlearning, where there are such arms.
    failed
        Attacks that failed, and why.
    """

    results: tuple[Result, ...]
    selected: Selected
    scores: pd.DataFrame
    released: tuple[DefenseCost, ...]
    moved: float | None
    retrained: Retrained | None
    groups: tuple[GroupRisk, ...]
    record_risk: RecordRisk | None
    deletion_time: DeletionTime | None
    three_way: ThreeWay | None
    paper: PaperComparison | None
    arms: ArmsComparison | None
    failed: tuple[FailedAttack, ...]

    @property
    def retraining(self) -> RetrainingComparison | None:
        """The leading attack alongside exact retraining, where there is such an arm."""
        leading = (self.selected.attack, self.selected.attack_model)
        attacks = () if self.arms is None else self.arms.attacks
        found = next((of for of in attacks if (of.attack, of.attack_model) == leading), None)
        if self.arms is None or found is None:
            return None
        same = {name: getattr(found, name) for name in RetrainingComparison.model_fields if hasattr(found, name)}
        return RetrainingComparison(game=self.arms.game, method=self.arms.method, **same)


def assess(
    tables: Tables,
    plan: AttackPlan,
    jobs: int = 1,
    progress: Progress = lambda: None,
    spent: Mapping[str, Spent] | None = None,
    policy: Policy = PLAIN,
    measures: ByArm | None = None,
) -> Assessment:
    """Run the attacks of a plan and measure them.

    Parameters
    ----------
    tables
        Of models trained plainly under `UNDEFENDED`, of the same retrained exactly under `RETRAINING`, and of those
        trained under a defence under its text.
    plan
        The attacks of each game, and the defences.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.
    spent
        What the trainings of an arm spent of their privacy.
    policy
        How attacks are run; one that fails while the others go on is reported in the end.
    measures
        What was measured of the target's pairs besides their answers, by arm.

    Raises
    ------
    AuditError
        If the tables do not fit together, or lack a role that a game needs.
    """
    undefended, config = tables[UNDEFENDED], plan.config
    check_agreement(undefended)
    rounds = _rounds(tables, plan)
    if THREE_WAY in config.games:
        for side, table in undefended.by_side.items():
            rows_of_all_roles(table, side)
    games = _play_games(rounds, plan, jobs, progress, policy)
    first, leading = games.first, games.first.leading.scores
    arms, failed = _beside(first, tables, plan, jobs, progress, policy, measures or {})
    return Assessment(
        games.results,
        selected(first),
        games.scores,
        _costs([table for _, scored in rounds for table in scored], spent or {}),
        share_moved(undefended.target),
        _retrained(tables, config),
        risk_of_groups(first.rows, first.game, leading),
        risk_of_records(first.rows, first.game, leading),
        time_of_deletion(undefended.shadow, undefended.target, first.game) if "sequence" in config.views else None,
        three_way(undefended.shadow, undefended.target, config.seed) if THREE_WAY in config.games else None,
        compared_with_the_papers(first),
        arms,
        _failed((*games.failures, *failed)),
    )


_WORDS = {RETRAINING: "retrained", NONE: "not unlearned"}
"""What the worlds of the arms compared with a method's are called."""


def _beside(
    first: Played,
    tables: Tables,
    plan: AttackPlan,
    jobs: int,
    progress: Progress,
    policy: Policy,
    measures: ByArm,
) -> tuple[ArmsComparison | None, tuple[Failure, ...]]:
    """Play the first game on the arms compared with a method's, and compare; None without an arm of retraining."""
    if RETRAINING not in tables:
        return None, ()
    attacks = [of.attack for of in first.outcomes]
    played: dict[str, tuple[Played, SideTables]] = {}
    failed: list[Failure] = []
    for arm, words in _WORDS.items():
        if arm in tables:
            of_arm, failures = play_arm(
                first.game, attacks, tables[arm], words, plan.config.seed, jobs, progress, policy
            )
            played[arm] = of_arm, tables[arm]
            failed += failures
    found = compare_arms(
        plan.config.unlearning.method,
        (first, tables[UNDEFENDED]),
        played[RETRAINING],
        played.get(NONE),
        measured(*(measures.get(arm) for arm in (UNDEFENDED, RETRAINING, NONE))),
    )
    return found, tuple(failed)


Round = tuple[Observations, list[DefendedTable]]
"""A shadow table that attacks are fitted on, and the tables that they then score."""


def _rounds(tables: Tables, plan: AttackPlan) -> list[Round]:
    """Return what attacks are fitted on, and the tables they score.

    The attacker who adapts fits on defended shadow worlds; the one who does not, once, on undefended ones.
    """
    undefended = tables[UNDEFENDED]
    naive = [DefendedTable(of, False, of.apply(tables[of.training].target)) for of in plan.defenses]
    adaptive = [
        (of.defense.apply(tables[of.defense.training].shadow), [DefendedTable(of.defense, True, of.table)])
        for of in naive
    ]
    return [(undefended.shadow, [DefendedTable(parse_defense(UNDEFENDED), True, undefended.target), *naive]), *adaptive]


@dataclass(frozen=True)
class _Games:
    """What came of all games.

    Attributes
    ----------
    first
        The first game, undefended: the one to lead with.
    results, scores
        As in `Assessment`.
    failures
        The attacks that failed, in each game.
    """

    first: Played
    results: tuple[Result, ...]
    scores: pd.DataFrame
    failures: tuple[Failure, ...]


def _play_games(rounds: Sequence[Round], plan: AttackPlan, jobs: int, progress: Progress, policy: Policy) -> _Games:
    """Play every game of a plan and measure each attack on each table under attack."""
    results: list[Result] = []
    scores: list[pd.DataFrame] = []
    failures: list[Failure] = []
    undefended: list[Played] = []
    for game in plan.by_game:
        for defended, played, failed in _play(game, rounds, plan, jobs, progress, policy):
            results += results_of(played, defended)
            scores.append(_scores(played, defended))
            failures += failed
            if defended.defense.name == UNDEFENDED:
                undefended.append(played)
    return _Games(undefended[0], tuple(results), _stacked(scores), tuple(failures))


def _play(
    name: str, rounds: Sequence[Round], plan: AttackPlan, jobs: int, progress: Progress, policy: Policy
) -> Iterator[tuple[DefendedTable, Played, tuple[Failure, ...]]]:
    """Yield each table with what the attacks of a game made of it, and those that failed in its round."""
    game = GAMES[name]
    target = rounds[0][1][0].table
    rows: Observations | None = None
    for fitted_on, scored in rounds:
        attacked = [defended.table for defended in scored]
        run = run_attacks(
            plan.by_game[name].runs,
            game,
            fitted_on,
            attacked,
            plan.config.seed,
            jobs,
            progress,
            policy,
        )
        # not before, as they take half of what the attacks were handed
        rows = target.select(game.rows(target, "the target side")) if rows is None else rows
        for defended, outcomes in zip(scored, run.scores, strict=True):
            yield defended, Played(game, rows, outcomes), run.failures


def _scores(played: Played, defended: DefendedTable) -> pd.DataFrame:
    """Return one row a target record, one column an attack."""
    identity = {name: played.rows.rows[name] for name in _IDENTITY}
    columns = {label(o.attack): pd.Series(o.scores, copy=False) for o in played.outcomes}
    of_all = {"game": played.game.name, "defense": defended.defense.name, "adaptive": defended.adaptive}
    shared = {name: constant(value, len(played.rows)) for name, value in of_all.items()}
    return pd.DataFrame({**identity, **columns, **shared}, copy=False)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames below each other; a single one is not copied."""
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _failed(failures: Sequence[Failure]) -> tuple[FailedAttack, ...]:
    """Return failures as findings, each once."""
    return tuple(
        dict.fromkeys(
            FailedAttack(attack=f.attack.name, attack_model=f.attack.attack_model, game=f.game, reason=f.reason)
            for f in failures
        )
    )


def _costs(tables: Sequence[DefendedTable], spent: Mapping[str, Spent]) -> tuple[DefenseCost, ...]:
    """Return what each defence costs its users, and what privacy its trainings spent; none without labels."""
    costs = []
    for defended in {of.defense.name: of for of in tables}.values():
        utility = release_utility(defended.table)
        of_training = spent.get(defended.defense.training)
        privacy = None if of_training is None else PrivacySpent(neighbours=NEIGHBOURS, **asdict(of_training))
        if utility is not None:
            costs.append(DefenseCost(defense=defended.defense.name, **asdict(utility), privacy=privacy))
    return tuple(costs)


def _retrained(tables: Tables, config: AuditConfig) -> Retrained | None:
    """Return what exact retraining does to the answers, unless the method audited is exact itself."""
    if options_of(config.unlearning).exactness is Exactness.EXACT:
        return None
    if RETRAINING not in tables:
        return "unknown"
    return "changes" if share_moved(tables[RETRAINING].target) else None


def share_moved(table: Observations) -> float | None:
    """Return the share of rows, references and probes included, with an answer that differs between any two versions.

    Returns
    -------
    float or None
        None where there is one version alone.
    """
    if table.n_versions < 2 or not len(table):
        return None
    answers = [table.posteriors, *(table.signals[name] for name in PROBED if name in table.signals)]
    moved = np.zeros(len(table), dtype=bool)
    for of in answers:
        moved |= (of[:, 1:] != of[:, :1]).reshape(len(table), -1).any(axis=1)
    return float(moved.mean())
