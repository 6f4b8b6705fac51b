"""RMIA: whether a record's probability is raised more, by its own standard, than those of others never trained on.

Zarifzadeh, Liu and Shokri, "Low-Cost High-Power Membership Inference Attacks" (ICML 2024), offline: r(x) = p(x)/p̄(x)
with p̄(x) = ½((1 + a) mean over shadow models that never saw it + 1 - a), and the score the share of a population
whose r is smaller. The population are the reference records, asked of the same model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.formula.references import references_of
from unlearn_audit.attacks.per_record.base import ByRecord, PerRecordAttack, both_roles, records_of
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import probability
from unlearn_audit.utils.typing import Array

A = 0.2
"""a for tables, of the settings that its authors report."""


def _of_label(view: View) -> Array:
    """(n,) probability of the label in the first version seen."""
    return probability(view.posteriors[:, 0], view.labels)


@dataclass(frozen=True)
class Rmia(PerRecordAttack):
    """The share of references whose probability is raised less, on the original model alone."""

    name = "rmia"
    view = "original"
    needs = frozenset({"labels", "references", "records"})
    games = ("deleted-vs-unseen", "retained-vs-unseen")

    def learn(self, shadow: LabelledView) -> tuple[ByRecord, ByRecord]:
        """Return the probabilities of records never seen, and of references."""
        beside = references_of(shadow.view)
        out = both_roles(shadow, _of_label(shadow.view))[1]
        return out, ByRecord.of(records_of(beside), _of_label(beside)[:, None])

    def score(self, target: View) -> Array:
        """Return (n,) shares; a tie counts half."""
        out, of_references = self.fitted_
        beside = references_of(target)
        own = _of_label(target) / _usual(out, records_of(target))
        others = _of_label(beside) / _usual(of_references, records_of(beside))
        scores = np.empty(len(own))
        for pair in np.unique(target.pair):
            rows, known = target.pair == pair, np.sort(others[beside.pair == pair])
            if not len(known):
                raise AuditError(
                    "a pair of models was not queried on any reference record; query every pair on the references"
                )
            below, upto = (np.searchsorted(known, own[rows], side=side) for side in ("left", "right"))
            scores[rows] = (below + upto) / (2 * len(known))
        return scores


def _usual(learned: ByRecord, records: npt.NDArray[np.int64]) -> Array:
    """(n,) p̄ of each record."""
    at, known = learned.rows_of(records)
    mean = np.where(known, learned.mean[at, 0], learned.centre[0])
    return np.asarray(0.5 * ((1 + A) * mean + 1 - A))


ATTACKS = (Rmia(),)
