"""How far a model has forgotten a record, on the way from one that fits it to one that never saw it.

IAM (Wang et al., arXiv 2506.06112), in the form that its public account has: on a line from the confidence of models
that never saw the record to that of a model that fits it, a Gumbel distribution stands at each of a hundred places;
what the unlearned model says is judged by all of them, the nearer to the fit the more. It asks whether a record is
forgotten or still in, so it takes part in deleted-vs-retained alone: where both roles are strangers to the unlearned
model, as in deleted-vs-unseen, it is at chance by construction. The models that never saw a record are here the
attacker's own from which it was deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unlearn_audit.attacks.per_record import Array, ByRecord, PerRecordAttack, records_of
from unlearn_audit.observations.views import LabelledView, View, ViewName
from unlearn_audit.probabilities import probability

INNER, OUTER = 1e-5, 1e-2
"""ε₂ and ε₁ of the confidence g = -log(ε₁ - log(ε₂ + p))."""

PLACES = 100
"""Places on the line from 'never seen' to 'fits'; the last is no distribution, and judges nobody."""

_SMALLEST = 1e-6


def confidence(p: Array) -> Array:
    """Return g(p), scaled so that probabilities 0 and 1 give 0 and 1.

    Examples
    --------
    >>> confidence(np.array([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    ends = _raw(np.array([0.0, 1.0]))
    return np.asarray((_raw(p) - ends[0]) / (ends[1] - ends[0]))


def _raw(p: Array) -> Array:
    # a probability of 1 and the ε inside would make the logarithm positive
    return np.asarray(-np.log(OUTER - np.minimum(np.log(INNER + p), 0.0)))


@dataclass(frozen=True, eq=False)
class _Known:
    """What shadow worlds tell: confidences of models that never saw a record, and of those that hold one."""

    never: ByRecord
    spread: float
    fits: float


@dataclass(frozen=True)
class IamOffline(PerRecordAttack):
    """From the unlearned model alone: the fit is that of all records that are in, on average."""

    name: ClassVar[str] = "iam-offline"
    view: ClassVar[ViewName] = "unlearned"
    games: ClassVar[tuple[str, ...] | None] = ("deleted-vs-retained",)

    def learn(self, shadow: LabelledView) -> _Known:
        """Return confidences of deleted records, and the mean of those that remain."""
        records, values = records_of(shadow.view), _of_label(shadow.view, -1)
        never = values[shadow.positive]
        return _Known(
            ByRecord.of(records[shadow.positive], never),
            max(float(np.std(never)), _SMALLEST),
            float(values[~shadow.positive].mean()),
        )

    def score(self, target: View) -> Array:
        """Return (n,) one less the membership."""
        return 1 - membership(
            _of_label(target, -1), self._never(target), self._fit(target), self.fitted_.spread, PLACES
        )

    def _never(self, target: View) -> Array:
        """(n,) the mean confidence of models that never saw each record; of any record where it is not known."""
        never = self.fitted_.never
        at, known = never.rows_of(records_of(target))
        return np.asarray(np.where(known, never.mean[at, 0], never.centre[0]))

    def _fit(self, target: View) -> Array:
        """(n,) the confidence of a model that fits each record."""
        return np.full(len(target), self.fitted_.fits)


@dataclass(frozen=True)
class Iam(IamOffline):
    """From both models: the original shows how it fits the record itself."""

    name: ClassVar[str] = "iam"
    view: ClassVar[ViewName] = "pair"

    def _fit(self, target: View) -> Array:
        return _of_label(target, 0)


def membership(unlearned: Array, never: Array, fit: Array, spread: float, places: int) -> Array:
    """Return (n,) Σ w F(g_u) / Σ w over places α on the line g_never + α (g_fit - g_never).

    F is the Gumbel distribution by moments, β = √6 σ/π and location μ - 0.5772 β, where σ is that of all records'
    confidences at the place, (1 - α) times that at its start, and the weights w rise evenly to 1.

    Parameters
    ----------
    unlearned, never, fit
        (n,) confidences.
    spread
        σ at the start of the line.
    places
        How many there are.
    """
    alpha = np.linspace(0, 1, places)[:-1]
    weights = np.linspace(0, 1, places)[1:]
    line = never[:, None] + alpha * (fit - never)[:, None]
    beta = np.sqrt(6) / np.pi * np.maximum((1 - alpha) * spread, _SMALLEST)
    location = line - np.euler_gamma * beta
    with np.errstate(over="ignore"):
        passed = np.exp(-np.exp(-(unlearned[:, None] - location) / beta))
    return np.asarray(passed @ weights / weights.sum())


def _of_label(view: View, version: int) -> Array:
    """(n,) the confidence of a version in the label."""
    return confidence(probability(view.posteriors[:, version], view.labels))


IAM = (Iam(), IamOffline())
