"""Attacks of an observer who sees labels and no probabilities.

The gap asks each version once: right before, wrong after (Yeom et al., CSF 2018). The others ask near the record, see
`unlearn_audit.engine.probes`: how many perturbed copies are labelled rightly (Choquette-Choo et al., ICML 2021), and
how far the boundary is (Lu et al., Int. J. Intell. Syst. 2022), before and after. How far a record lies inside its
class is a margin, and its fall is to be measured by that of reference records of the same pair, as with posteriors (our
own).
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.attacks.base import Need
from unlearn_audit.attacks.formula.references import on_the_scale_of_the_pair, references_of
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS, Statistic
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import check_labels
from unlearn_audit.utils.typing import Array

PROBED = ("agreement", "boundary")
"""Signals that the attacks read: (n, versions) and (n, versions, lines)."""


def check_signals(table: Observations) -> None:
    """Raise an `AuditError` unless the signals of a table have a finite value for each version of each row."""
    for name, dimensions in zip(PROBED, (2, 3), strict=True):
        values = np.asarray(table.signals[name])
        if values.ndim != dimensions or values.shape[1] != table.n_versions:
            axes = "(rows, versions)" if dimensions == 2 else "(rows, versions, lines)"
            raise AuditError(
                f"the signal '{name}' has shape {values.shape} for {len(table):,} rows and {table.n_versions} "
                f"versions; {axes} is needed"
            )
        if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise AuditError(f"the signal '{name}' holds something that is not a finite number; export it again")


def label_gap(view: View) -> Array:
    """(n,) 1 where the original had the label right and the unlearned has not, -1 the other way round, else 0."""
    check_labels(view.labels)
    right = view.posteriors[:, [0, -1]].argmax(axis=2) == view.labels[:, None]
    return np.asarray(right[:, 0].astype(np.float64) - right[:, 1])


def label_agreement(view: View) -> Array:
    """(n,) by how much the share of a record's perturbed copies that are labelled rightly fell."""
    check_labels(view.labels)
    return _fall(view, "agreement")


def boundary_distance(view: View) -> Array:
    """(n,) by how much the signed distance to the boundary fell, the mean over lines."""
    check_labels(view.labels)
    return _fall(view, "boundary")


def boundary_distance_scaled(view: View) -> Array:
    """(n,) the same as z: less the median, over the mean distance from it, of the references of the pair."""
    return on_the_scale_of_the_pair(view, boundary_distance(view), _fall(references_of(view), "boundary"))


def _fall(view: View, signal: str) -> Array:
    """(n,) a signal of the first version less that of the last."""
    if signal not in view.signals:
        raise AuditError(f"this attack needs the signal '{signal}' of every record; get it with worlds.probes")
    values = np.asarray(view.signals[signal], dtype=np.float64)
    fall = values[:, 0] - values[:, -1]
    return fall if fall.ndim == 1 else np.asarray(fall.mean(axis=1))


_NEAR = frozenset[Need]({"labels", "probes"})

PROBING = ("label-agreement", "boundary-distance", "boundary-distance-scaled")
"""Attacks that ask near a record."""

ATTACKS = tuple(
    Statistic(name, "labels", formula, DELETION_SIGNS, needs, reads_labels=True)
    for name, formula, needs in (
        ("label-gap", label_gap, frozenset[Need]({"labels"})),
        ("label-agreement", label_agreement, _NEAR),
        ("boundary-distance", boundary_distance, _NEAR),
        ("boundary-distance-scaled", boundary_distance_scaled, _NEAR | frozenset[Need]({"references"})),
    )
)
