"""Student-t likelihood ratios with a prior from all records: LiRA for few shadow worlds.

After BaVarIA (arXiv 2603.11799), which puts a normal-inverse-gamma prior on each record's mean and variance; the
prior here is our own rendering: its centre, its width and the variance are those of all records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.attacks.per_record.base import ByRecord, PerRecordAttack, both_roles, records_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class Bavaria(PerRecordAttack):
    """log t(φ; positive) - log t(φ; negative), predictive densities on the original model alone."""

    name = "bavaria"
    view = "original"

    def learn(self, shadow: LabelledView) -> tuple[ByRecord, ByRecord]:
        """Return the margins of both roles."""
        return both_roles(shadow, margin(shadow.view.posteriors[:, 0], shadow.view.labels))

    def score(self, target: View) -> Array:
        """Return (n,) log ratios."""
        one, other = self.fitted_
        records, phi = records_of(target), margin(target.posteriors[:, 0], target.labels)
        return np.asarray(one.log_student(records, phi) - other.log_student(records, phi))


ATTACKS = (Bavaria(),)
