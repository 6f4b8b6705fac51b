"""From two tables of observations to findings: attacks, their scores, and every figure with its interval.

This is all that happens right of the table, for observations of our own making and for files alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.attacks import GAMES, PAPER_FEATURES, Attacks, Available, Game, attacks_of
from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.cross_validation import FEWEST_PER_ROLE, audits_by_record
from unlearn_audit.attacks.formula.label_only import PROBED
from unlearn_audit.attacks.run import AttackScores, Failure, run_attacks
from unlearn_audit.config import THREE_WAY, AuditConfig
from unlearn_audit.defenses import UNDEFENDED, Defense, parse_defense, release_utility
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.breakdowns import risk_of_groups, risk_of_records, time_of_deletion
from unlearn_audit.findings.retraining_arm import RETRAINING, beside_retraining
from unlearn_audit.findings.schema import (
    DeletionTime,
    FailedAttack,
    GroupRisk,
    PaperComparison,
    PrivacySpent,
    RecordRisk,
    Released,
    Result,
    RetrainingComparison,
    Selected,
    ThreeWay,
)
from unlearn_audit.findings.three_way import rows_of_all_roles, three_way
from unlearn_audit.metrics import LOW_FPR, Clusters, auc, auc_difference, evaluate, simultaneous_auc, tpr_at_fpr
from unlearn_audit.metrics.claims import FAMILY
from unlearn_audit.models.privacy import NEIGHBOURS, Spent
from unlearn_audit.observations import Observations
from unlearn_audit.worlds.per_record import ROLES

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence.base import Influence

_IDENTITY = ["world", "request", "record", "query", "role", "paper"]

Rows = Literal["paper", "all"]

Tables = Mapping[str, Mapping[str, Observations]]
"""By arm, `UNDEFENDED`, `RETRAINING` or the text of a defence that changes the training, and by side."""


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
    groups, record_risk
        The leading attack inside groups of records, and record by record.
    deletion_time, three_way, paper
        Which update of a chain deleted a record, all three roles at once, and the paper's best beside the leading
        attack, where they can be had.
    retraining
        The leading attack beside exact retraining, where there is such an arm.
    failed
        Attacks that failed, and why.
    """

    results: tuple[Result, ...]
    selected: Selected
    scores: pd.DataFrame
    released: tuple[Released, ...]
    moved: float | None
    groups: tuple[GroupRisk, ...]
    record_risk: RecordRisk | None
    deletion_time: DeletionTime | None
    three_way: ThreeWay | None
    paper: PaperComparison | None
    retraining: RetrainingComparison | None
    failed: tuple[FailedAttack, ...]


Chosen = Mapping[str, Attacks]
"""The attacks of each game."""


def expected_attacks(config: AuditConfig, *, influence: bool = False) -> Chosen:
    """Return the attacks of each game on worlds of our own making, where every label is known.

    Those that need the influence of records are among them if there will be one, and cannot run yet.

    Raises
    ------
    AuditError
        If an attack that is asked for by name could not be run.
    """
    sizes = config.worlds
    in_every_role = sizes.layout == "per-record" and sizes.shadow >= FEWEST_PER_ROLE * ROLES
    versions = 1 + config.scenario.versions if "sequence" in config.views else 2
    available = Available(
        labels=True,
        references=sizes.references,
        influence=influence,
        records=in_every_role,
        probes=sizes.probes > 0,
        versions=versions,
    )
    return {name: attacks_of(config, GAMES[name], available) for name in config.two_way_games}


def chosen_attacks(config: AuditConfig, tables: Tables, influence: Influence | None = None) -> Chosen:
    """Return the attacks of each game for which some tables, and what is known of deletions, hold enough.

    Raises
    ------
    AuditError
        If an attack that is asked for by name lacks something.
    """
    every = [table for of_arm in tables.values() for table in of_arm.values()]

    def available(game: Game) -> Available:
        records = all(_by_record(of_arm["shadow"], of_arm["target"], game) for of_arm in tables.values())
        return Available.in_tables(
            every, game, influence=influence is not None, records=records, sequence="sequence" in config.views
        )

    return {name: attacks_of(config, GAMES[name], available(GAMES[name]), influence) for name in config.two_way_games}


def _by_record(shadow: Observations, target: Observations, game: Game) -> bool:
    """Return whether a game is played with records that the shadow side knows in both of its roles."""
    known, asked = (table.select(np.isin(table.roles, (game.positive, game.negative))) for table in (shadow, target))
    return audits_by_record(known, asked, known.roles == game.positive)


def n_attacks(config: AuditConfig, chosen: Chosen, arms: Collection[str] = ()) -> int:
    """Return how many attacks an audit fits, over all its games, defences and arms."""
    of_games = sum(len(attacks.runs) for attacks in chosen.values())
    return (1 + len(_defenses(config))) * of_games + (RETRAINING in arms)


def assess(
    tables: Tables,
    config: AuditConfig,
    jobs: int,
    progress: Callable[[], None],
    spent: Mapping[str, Spent] | None = None,
    chosen: Chosen | None = None,
    *,
    keep_going: bool = False,
) -> Assessment:
    """Run the configured attacks and measure them.

    Parameters
    ----------
    tables
        The tables of the attacker (``shadow``) and under attack (``target``): of models trained plainly under
        `UNDEFENDED`, of the same retrained exactly under `RETRAINING`, and of those trained under a defence under its
        text.
    config
        Games, defences and seed are read from it.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.
    spent
        What the trainings of an arm spent of their privacy.
    chosen
        The attacks of each game; by default those that the tables allow.
    keep_going
        Whether an attack that fails is told in the end and the others go on.

    Raises
    ------
    AuditError
        If the tables do not fit together, or lack a role that a game needs.
    """
    shadow, target = (tables[UNDEFENDED][side] for side in ("shadow", "target"))
    check_agreement(shadow, target)
    chosen = chosen or chosen_attacks(config, tables)
    defenses = _defenses(config)
    undefended = Release(UNDEFENDED, True, target)
    naive = [Release(d.name, False, d.apply(tables[d.training]["target"])) for d in defenses]
    # the attacker who adapts fits on defended shadow worlds; the one who does not, once, on undefended ones
    plans = [(shadow, [undefended, *naive])]
    plans += [
        (d.apply(tables[d.training]["shadow"]), [Release(d.name, True, n.table)])
        for d, n in zip(defenses, naive, strict=True)
    ]
    results: list[Result] = []
    leading: list[tuple[Game, Observations, Sequence[AttackScores]]] = []
    failures: list[Failure] | None = [] if keep_going else None
    scores = []
    if THREE_WAY in config.games:
        for side, table in (("shadow", shadow), ("target", target)):
            rows_of_all_roles(table, side)
    for name in config.two_way_games:
        game = GAMES[name]
        of_game = target.select(game.rows(target, "the target side"))
        for fitted_on, releases in plans:
            attacked = [release.table for release in releases]
            for release, outcomes in zip(
                releases,
                run_attacks(chosen[name].runs, game, fitted_on, attacked, config.seed, jobs, progress, failures),
                strict=True,
            ):
                results += _measure(game, outcomes, of_game, release)
                columns = pd.DataFrame({label(o.attack): o.scores for o in outcomes})
                scores.append(
                    pd.concat([of_game.rows[_IDENTITY], columns], axis=1).assign(
                        game=name, defense=release.defense, adaptive=release.adaptive
                    )
                )
                if release is undefended:
                    leading.append((game, of_game, outcomes))
    first, rows, of_first = leading[0]
    best = leading_attack(of_first)
    retraining = None
    if RETRAINING in tables:
        method = config.unlearning.method
        retraining = beside_retraining(rows, first, best, method, tables[RETRAINING], config.seed, progress, failures)
    return Assessment(
        tuple(results),
        _select(first, best),
        pd.concat(scores, ignore_index=True),
        _released((undefended, *naive), spent or {}),
        share_moved(target),
        risk_of_groups(rows, first, best.scores),
        risk_of_records(rows, first, best.scores),
        time_of_deletion(shadow, target, first) if "sequence" in config.views else None,
        three_way(shadow, target, config.seed) if THREE_WAY in config.games else None,
        beside_the_papers(rows, first, best, of_first),
        retraining,
        tuple(
            dict.fromkeys(
                FailedAttack(attack=f.attack.name, attack_model=f.attack.attack_model, game=f.game, reason=f.reason)
                for f in failures or ()
            )
        ),
    )


@dataclass(frozen=True)
class Release:
    """The target's table as released under a defence, and whether the attacker adapts to it."""

    defense: str
    adaptive: bool
    table: Observations


def _defenses(config: AuditConfig) -> list[Defense]:
    """Return the defences to try beside doing nothing."""
    return [parse_defense(text) for text in dict.fromkeys(config.defenses) if text != UNDEFENDED]


def _released(releases: Sequence[Release], spent: Mapping[str, Spent]) -> tuple[Released, ...]:
    """Return what each release costs its users, and what privacy its trainings spent; none without labels."""
    released = []
    for release in releases:
        utility = release_utility(release.table)
        of_training = spent.get(parse_defense(release.defense).training)
        privacy = None if of_training is None else PrivacySpent(neighbours=NEIGHBOURS, **asdict(of_training))
        if utility is not None:
            released.append(Released(defense=release.defense, **asdict(utility), privacy=privacy))
    return tuple(released)


def check_agreement(shadow: Observations, target: Observations) -> None:
    """Raise unless an attack fitted on one table can read the other."""
    if shadow.classes != target.classes and len(shadow.classes) == len(target.classes):
        if set(shadow.classes) == set(target.classes):
            raise AuditError(
                f"shadow and target list their classes in different orders ({_few(shadow.classes)}; "
                f"{_few(target.classes)}); write both in the same order"
            )
        raise AuditError(
            f"shadow and target have different classes ({_few(shadow.classes)}; {_few(target.classes)}); "
            "an attack learned on one cannot read the other"
        )
    if len(shadow.classes) != len(target.classes):
        raise AuditError(
            f"shadow has {len(shadow.classes)} classes and target {len(target.classes)}; "
            "an attack learned on one cannot read the other"
        )
    if shadow.posteriors.shape == target.posteriors.shape and np.array_equal(shadow.posteriors, target.posteriors):
        raise AuditError(
            "shadow and target hold the same posteriors; an attack must not be scored on what it was fitted on, so "
            "give the attacker's own worlds as shadow"
        )
    for name, table, other in (("shadow", shadow, "target"), ("target", target, "shadow")):
        if set(table.rows["side"]) == {other}:
            raise AuditError(f"the {name} file says that it is the {other} side; swap the files")
    if shadow.partial != target.partial:
        which = "shadow" if shadow.partial else "target"
        raise AuditError(f"only the {which} file is marked partial; an attack must read on both sides the same outputs")
    if shadow.canaries != target.canaries:
        which = "shadow" if shadow.canaries else "target"
        raise AuditError(
            f"only the {which} file is of mislabelled canaries; an attack learned on wrong labels is none on right "
            "ones, so give files of one kind"
        )
    if shadow.n_versions != target.n_versions:
        raise AuditError(
            f"shadow has {shadow.n_versions} versions of the model and target {target.n_versions}; both need the same"
        )


def _measure(game: Game, outcomes: Sequence[AttackScores], target: Observations, release: Release) -> list[Result]:
    """Return the figures of every attack of one game, each beside its classical baseline."""
    positive = target.roles == game.positive
    clusters = Clusters(target.worlds, target.records)
    paper = target.paper
    kinds: dict[Rows, npt.NDArray[np.bool_]] = {"all": np.ones(len(target), dtype=bool)}
    if not paper.all():
        kinds = {"paper": paper, **kinds}
    shared = {kind: clusters.take(rows) for kind, rows in kinds.items()}
    results = []
    bands = {
        kind: simultaneous_auc(
            [o.scores[rows] for o in outcomes],
            positive[rows],
            shared[kind],
            confidence=FAMILY,
        )
        for kind, rows in kinds.items()
    }
    for place, outcome in enumerate(outcomes):
        compares = not is_classical(outcome.attack)
        base = _classical(outcomes, same=outcome.attack) if compares else None
        strongest = _classical(outcomes) if compares else None
        for kind, rows in kinds.items():
            compared: dict[str, Any] = {}
            if base is not None:
                compared |= {
                    "baseline_confidences": base.confidences[rows],
                    "baseline_calibrated": base.calibrated[rows],
                }
            if strongest is not None:
                compared |= {"strongest_scores": strongest.scores[rows]}
            figures = evaluate(
                outcome.scores[rows],
                positive[rows],
                shared[kind],
                confidences=outcome.confidences[rows],
                calibrated=outcome.calibrated[rows],
                threshold=outcome.threshold,
                **compared,
            )
            results.append(
                Result(
                    attack=outcome.attack.name,
                    attack_model=outcome.attack.attack_model,
                    game=game.name,
                    view=outcome.attack.view,
                    rows=kind,
                    defense=release.defense,
                    adaptive=release.adaptive,
                    shadow_auc=outcome.shadow_auc,
                    shadow_auc_ci=outcome.shadow.interval,
                    shadow_auc_error=_known(outcome.shadow.error),
                    shadow_auc_freedom=outcome.shadow.freedom,
                    silent_without_change=outcome.attack.silent_without_change,
                    baseline=None if base is None else base.attack.name,
                    strongest_classical=None if strongest is None else label(strongest.attack),
                    auc_simultaneous_ci=bands[kind][place].interval,
                    **figures,
                )
            )
    return results


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


def _known(error: float | None) -> float | None:
    """Return a standard error, None where nothing is known of it."""
    return error if error is not None and math.isfinite(error) else None


def is_classical(attack: Attack) -> bool:
    """Return whether an attack sees the original model alone."""
    return attack.view == "original"


def _classical(outcomes: Sequence[AttackScores], same: Attack | None = None) -> AttackScores | None:
    """Return the classical attack (of the same attack model as another's, or of any) that did best on shadow worlds."""
    classical = [
        o for o in outcomes if is_classical(o.attack) and (same is None or o.attack.attack_model == same.attack_model)
    ]
    return max(classical, key=lambda o: o.shadow_auc, default=None)


def leading_attack(outcomes: Sequence[AttackScores]) -> AttackScores:
    """Return the attack on more than one version that did best on shadow worlds; the first of equals."""
    of_versions = [o for o in outcomes if o.attack.view in ("pair", "sequence")]
    if not of_versions:
        raise AuditError("no attack on more than one version is left; all that were asked for failed")
    return max(of_versions, key=lambda o: o.shadow_auc)


def _select(game: Game, best: AttackScores) -> Selected:
    """Return what the report leads with in one game."""
    return Selected(
        attack=best.attack.name,
        attack_model=best.attack.attack_model,
        game=game.name,
        view=best.attack.view,
        shadow_auc=best.shadow_auc,
    )


def beside_the_papers(
    target: Observations, game: Game, best: AttackScores, outcomes: Sequence[AttackScores]
) -> PaperComparison | None:
    """Compare an attack with that of the paper's, on both models, which did best on shadow worlds; None without any."""
    papers = [o for o in outcomes if o.attack.name in PAPER_FEATURES]
    if not papers:
        return None
    papers_best = max(papers, key=lambda o: o.shadow_auc)
    positive = target.roles == game.positive
    difference = auc_difference(best.scores, papers_best.scores, positive, Clusters(target.worlds, target.records))
    low = tpr_at_fpr(papers_best.scores, positive, LOW_FPR)
    return PaperComparison(
        attack=papers_best.attack.name,
        attack_model=papers_best.attack.attack_model,
        auc=auc(papers_best.scores, positive),
        tpr=None if low is None else low[0],
        difference=difference.value,
        difference_ci=difference.interval,
    )


def _few(names: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
