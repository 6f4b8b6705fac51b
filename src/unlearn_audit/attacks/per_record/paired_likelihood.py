"""The paired likelihood ratio: LiRA on both versions at once. Our own; see docs/attacks.md.

Of each record the joint density of (φ_o, change) is a normal one in both roles, its covariance shrunk towards that of
all records. The change is Δφ, or Δφ on the scale of its pair, which reference records show (`pair_scale`). Models
with few different outputs leave most records where they were: then the ratio is that of the shares that did not move,
record by record, and of kernel densities of all records' changes that did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import gaussian_kde

from unlearn_audit.attacks.formula.pair_scale import pair_scale
from unlearn_audit.attacks.formula.references import FLOOR, changes
from unlearn_audit.attacks.per_record.base import SHRINKAGE, ByRecord, PerRecordAttack, both_roles, records_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.typing import Array

DISCRETE = 0.05
"""Share of shadow rows that did not move from which on a model counts as one of few outputs."""

_LEAST = 1e-12


@dataclass(frozen=True)
class PairedLikelihood(PerRecordAttack):
    """log p(φ_o, Δφ | positive) - log p(φ_o, Δφ | negative), record by record."""

    name = "paired-likelihood"
    view = "pair"
    training_rows = "all"

    def learn(self, shadow: LabelledView) -> Any:
        """Return the two densities, or shares and kernel densities for models of few outputs."""
        values, moved = self._values(shadow.view)
        if (~moved).mean() > DISCRETE:
            return _Discrete.of(shadow, values[:, 1], moved)
        return both_roles(shadow, values)

    def score(self, target: View) -> Array:
        """Return (n,) log likelihood ratios."""
        values, moved = self._values(target)
        if isinstance(self.fitted_, _Discrete):
            return self.fitted_.score(target, values[:, 1], moved)
        one, other = self.fitted_
        records = records_of(target)
        return np.asarray(one.log_normal(records, values) - other.log_normal(records, values))

    def _values(self, view: View) -> tuple[Array, Any]:
        """(n, 2) φ_o and the change, and (n,) whether it moved."""
        change, original = changes(view)
        return np.column_stack([original, self._change(view, change)]), np.abs(change) > FLOOR

    def _change(self, view: View, change: Array) -> Array:  # noqa: ARG002
        return change


@dataclass(frozen=True)
class PairedLikelihoodScaled(PairedLikelihood):
    """The same with asinh z in the place of Δφ, z = (Δφ - median Δφ_r)/b over the references of the pair."""

    name = "paired-likelihood-scaled"
    needs = frozenset({"labels", "references", "records"})

    def _change(self, view: View, change: Array) -> Array:  # noqa: ARG002
        return np.arcsinh(pair_scale(view))


@dataclass(frozen=True, eq=False)
class _Discrete:
    """Shares that moved by record, and densities of how far, for each role."""

    moving: tuple[ByRecord, ByRecord]
    distance: tuple[Any, Any]

    @classmethod
    def of(cls, shadow: LabelledView, change: Array, moved: Any) -> _Discrete:
        records, positive = records_of(shadow.view), shadow.positive
        shares, densities = [], []
        for role in (positive, ~positive):
            shares.append(_shares(records[role], moved[role]))
            there = np.arcsinh(change[role & moved] / FLOOR)
            enough = len(there) > 1 and np.ptp(there) > 0
            densities.append(gaussian_kde(there) if enough else None)
        return cls((shares[0], shares[1]), (densities[0], densities[1]))

    def score(self, target: View, change: Array, moved: Any) -> Array:
        records = records_of(target)
        logs = []
        for share, density in zip(self.moving, self.distance, strict=True):
            at, known = share.rows_of(records)
            n = np.where(known, share.count[at], 0.0)
            moving = (n * share.mean[at, 0] + SHRINKAGE * share.centre[0]) / (n + SHRINKAGE)
            of_change = np.ones(len(records)) if density is None else density(np.arcsinh(change / FLOOR))
            logs.append(np.log(np.maximum(np.where(moved, moving * of_change, 1 - moving), _LEAST)))
        return np.asarray(logs[0] - logs[1])


def _shares(records: Any, moved: Any) -> ByRecord:
    """Return, record by record, the share of rows that moved."""
    names, code = np.unique(records, return_inverse=True)
    count = np.bincount(code).astype(np.float64)
    mean = (np.bincount(code, moved.astype(np.float64)) / count)[:, None]
    none = np.zeros((len(names), 1, 1))
    return ByRecord(names, count, mean, none, none[0], np.array([moved.mean()]), none[0])


ATTACKS = (PairedLikelihood(), PairedLikelihoodScaled())
