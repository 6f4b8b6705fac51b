"""Attacks on a chain of versions: in which step a record's margin dropped the most, and by how much.

Jagielski et al., "How to Combine Membership-Inference Attacks on Multiple Updated Models" (PoPETs 2023), compare either
the first model with the last (their Back-Front; here `margin-difference`, and every other attack on the pair) or each
with the next (their Delta), which also tells in which update a record took part. Steps differ in how much they move
everything, so each is better measured by the reference records of its step (our own).
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.attacks.formula.references import on_the_scale_of_the_pair, references_of
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS, Statistic
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array


def margin_drops(view: View) -> Array:
    """(n, steps) by how much the margin dropped in each update."""
    phi = margin(view.posteriors, view.labels)
    return np.asarray(phi[:, :-1] - phi[:, 1:])


def scaled_margin_drops(view: View) -> Array:
    """(n, steps) the same as z: less the median, over the mean distance from it, of the references in that step.

    Raises
    ------
    AuditError
        If a pair was asked no reference.
    """
    return on_the_scale_of_the_pair(view, margin_drops(view), margin_drops(references_of(view)))


def largest_drop(view: View) -> Array:
    """(n,) the largest drop in any step."""
    return np.asarray(margin_drops(view).max(axis=1))


def largest_scaled_drop(view: View) -> Array:
    """(n,) the largest drop in any step on the scale of that step."""
    return np.asarray(scaled_margin_drops(view).max(axis=1))


ATTACKS = (
    Statistic("delta", "sequence", largest_drop, DELETION_SIGNS, frozenset({"labels", "sequence"})),
    Statistic(
        "delta-scaled", "sequence", largest_scaled_drop, DELETION_SIGNS, frozenset({"labels", "references", "sequence"})
    ),
)
