"""The comparison arm: what the leading attack tells of a method's worlds, beside the same worlds retrained exactly.

Exact retraining leaves nothing of a deleted record in the new model, and still gives the deletion away, since two
versions are out. So a method is judged by what it gives away more, or less, than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks import Game
from unlearn_audit.attacks.run import AttackScores, Failure, run_attacks
from unlearn_audit.findings.schema import OfArm, RetrainingComparison
from unlearn_audit.metrics import LOW_FPR, Clusters, auc, auc_difference, auc_interval, tpr_at_fpr, tpr_at_fpr_interval
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.observations import Observations

RETRAINING = "retraining"
"""The name of the arm whose worlds are retrained exactly."""

_ASKED = ["world", "request", "record", "query", "role"]

Array = npt.NDArray[np.float64]


def beside_retraining(
    target: Observations,
    game: Game,
    best: AttackScores,
    method: str,
    arm: Mapping[str, Observations],
    seed: int,
    progress: Callable[[], None],
    failures: list[Failure] | None = None,
) -> RetrainingComparison | None:
    """Fit the leading attack anew on retrained shadow worlds, and compare what it reaches on the two arms.

    Parameters
    ----------
    target
        The rows of the game, of the method's target worlds.
    game, best
        The game, and the attack that leads in it with its scores of those rows.
    method
        What the unlearning method is called.
    arm
        The tables of the retrained worlds, by side.
    seed
        The seed of the audit: the attack has its own, as in an audit of retraining alone.
    progress
        Called when the attack is done.
    failures
        Gets the attack if it fails, and None is returned; without it a failing attack ends the run.

    Raises
    ------
    AuditError
        If the attack fails on retrained worlds.
    """
    failed: list[Failure] | None = None if failures is None else []
    (outcomes,) = run_attacks([best.attack], game, arm["shadow"], [arm["target"]], seed, 1, progress, failed)
    if failures is not None and failed:
        failures += [Failure(f.attack, f.game, f"on retrained worlds: {f.reason}") for f in failed]
        return None
    retrained = arm["target"].select(game.rows(arm["target"], "the target side"))
    assert retrained.rows[_ASKED].equals(target.rows[_ASKED]), "the arms were not asked the same"
    first, second = best.scores, outcomes[0].scores
    positive, clusters = target.roles == game.positive, Clusters(target.worlds, target.records)
    difference = auc_difference(first, second, positive, clusters)
    excess = auc_difference(_turned(first, positive), _turned(second, positive), positive, clusters)
    return RetrainingComparison(
        attack=best.attack.name,
        attack_model=best.attack.attack_model,
        game=game.name,
        method=method,
        unlearned=_of_arm(first, target, positive),
        retrained=_of_arm(second, retrained, positive),
        difference=difference.value,
        difference_ci=difference.interval,
        excess=excess.value,
        excess_ci=excess.interval,
    )


def _turned(scores: Array, positive: npt.NDArray[np.bool_]) -> Array:
    """Return scores the way round in which they tell more: one who is reliably wrong has only to be turned round."""
    return scores if auc(scores, positive) >= GUESSING else -scores


def _of_arm(scores: Array, table: Observations, positive: npt.NDArray[np.bool_]) -> OfArm:
    clusters = Clusters(table.worlds, table.records)
    area = auc_interval(scores, positive, clusters)
    low = tpr_at_fpr(scores, positive, LOW_FPR)
    rate = tpr_at_fpr_interval(scores, positive, clusters, LOW_FPR)
    return OfArm(
        regime=str(table.metadata.get("regime", "unknown")),
        auc=area.value,
        auc_ci=area.interval,
        tpr=None if low is None else low[0],
        tpr_ci=None if rate is None else rate.interval,
        realised_fpr=None if low is None else low[1],
    )
