"""Every attack on three arms: a method's worlds, the same retrained exactly, and the same not unlearned at all.

Exact retraining leaves nothing of a deleted record in the new model, and still gives the deletion away, since two
versions are out. So a method is judged by what it gives away more, or less, than that, attack by attack and by the
attack that does best on each arm, chosen on that arm's own shadow worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from unlearn_audit.attacks import Game
from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.run import PLAIN, AttackScores, Failure, Policy, run_attacks
from unlearn_audit.findings.attack_figures import Played
from unlearn_audit.findings.comparison import UNLEARNED_ALONE, ArmsComparison, AttackOnArms, BestOnArms, Measured
from unlearn_audit.findings.distances import epsilon_measured, klom_by_role
from unlearn_audit.findings.sections import ArmResult
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import (
    LOW_FPR,
    Area,
    Clusters,
    area_difference,
    auc_variation,
    simultaneous_differences,
    tpr_at_fpr,
    tpr_at_fpr_interval,
)
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.intervals import CONFIDENCE
from unlearn_audit.metrics.power import difference_seen
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import sees_versions
from unlearn_audit.utils.typing import Array, Mask

ASKED = ["world", "request", "record", "query", "role"]
"""The columns by which two arms were asked the same."""


def play_arm(
    game: Game,
    attacks: Sequence[Attack],
    tables: SideTables,
    words: str,
    seed: int,
    jobs: int,
    progress: Callable[[], None],
    policy: Policy = PLAIN,
) -> tuple[Played, tuple[Failure, ...]]:
    """Fit attacks on an arm's own shadow worlds, and score its target worlds.

    Parameters
    ----------
    game, attacks
        What is played, and by which attacks.
    tables
        Of the arm.
    words
        What its worlds are called, in the reason of a failure.
    seed
        The seed of the audit: an attack has its own, the same on every arm.
    jobs, progress, policy
        As `run_attacks` takes them.

    Raises
    ------
    AuditError
        If an attack fails, unless the policy is to keep going.
    """
    run = run_attacks(attacks, game, tables.shadow, [tables.target], seed, jobs, progress, policy)
    rows = tables.target.select(game.rows(tables.target, "the target side"))
    failures = tuple(replace(of, reason=f"on {words} worlds: {of.reason}") for of in run.failures)
    return Played(game, rows, run.scores[0]), failures


@dataclass(frozen=True, eq=False)
class _Arm:
    """One arm as its attacks played it, with the AUC of each; rows stand in the same order on every arm."""

    played: Played
    outcomes: dict[str, AttackScores]
    areas: dict[str, Area]
    turned: dict[str, Area]

    @classmethod
    def of(cls, played: Played, positive: Mask, clusters: Clusters) -> _Arm:
        outcomes = {label(of.attack): of for of in played.outcomes}
        areas = {name: auc_variation(of.scores, positive, clusters) for name, of in outcomes.items()}
        # who is reliably wrong has only to be turned round
        flipped = {
            name: area if area.value >= GUESSING else auc_variation(-outcomes[name].scores, positive, clusters)
            for name, area in areas.items()
        }
        return cls(played, outcomes, areas, flipped)

    def best(self, views: Callable[[str], bool]) -> str | None:
        """Return the attack of some views that did best on the arm's shadow worlds; the first of equals."""
        known = [name for name, of in self.outcomes.items() if views(of.attack.view)]
        return max(known, key=lambda name: self.outcomes[name].shadow_auc, default=None)

    def result(self, name: str, positive: Mask, clusters: Clusters) -> ArmResult:
        """Return the figures of an attack."""
        return arm_result(self.outcomes[name].scores, self.areas[name], self.played.rows, positive, clusters)


def arm_result(scores: Array, area: Area, table: Observations, positive: Mask, clusters: Clusters) -> ArmResult:
    """Return the figures of scores of a table's rows, of which the AUC is known."""
    low = tpr_at_fpr(scores, positive, LOW_FPR)
    rate = tpr_at_fpr_interval(scores, positive, clusters, LOW_FPR)
    return ArmResult(
        regime=str(table.metadata.get("regime", "unknown")),
        auc=area.value,
        auc_ci=area.interval().interval,
        tpr=None if low is None else low[0],
        tpr_ci=None if rate is None else rate.interval,
        realised_fpr=None if low is None else low[1],
    )


def check_same_rows(one: Observations, other: Observations) -> None:
    """Raise unless two arms were asked the same rows, in the same order."""
    assert one.rows[ASKED].equals(other.rows[ASKED]), "the arms did not query the same records"


def compare_arms(
    method: str,
    played: tuple[Played, SideTables],
    retrained: tuple[Played, SideTables],
    none: tuple[Played, SideTables] | None = None,
    measures: tuple[Measured, ...] = (),
) -> ArmsComparison | None:
    """Compare what attacks make of three arms.

    Parameters
    ----------
    method
        What the unlearning method is called.
    played, retrained, none
        Each arm's game and its tables; the last may be missing.
    measures
        What was measured of the target's pairs; ``certificate.epsilon`` and ``certificate.delta`` among it are what the
        method states.

    Returns
    -------
    ArmsComparison or None
        None where no attack on more than one version ran on both arms.
    """
    game, first = played[0].game, played[0]
    for other in (retrained, none):
        if other is not None:
            check_same_rows(other[0].rows, first.rows)
    positive, clusters = first.positive, first.clusters.coded(len(first.rows))
    arms = [None if of is None else _Arm.of(of[0], positive, clusters) for of in (played, retrained, none)]
    ours, exact, nothing = arms
    assert ours is not None
    assert exact is not None
    update = _best(sees_versions, ours, exact, nothing, positive, clusters)
    if update is None:
        return None
    tables = played[1], retrained[1]
    return ArmsComparison(
        game=game.name,
        method=method,
        moved=share_of_rows(tables[0].target.posteriors[:, :1] != tables[0].target.posteriors[:, 1:]),
        apart=share_of_rows(tables[0].target.posteriors[:, 1:] != tables[1].target.posteriors[:, 1:]),
        update=update,
        residual=_best(lambda view: view == UNLEARNED_ALONE, ours, exact, nothing, positive, clusters),
        attacks=_each(ours, exact, nothing, positive, clusters),
        klom=klom_by_role(*tables),
        epsilon=epsilon_measured(*tables, _certified(measures)),
        measures=measures,
    )


def _certified(measures: tuple[Measured, ...]) -> tuple[float, float] | None:
    """Return the epsilon and the delta that a method states; None where it states none."""
    stated = {of.name: of.mean for of in measures if of.name.startswith("certificate.")}
    if "certificate.epsilon" not in stated:
        return None
    return stated["certificate.epsilon"], stated.get("certificate.delta", 0.0)


def share_of_rows(different: Mask) -> float:
    """Return the share of rows of which anything is true; 0 of none."""
    return float(different.reshape(len(different), -1).any(axis=1).mean()) if len(different) else 0.0


def _best(
    views: Callable[[str], bool], ours: _Arm, exact: _Arm, nothing: _Arm | None, positive: Mask, clusters: Clusters
) -> BestOnArms | None:
    """Compare the best attacks of some views; None where an arm has none."""
    names = [None if arm is None else arm.best(views) for arm in (ours, exact, nothing)]
    one, other, last = names
    if one is None or other is None:
        return None
    areas = ours.turned[one], exact.turned[other]
    excess, claim = (area_difference(*areas, positive, clusters, at) for at in (CONFIDENCE, HEADLINE))
    return BestOnArms(
        unlearned_attack=one,
        retrained_attack=other,
        none_attack=last,
        unlearned=ours.result(one, positive, clusters),
        retrained=exact.result(other, positive, clusters),
        none=None if nothing is None or last is None else nothing.result(last, positive, clusters),
        excess=excess.value,
        excess_ci=excess.interval,
        excess_claim_ci=claim.interval,
        seen=difference_seen(claim),
    )


def _each(
    ours: _Arm, exact: _Arm, nothing: _Arm | None, positive: Mask, clusters: Clusters
) -> tuple[AttackOnArms, ...]:
    """Compare every attack that ran on both arms, the clearest difference first."""
    names = [name for name in ours.outcomes if name in exact.outcomes]
    families = [[(arm[0][name], arm[1][name]) for name in names] for arm in _pairs(ours, exact)]
    at_once = [simultaneous_differences(pairs, positive, clusters, FAMILY) for pairs in families]
    found = []
    for k, name in enumerate(names):
        difference, excess = (area_difference(*pairs[k], positive, clusters) for pairs in families)
        attack = ours.outcomes[name].attack
        found.append(
            AttackOnArms(
                attack=attack.name,
                attack_model=attack.attack_model,
                view=attack.view,
                unlearned=ours.result(name, positive, clusters),
                retrained=exact.result(name, positive, clusters),
                none=nothing.result(name, positive, clusters) if nothing and name in nothing.outcomes else None,
                difference=difference.value,
                difference_ci=difference.interval,
                difference_all_ci=at_once[0][k].interval,
                excess=excess.value,
                excess_ci=excess.interval,
                excess_all_ci=at_once[1][k].interval,
            )
        )
    return tuple(sorted(found, key=lambda of: -abs(of.excess)))


def _pairs(ours: _Arm, exact: _Arm) -> tuple[tuple[dict[str, Area], dict[str, Area]], ...]:
    return (ours.areas, exact.areas), (ours.turned, exact.turned)
