"""The comparison arm: what the leading attack tells of a method's worlds, beside the same worlds retrained exactly.

Exact retraining leaves nothing of a deleted record in the new model, and still gives the deletion away, since two
versions are out. So a method is judged by what it gives away more, or less, than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.run import PLAIN, Failure, Policy, run_attacks
from unlearn_audit.findings.attack_figures import Played
from unlearn_audit.findings.sections import ArmResult, RetrainingComparison
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import LOW_FPR, Clusters, auc, auc_difference, auc_interval, tpr_at_fpr, tpr_at_fpr_interval
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.observations import Observations
from unlearn_audit.utils.typing import Array

_ASKED = ["world", "request", "record", "query", "role"]


def beside_retraining(
    played: Played,
    method: str,
    retrained: SideTables,
    seed: int,
    progress: Callable[[], None],
    policy: Policy = PLAIN,
) -> tuple[RetrainingComparison | None, tuple[Failure, ...]]:
    """Fit the leading attack anew on retrained shadow worlds, and compare what it reaches on the two arms.

    Parameters
    ----------
    played
        The game on the method's target worlds.
    method
        What the unlearning method is called.
    retrained
        The tables of the retrained worlds.
    seed
        The seed of the audit: the attack has its own, as in an audit of retraining alone.
    progress
        Called when the attack is done.
    policy
        How the attack is run; one that may fail leaves the comparison out where it fails.

    Returns
    -------
    comparison, failures
        None, and why, where the attack fails.

    Raises
    ------
    AuditError
        If the attack fails on retrained worlds.
    """
    game = played.game
    run = run_attacks(
        [played.leading.attack],
        game,
        retrained.shadow,
        [retrained.target],
        seed,
        1,
        progress,
        policy,
    )
    if run.failures:
        return None, tuple(replace(of, reason=f"on retrained worlds: {of.reason}") for of in run.failures)
    ((again,),) = run.scores
    rows = retrained.target.select(game.rows(retrained.target, "the target side"))
    assert rows.rows[_ASKED].equals(played.rows.rows[_ASKED]), "the arms were not asked the same"
    return _comparison(played, method, rows, again.scores), ()


def _comparison(played: Played, method: str, rows: Observations, retrained: Array) -> RetrainingComparison:
    """Compare the leading attack's scores with those on the retrained arm's rows, which stand in the same order."""
    best, positive, clusters = played.leading, played.positive, played.clusters
    difference = auc_difference(best.scores, retrained, positive, clusters)
    excess = auc_difference(_turned(best.scores, positive), _turned(retrained, positive), positive, clusters)
    return RetrainingComparison(
        attack=best.attack.name,
        attack_model=best.attack.attack_model,
        game=played.game.name,
        method=method,
        unlearned=_arm_result(best.scores, played.rows, positive),
        retrained=_arm_result(retrained, rows, positive),
        difference=difference.value,
        difference_ci=difference.interval,
        excess=excess.value,
        excess_ci=excess.interval,
    )


def _turned(scores: Array, positive: npt.NDArray[np.bool_]) -> Array:
    """Return scores the way round in which they tell more: one who is reliably wrong has only to be turned round."""
    return scores if auc(scores, positive) >= GUESSING else -scores


def _arm_result(scores: Array, table: Observations, positive: npt.NDArray[np.bool_]) -> ArmResult:
    clusters = Clusters(table.worlds, table.records)
    area = auc_interval(scores, positive, clusters)
    low = tpr_at_fpr(scores, positive, LOW_FPR)
    rate = tpr_at_fpr_interval(scores, positive, clusters, LOW_FPR)
    return ArmResult(
        regime=str(table.metadata.get("regime", "unknown")),
        auc=area.value,
        auc_ci=area.interval,
        tpr=None if low is None else low[0],
        tpr_ci=None if rate is None else rate.interval,
        realised_fpr=None if low is None else low[1],
    )
