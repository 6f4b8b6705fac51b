"""A row for each method, from what its arm showed alongside exact retraining and no unlearning."""

from __future__ import annotations

from collections.abc import Mapping

from unlearn_audit.audits.membership.notes import StatsByArm
from unlearn_audit.audits.methods.costs import cost_of
from unlearn_audit.audits.methods.difficulty import by_difficulty
from unlearn_audit.audits.methods.findings import Method, reading_of
from unlearn_audit.audits.methods.fronts import with_fronts
from unlearn_audit.audits.methods.plan import NO_UNLEARNING, MethodsPlan
from unlearn_audit.audits.methods.sentences import method_words
from unlearn_audit.config import UnlearningConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.findings.attack_figures import Played
from unlearn_audit.findings.measured import measured
from unlearn_audit.findings.tables import RETRAINING, SideTables
from unlearn_audit.findings.three_arms import compare_arms
from unlearn_audit.unlearning import options_of

PlayedArm = tuple[Played, SideTables]
"""What attacks made of an arm, and its tables."""

NO_ATTACK = "no attack on more than one version is left; all those requested failed"


def rows_of(
    plan: MethodsPlan, played: Mapping[str, PlayedArm], stats: StatsByArm, failed: Mapping[str, str]
) -> tuple[Method, ...]:
    """Return the references, the methods as they were asked for, and those that were skipped.

    Parameters
    ----------
    plan
        The comparison.
    played
        By arm, those that were attacked.
    stats
        What is known of models besides their answers, by arm and side.
    failed
        By text, why a method could not be run.
    """
    arms = {RETRAINING: ("retrain", UnlearningConfig()), UNDEFENDED: ("none", NO_UNLEARNING)}
    rows = [
        _row(plan, arm, text, config, played, stats, failed)
        for arm, (text, config) in {**arms, **{text: (text, of) for text, of in plan.methods.items()}}.items()
    ]
    skipped = [Method(method=text, status="skipped", why=why) for text, why in plan.skipped.items()]
    return (*with_fronts(rows), *skipped)


def _row(
    plan: MethodsPlan,
    arm: str,
    text: str,
    config: UnlearningConfig,
    played: Mapping[str, PlayedArm],
    stats: StatsByArm,
    failed: Mapping[str, str],
) -> Method:
    options = options_of(config)
    row = Method(method=text, status="failed", exactness=str(options.exactness), source=options.reference or None)
    if arm in failed:
        return row.model_copy(update={"why": failed[arm]})
    own, exact, nothing = (stats[of, "target"].measures for of in (arm, RETRAINING, UNDEFENDED))
    found = compare_arms(text, played[arm], played[RETRAINING], played[UNDEFENDED], measured(own, exact, nothing))
    if found is None:
        return row.model_copy(update={"why": NO_ATTACK})
    groups, trends = by_difficulty(played[arm][0], played[RETRAINING][0], played[UNDEFENDED][1], exact)
    row = row.model_copy(
        update={
            "status": "reference" if arm in (RETRAINING, UNDEFENDED) else "compared",
            "regime": str(plan.audit.arm(arm).tasks["target"].unlearner.regime),
            "reading": reading_of(found),
            "direction": found.direction,
            "noisy_steps": options.steps_made,
            "weights_unchanged": found.weights_unchanged,
            "arms": found,
            "cost": cost_of(own, exact, reused=stats[arm, "target"].reused > 0),
            "difficulty": groups,
            "trends": trends,
        }
    )
    return row.model_copy(update={"sentences": method_words(row, changes_weights=options.changes_weights)})
