"""How far a model has forgotten a record, on the way from one that fits it to one that never saw it.

IAM (Wang et al., arXiv 2506.06112), in the form that its public account has: on a line from the confidence of models
that never saw the record to that of a model that fits it, a Gumbel distribution stands at each of a hundred places;
what the unlearned model says is judged by all of them, the nearer to the fit the more. `Iam` and `IamOffline` are the
published scores; `IamTapered` is a variant of ours. They ask whether a record is forgotten or still in, so they take
part in deleted-vs-retained alone: where both roles are strangers to the unlearned model, as in deleted-vs-unseen, they
are at chance by construction. The models that never saw a record are here the attacker's own from which it was deleted.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.per_record.base import ByRecord, PerRecordAttack, records_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.probabilities import probability
from unlearn_audit.utils.typing import Array

INNER, OUTER = 1e-5, 1e-2
"""ε₂ and ε₁ of the confidence g = -log(ε₁ - log(ε₂ + p))."""

PLACES = 100
"""Places on the line from 'never seen' to 'fits'; the last is no distribution, and judges nobody."""

_ALPHA = np.linspace(0, 1, PLACES)[:-1]
_ALPHA_LEFT = 1 - _ALPHA
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
    """What shadow worlds tell.

    Attributes
    ----------
    never
        Confidences of models that never saw a record.
    fits
        Mean confidence of models that hold a record.
    spread
        (`PLACES` - 1,) σ at each place of the line.
    """

    never: ByRecord
    fits: float
    spread: Array


@dataclass(frozen=True)
class _Iam(PerRecordAttack):
    """One less the membership, on a line from models that never saw a record to one that fits it."""

    games = ("deleted-vs-retained",)

    def learn(self, shadow: LabelledView) -> _Known:
        """Return confidences of deleted records, the mean of those that remain, and the spread along the line."""
        records, values = records_of(shadow.view), _of_label(shadow.view, -1)
        gone = shadow.positive
        return _Known(ByRecord.of(records[gone], values[gone]), float(values[~gone].mean()), self._spread(shadow))

    def score(self, target: View) -> Array:
        """Return (n,) one less the membership."""
        return 1 - membership(_of_label(target, -1), self._never(target), self._fit(target), self.fitted_.spread)

    def _never(self, target: View) -> Array:
        """(n,) the mean confidence of models that never saw each record; of any record where it is not known."""
        never = self.fitted_.never
        at, known = never.rows_of(records_of(target))
        return np.asarray(np.where(known, never.mean[at, 0], never.centre[0]))

    @abstractmethod
    def _fit(self, target: View) -> Array:
        """(n,) the confidence of a model that fits each record."""

    def _spread(self, shadow: LabelledView) -> Array:
        """(`PLACES` - 1,) σ of all records and shadow models at each place: the end is the same for all."""
        return _ALPHA_LEFT * float(np.std(_of_label(shadow.view, -1)[shadow.positive]))


@dataclass(frozen=True)
class IamOffline(_Iam):
    """From the unlearned model alone: the line of every record ends at the mean confidence of models that hold one."""

    name = "iam-offline"
    view = "unlearned"

    def _fit(self, target: View) -> Array:
        return np.full(len(target), self.fitted_.fits)


@dataclass(frozen=True)
class IamTapered(_Iam):
    """From both models, with a σ that tapers to nothing where the original's own confidence is reached: ours.

    The published spread takes in how the fits of records differ. But each record's own fit is known, so that at the
    end of its line nothing is left to vary.
    """

    name = "iam-tapered"
    view = "pair"

    def _fit(self, target: View) -> Array:
        return _of_label(target, 0)


@dataclass(frozen=True)
class Iam(IamTapered):
    """From both models, as published (online): σ is that of the interpolated values of all records and shadow models.

    The published code takes the records that it scores for this. A score may not depend on which others are scored, so
    the original's confidences are here those of shadow originals in the same records.
    """

    name = "iam"

    def _spread(self, shadow: LabelledView) -> Array:
        gone = shadow.positive
        starts, ends = _of_label(shadow.view, -1)[gone], _of_label(shadow.view, 0)
        end, square = (_of_other_models(records_of(shadow.view), values)[gone] for values in (ends, ends**2))
        variance = (
            _ALPHA_LEFT**2 * np.var(starts)
            + 2 * _ALPHA_LEFT * _ALPHA * np.mean((starts - starts.mean()) * (end - end.mean()))
            + _ALPHA**2 * (square.mean() - end.mean() ** 2)
        )
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _of_other_models(records: npt.NDArray[np.int64], values: Array) -> Array:
    """Return (n,) the mean value of each row's record in all rows but this one; its own where there is no other.

    The model under attack is none of those that never saw the record, so the two ends of a line are independent but
    for the record.
    """
    code = np.unique(records, return_inverse=True)[1].reshape(-1)
    others = np.bincount(code)[code] - 1
    sums = np.bincount(code, values)[code] - values
    return np.where(others > 0, sums / np.maximum(others, 1), values)


def membership(unlearned: Array, never: Array, fit: Array, spread: Array) -> Array:
    """Return (n,) Σ w F(g_u) / Σ w over places α on the line g_never + α (g_fit - g_never).

    F is the Gumbel distribution by moments, β = √6 σ/π and location μ - 0.5772 β, and the weights w rise evenly to 1.
    The first of the places is g_never; g_fit itself comes after the last.

    Parameters
    ----------
    unlearned, never, fit
        (n,) confidences; ``never`` the mean over models that never saw the record.
    spread
        (places,) σ at each place.
    """
    places = len(spread) + 1
    alpha, weights = np.linspace(0, 1, places)[:-1], np.linspace(0, 1, places)[1:]
    line = never[:, None] + alpha * (fit - never)[:, None]
    beta = np.sqrt(6) / np.pi * np.maximum(spread, _SMALLEST)
    location = line - np.euler_gamma * beta
    with np.errstate(over="ignore"):
        passed = np.exp(-np.exp(-(unlearned[:, None] - location) / beta))
    return np.asarray(passed @ weights / weights.sum())


def _of_label(view: View, version: int) -> Array:
    """(n,) the confidence of a version in the label."""
    return confidence(probability(view.posteriors[:, version], view.labels))


ATTACKS = (Iam(), IamOffline(), IamTapered())
