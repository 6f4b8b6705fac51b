"""What an attacker reads of corrections: figures of every point asked, and the attacks that are fitted on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.audits.rectification.corrections import RectificationPlan
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import attacker_view
from unlearn_audit.utils.typing import Array, Integers, Mask

_TINY = 1e-12
_CHANGE, _Z = 0, 2
"""Places of the margin's fall, and of that on the pair's scale, among the figures of a point."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one side's pairs show of each subject: the corrected records, and some that stayed as they were.

    Attributes
    ----------
    points
        (subjects, 1 + k, 8) figures of the record as it was and of each of its k corrections (`pair_covariates`).
    steps
        (subjects, k) by how much each correction changes its column, in standard deviations.
    corrected
        (subjects,) whether the record was corrected.
    true
        (subjects,) the place of the correction that was made; of records that stayed, -1.
    worlds, records
        (subjects,) the world, and the position of the record.
    """

    points: Array
    steps: Array
    corrected: Mask
    true: Integers
    worlds: Integers
    records: Integers

    @classmethod
    def of(cls, plan: RectificationPlan, table: Observations) -> Evidence:
        """Read the table of one side, whose rows are in the order of the plan's queries."""
        indices = range(plan.n_worlds)
        subjects = np.concatenate([plan.subjects(index) for index in indices])
        rows = ~table.in_roles("reference")
        points = pair_covariates(attacker_view(table, "pair", rows))
        true = np.full(subjects.shape, -1)
        true[:, 0] = np.concatenate([plan.true_columns(index) for index in indices])
        worlds = np.repeat(np.arange(plan.n_worlds), len(subjects) // plan.n_worlds * subjects.shape[1])
        return cls(
            points.reshape(subjects.size, 1 + plan.line_ups.n_columns, -1),
            plan.line_ups.steps_of(subjects.ravel()),
            true.ravel() >= 0,
            true.ravel(),
            worlds,
            subjects.ravel(),
        )

    def of_corrected(self) -> Evidence:
        """Return the corrected records alone."""
        at = self.corrected
        return Evidence(self.points[at], self.steps[at], at[at], self.true[at], self.worlds[at], self.records[at])

    @property
    def still(self) -> float:
        """The share of corrected records at which no margin moved, at the old value nor at the new one."""
        own = self.of_corrected()
        changes = own.points[..., _CHANGE]
        return float(((changes[:, 0] == 0) & (changes[np.arange(len(own.true)), 1 + own.true] == 0)).mean())

    @property
    def on_columns(self) -> Array:
        """(subjects * k, features) what speaks for each correction.

        The model takes leave of the old values and learns the new ones: the margin falls at the record as it was, and
        rises at the correction. What any other correction shows, whose record the model never saw, is what the
        attacker compares with, so that each figure comes with its rank in its line-up.
        """
        old, new = self.points[:, :1], self.points[:, 1:]
        gap = old[..., _CHANGE] - new[..., _CHANGE]
        slope = np.abs(gap) / np.maximum(self.steps, _TINY)
        own = [new[..., i] for i in range(new.shape[-1])]
        ranks = [rankdata(of, axis=1) / of.shape[1] for of in (gap, np.abs(gap), slope, new[..., _CHANGE])]
        share = [of / np.maximum(np.abs(of).sum(axis=1, keepdims=True), _TINY) for of in (gap, slope)]
        before = np.broadcast_to(old, new.shape)
        others = [before[..., i] for i in (_CHANGE, 1, _Z)]
        scaled = old[..., _Z] - new[..., _Z]
        features = [*own, *ranks, *share, *others, scaled, self.steps, np.abs(new[..., 1] - old[..., 1])]
        return np.stack(features, axis=-1).reshape(-1, len(features))

    @property
    def on_records(self) -> Array:
        """(subjects, features) what speaks for a record's having been corrected at all."""
        rises = np.sort(self.points[:, 1:, _Z], axis=1)
        extremes = rises[:, [0, 1, -1]]
        gaps = self.points[:, :1, _Z] - self.points[:, 1:, _Z]
        return np.column_stack([self.points[:, 0], extremes, gaps.max(axis=1), np.median(gaps, axis=1)])

    @property
    def old_from_new(self) -> Array:
        """(subjects,) how much more the margin fell at the old value than at the new one, on the scale of the pair.

        A pair on whose references nothing moved has the smallest scale there is, so that it is bounded (asinh).
        """
        at = np.arange(len(self.true))
        fell = np.sinh(self.points[..., _Z])
        return np.asarray(np.arcsinh(fell[at, 0] - fell[at, 1 + self.true]))


def fitted_columns(shadow: Evidence, target: Evidence, seed: int) -> Array:
    """(subjects, k) scores of each correction of the target's corrected records, learned on shadow worlds."""
    known = shadow.of_corrected()
    truth = np.arange(known.steps.shape[1]) == known.true[:, None]
    model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True).fit(known.on_columns, truth.ravel())
    asked = target.of_corrected()
    return model.predict_proba(asked.on_columns)[:, 1].reshape(asked.steps.shape)


def fitted_records(shadow: Evidence, target: Evidence, seed: int) -> Array:
    """(subjects,) scores of the target's records, learned on shadow worlds: higher for a corrected one."""
    model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True)
    return model.fit(shadow.on_records, shadow.corrected).predict_proba(target.on_records)[:, 1]


def right_first(scores: Array, true: Integers) -> npt.NDArray[np.float64]:
    """(m,) the chance that a guess among the highest of (m, k) scores is the true one.

    Examples
    --------
    >>> right_first(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 0])).tolist()
    [1.0, 0.5, 0.0]
    """
    best = scores == scores.max(axis=1, keepdims=True)
    return np.asarray(best[np.arange(len(true)), true] / best.sum(axis=1))
