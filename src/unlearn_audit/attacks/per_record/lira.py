"""LiRA: whether a record's margin is more likely under models of the one role, or of the other.

Carlini et al., "Membership Inference Attacks From First Principles" (S&P 2022): normal densities of φ, record by
record, over shadow models trained with and without it. On the unlearned model the same is U-LiRA (Hayes et al.,
"Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense of Privacy", SaTML 2025), in its strict
variant: the worlds in which the record was never seen have unlearned somebody else, too.

With few models of a role all records share one variance: that within records, of margins less the mean of their record.
Public code (LeakPro, and the authors') shares the variance of all margins, which holds the differences between records,
too. Ours differs on purpose; see docs/attacks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from unlearn_audit.attacks.per_record.base import ByRecord, PerRecordAttack, both_roles, records_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array

FEWEST_FOR_OWN_VARIANCE = 32
"""Worlds of each role from which on a record has its own variance; with fewer, all share one."""

_SHARED = 1e9
"""Shrinkage that leaves nothing but the pooled variance."""


def _phi(view: View) -> Array:
    return margin(view.posteriors[:, 0], view.labels)


@dataclass(frozen=True)
class _Online(PerRecordAttack):
    """log N(φ; μ₁, σ₁) - log N(φ; μ₀, σ₀) on one model alone."""

    def learn(self, shadow: LabelledView) -> tuple[ByRecord, ByRecord, float]:
        """Return the margins of both roles, and how much variances are shrunk."""
        one, other = both_roles(shadow, _phi(shadow.view))
        few = min(np.median(one.count), np.median(other.count)) < FEWEST_FOR_OWN_VARIANCE
        return one, other, _SHARED if few else 0.0

    def score(self, target: View) -> Array:
        """Return (n,) log likelihood ratios."""
        one, other, shrinkage = self.fitted_
        records, phi = records_of(target), _phi(target)
        # never 0 alone: a record whose margins are all the same has no variance
        k = max(shrinkage, 1e-3)
        return np.asarray(one.log_normal(records, phi, k) - other.log_normal(records, phi, k))


@dataclass(frozen=True)
class Lira(_Online):
    """The likelihood ratio on the original model alone."""

    name = "lira"
    view = "original"


@dataclass(frozen=True)
class ULira(_Online):
    """The same on the unlearned model alone."""

    name = "u-lira"
    view = "unlearned"


@dataclass(frozen=True)
class LiraOffline(PerRecordAttack):
    """log Φ((φ - μ₀)/σ₀): how far above the models that never saw the record, with one variance for all."""

    name = "lira-offline"
    view = "original"
    games = ("deleted-vs-unseen", "retained-vs-unseen")

    def learn(self, shadow: LabelledView) -> ByRecord:
        """Return the margins of models that never saw the record."""
        return both_roles(shadow, _phi(shadow.view))[1]

    def score(self, target: View) -> Array:
        """Return (n,) log Φ."""
        out: ByRecord = self.fitted_
        at, known = out.rows_of(records_of(target))
        mean = np.where(known, out.mean[at, 0], out.centre[0])
        deviation = np.sqrt(np.where(known, out.pooled[0, 0], out.spread[0, 0]))
        return np.asarray(log_ndtr((_phi(target) - mean) / deviation))


ATTACKS = (Lira(), LiraOffline(), ULira())
