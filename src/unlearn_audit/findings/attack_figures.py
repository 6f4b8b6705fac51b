"""Every figure of the attacks of one game, and which attack leads, both of them by what shadow worlds showed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unlearn_audit.attacks import PAPER_FEATURES, Game
from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.run import AttackScores
from unlearn_audit.defenses import Defense
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.findings.sections import PaperComparison
from unlearn_audit.metrics import (
    LOW_FPR,
    Area,
    Clusters,
    Estimate,
    auc,
    auc_difference,
    auc_variation,
    evaluate,
    simultaneous,
    tpr_at_fpr,
)
from unlearn_audit.metrics.claims import DIFFERENCE, FAMILY
from unlearn_audit.metrics.roc import area_difference
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import sees_original_alone, sees_versions
from unlearn_audit.utils.spilled import release
from unlearn_audit.utils.typing import Mask

Rows = Literal["paper", "all"]


@dataclass(frozen=True)
class DefendedTable:
    """The target's table as released under a defence.

    Attributes
    ----------
    defense
        The defence, or doing nothing.
    adaptive
        Whether the attacker's shadow worlds use it too.
    table
        What is released.
    """

    defense: Defense
    adaptive: bool
    table: Observations


@dataclass(frozen=True)
class Played:
    """One game as its attacks played it.

    Attributes
    ----------
    game
        Which roles are distinguished.
    rows
        The game's rows of the target.
    outcomes
        What each attack made of them.
    """

    game: Game
    rows: Observations
    outcomes: Sequence[AttackScores]

    @property
    def positive(self) -> Mask:
        """(n,) which rows have the positive role."""
        return self.rows.in_roles(self.game.positive)

    @property
    def clusters(self) -> Clusters:
        """What rows share."""
        return Clusters(self.rows.worlds, self.rows.records)

    @property
    def leading(self) -> AttackScores:
        """The attack that the report leads with."""
        return leading_attack(self.outcomes)


def results_of(played: Played, defended: DefendedTable) -> list[Result]:
    """Return the figures of every attack of one game, each with its classical baseline."""
    positive, clusters, paper = played.positive, played.clusters, played.rows.paper
    kinds: dict[Rows, Mask] = {"all": np.ones(len(paper), dtype=bool)}
    if not paper.all():
        kinds = {"paper": paper, **kinds}
    by_kind = {}
    for kind, rows in kinds.items():
        shared, truth = clusters.take(rows).coded(int(rows.sum())), positive[rows]
        by_kind[kind] = [
            _result(played, outcome, defended, kind, (rows, truth), shared, of)
            for outcome, of in zip(played.outcomes, _areas(played.outcomes, rows, truth, shared), strict=True)
        ]
    return [result for of_attack in zip(*by_kind.values(), strict=True) for result in of_attack]


@dataclass(frozen=True)
class _Area:
    """The AUC of an attack, its interval among all attacks, and what it has over the strongest classical one."""

    alone: Area
    band: Estimate
    gain: Estimate | None


def _areas(outcomes: Sequence[AttackScores], rows: Mask, positive: Mask, clusters: Clusters) -> list[_Area]:
    """Return the AUCs of all attacks on some rows, of which the truth and what they share are given."""
    areas = [_area(o, rows, positive, clusters) for o in outcomes]
    bands = simultaneous(areas, clusters, FAMILY)
    strongest = _classical(outcomes)
    other = next((area for o, area in zip(outcomes, areas, strict=True) if o is strongest), None)
    return [
        _Area(
            area.settled,
            band,
            None
            if other is None or is_classical(o.attack)
            else area_difference(area, other, positive, clusters, DIFFERENCE),
        )
        for o, area, band in zip(outcomes, areas, bands, strict=True)
    ]


def _area(outcome: AttackScores, rows: Mask, positive: Mask, clusters: Clusters) -> Area:
    area = auc_variation(outcome.scored(rows).scores, positive, clusters).spilled
    release(outcome.scores)
    return area


def _result(
    played: Played,
    outcome: AttackScores,
    defended: DefendedTable,
    kind: Rows,
    asked: tuple[Mask, Mask],
    clusters: Clusters,
    area: _Area,
) -> Result:
    """Return the figures of one attack on the rows of a game that are asked about, of which the truth is known."""
    rows, positive = asked
    attack = outcome.attack
    compares = not is_classical(attack)
    base = _classical(played.outcomes, same=attack) if compares else None
    strongest = _classical(played.outcomes) if compares else None
    figures = evaluate(
        outcome.scored(rows, area.alone),
        positive,
        clusters,
        baseline=None if base is None else base.scored(rows),
        gain=area.gain,
        threshold=outcome.threshold,
    )
    for of in (outcome, base):
        if of is not None:
            release(of.scores)
    return Result(
        attack=attack.name,
        attack_model=attack.attack_model,
        game=played.game.name,
        view=attack.view,
        rows=kind,
        defense=defended.defense.name,
        adaptive=defended.adaptive,
        shadow_auc=outcome.shadow_auc,
        shadow_auc_ci=outcome.shadow.interval,
        shadow_auc_error=outcome.shadow.error if math.isfinite(outcome.shadow.error) else None,
        shadow_auc_freedom=outcome.shadow.freedom,
        silent_without_change=attack.silent_without_change,
        baseline=None if base is None else base.attack.name,
        strongest_classical=None if strongest is None else label(strongest.attack),
        auc_simultaneous_ci=area.band.interval,
        **vars(figures),
    )


def is_classical(attack: Attack) -> bool:
    """Return whether an attack sees the original model alone."""
    return sees_original_alone(attack.view)


def _classical(outcomes: Sequence[AttackScores], same: Attack | None = None) -> AttackScores | None:
    """Return the classical attack (of the same attack model as another's, or of any) that did best on shadow worlds."""
    classical = [
        o for o in outcomes if is_classical(o.attack) and (same is None or o.attack.attack_model == same.attack_model)
    ]
    return max(classical, key=lambda o: o.shadow_auc, default=None)


def leading_attack(outcomes: Sequence[AttackScores]) -> AttackScores:
    """Return the attack on more than one version that did best on shadow worlds; the first of equals.

    Raises
    ------
    AuditError
        If there is none.
    """
    of_versions = [o for o in outcomes if sees_versions(o.attack.view)]
    if not of_versions:
        raise AuditError("no attack on more than one version is left; all those requested failed")
    return max(of_versions, key=lambda o: o.shadow_auc)


def selected(played: Played) -> Selected:
    """Return what the report leads with in one game."""
    best = played.leading
    return Selected(
        attack=best.attack.name,
        attack_model=best.attack.attack_model,
        game=played.game.name,
        view=best.attack.view,
        shadow_auc=best.shadow_auc,
    )


def compared_with_the_papers(played: Played) -> PaperComparison | None:
    """Compare the leading attack with the paper's, on both models, that did best on shadow worlds; None without any."""
    papers = [o for o in played.outcomes if o.attack.name in PAPER_FEATURES]
    if not papers:
        return None
    papers_best = max(papers, key=lambda o: o.shadow_auc)
    positive = played.positive
    difference = auc_difference(played.leading.scores, papers_best.scores, positive, played.clusters)
    low = tpr_at_fpr(papers_best.scores, positive, LOW_FPR)
    return PaperComparison(
        attack=papers_best.attack.name,
        attack_model=papers_best.attack.attack_model,
        auc=auc(papers_best.scores, positive),
        tpr=None if low is None else low[0],
        difference=difference.value,
        difference_ci=difference.interval,
    )
