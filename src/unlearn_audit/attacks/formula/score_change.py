"""By how much a record's margin or loss changed between the versions; no shadow model, no reference record.

Jagielski et al., "How to Combine Membership-Inference Attacks on Multiple Updated Models" (PoPETs 2023), compare
losses before and after an update. They ask who was added; for a deletion the sign turns round, so here a large value
means that the loss rose.
"""

from __future__ import annotations

from unlearn_audit.attacks.formula.references import changes
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS, Statistic
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import loss, margin
from unlearn_audit.utils.typing import Array

OFFSET = 5e-4
"""c of the ratio (c + ℓ_u)/(c + ℓ_o): keeps losses near 0 from deciding alone."""


def margin_difference(view: View) -> Array:
    """(n,) Δφ = φ_o - φ_u, the change on the logit scale."""
    return changes(view)[0]


def score_difference(view: View) -> Array:
    """(n,) ℓ_u - ℓ_o, with ℓ the cross-entropy of the label."""
    original, unlearned = _losses(view)
    return unlearned - original


def score_ratio(view: View) -> Array:
    """(n,) (c + ℓ_u)/(c + ℓ_o)."""
    original, unlearned = _losses(view)
    return (OFFSET + unlearned) / (OFFSET + original)


def _losses(view: View) -> tuple[Array, Array]:
    """(n,) ℓ before and after."""
    losses = loss(margin(view.posteriors[:, [0, -1]], view.labels))
    return losses[:, 0], losses[:, 1]


ATTACKS = (
    Statistic("margin-difference", "pair", margin_difference, DELETION_SIGNS),
    Statistic("score-difference", "pair", score_difference, DELETION_SIGNS),
    Statistic("score-ratio", "pair", score_ratio, DELETION_SIGNS),
)
