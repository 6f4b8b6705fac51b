"""RULI's privacy score: kernel densities of the margin after unlearning, record by record.

Naderloui et al., "Rectifying Privacy and Efficacy Measurements in Machine Unlearning" (USENIX Security 2025): of a
record that was unlearned in some worlds and never seen in others, r = p(φ_u | unlearned)/(p(φ_u | unlearned) + p(φ_u
| never seen)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from unlearn_audit.attacks.per_record.base import PerRecordAttack, records_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array

BANDWIDTH = 1.0
"""Of the normal kernel, on the scale of φ: theirs."""


@dataclass(frozen=True)
class Ruli(PerRecordAttack):
    """log p(φ_u | positive) - log p(φ_u | negative), which orders as r does."""

    name = "ruli"
    view = "unlearned"

    def learn(self, shadow: LabelledView) -> tuple[Any, Array, Any]:
        """Return records, margins and roles of the shadow rows, by record."""
        records = records_of(shadow.view)
        order = np.argsort(records, kind="stable")
        phi = margin(shadow.view.posteriors[:, 0], shadow.view.labels)
        return records[order], phi[order], shadow.positive[order]

    def score(self, target: View) -> Array:
        """Return (n,) log ratios; 0 of a record that shadow worlds know in one role alone."""
        records, phi, positive = self.fitted_
        asked, values = records_of(target), margin(target.posteriors[:, 0], target.labels)
        scores = np.zeros(len(values))
        for record in np.unique(asked):
            rows = slice(np.searchsorted(records, record), np.searchsorted(records, record, side="right"))
            known, roles = phi[rows], positive[rows]
            if 0 < roles.sum() < len(roles):
                at = np.flatnonzero(asked == record)
                exponents = -0.5 * ((values[at, None] - known[None]) / BANDWIDTH) ** 2
                densities = [logsumexp(exponents[:, role], axis=1) - np.log(role.sum()) for role in (roles, ~roles)]
                scores[at] = densities[0] - densities[1]
        return scores


ATTACKS = (Ruli(),)
