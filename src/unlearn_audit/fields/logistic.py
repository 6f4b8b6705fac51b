"""The change field of logistic regression, from one Hessian.

At the optimum of a regularised loss, deleting record x moves the parameters by H⁻¹ ∇ℓ(x), with H the Hessian over the
records that remain (one Newton step, exact to second order; the closed form of influence functions). So the logit of a
reference r falls by K(r, x) (t - p), where K(r, x) = rᵀ H⁻¹ x, t is 1 for the label of x and p its probability. H is
not the attacker's to see, but a mean over records of the same kind is near it. Where that mean is taken over x too, x
is taken out of it, which divides by 1 - h w with h = K(x, x) and w the weight of x in H
(`unlearn_audit.fields.downdate`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from unlearn_audit.data.base import Dataset
from unlearn_audit.fields.base import cosines
from unlearn_audit.fields.downdate import held, pull
from unlearn_audit.models.logistic import LogisticModel, LogisticSettings, solve
from unlearn_audit.models.source import ModelSource

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

SPARE = 1.5
"""References for each parameter from which on the versions' parameters are solved for."""

_SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class LogisticField:
    """What an attacker with records of its own expects of a logistic regression trained on others of the same kind.

    Attributes
    ----------
    data
        The records.
    own
        Positions of the attacker's.
    model
        Trained on them, regularised as one of ``share`` times as many records would be.
    share
        Training records of a model under attack, over own records.
    """

    explains_by_angle: ClassVar[bool] = False

    data: Dataset
    own: Positions
    model: LogisticModel
    share: float

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int) -> LogisticField | None:
        """Train the attacker's model; return None where the model is no logistic regression of this kind."""
        settings = LogisticSettings.of(source.make(0))
        if settings is None or settings.class_weight is not None:
            return None
        share = n_training / len(own)
        solved = solve(replace(settings, C=settings.C * share), data.X, data.y, np.sort(own))
        if solved is None or (len(solved[0].classes_) > 2 and not settings.one_vs_rest):
            return None
        return cls(data, own, solved[0], share)

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would fall."""
        of_candidates, of_references = self._rows(candidates), self._rows(references)
        by_output = self._margin_by_output(references)
        total = np.zeros((len(references), len(candidates)))
        for output, inverse in enumerate(self._inverse):
            pulled = of_candidates @ inverse
            by_candidate = self._pull(output, candidates, of_candidates, pulled)
            total += by_output[:, output, None] * (of_references @ pulled.T) * by_candidate
        return total

    def explain(self, change: Array, original: Array, candidates: Positions, references: Positions) -> Array:
        """Return (pairs, candidates) cosines of the observed and the expected change.

        With two classes and enough references, the versions' parameters follow from the references' margins, which are
        linear in them. Then all is calculated at the parameters of the original itself, and the angle is measured in
        the metric of H⁻¹, in which errors of H weigh the same in all directions. Whether H holds a candidate makes no
        difference to that angle: taking it out multiplies H⁻¹ ∇ℓ(x) by a positive number.

        Otherwise the margin of each reference is measured in units of its own standard error, so that those which any
        deletion moves far do not outweigh the others.
        """
        if len(self._inverse) == 1 and len(references) >= SPARE * (len(self._inverse[0])):
            return self._explain_parameters(change, original, candidates, references)
        error = self._standard_error(references)
        return cosines(change / error, self.change(candidates, references).T / error)

    def _explain_parameters(
        self, change: Array, original: Array, candidates: Positions, references: Positions
    ) -> Array:
        rows = self._rows(references) * self._margin_by_output(references)
        solution = np.linalg.pinv(rows)
        moved = change @ solution.T
        found = np.empty((len(change), len(candidates)))
        of_candidates = self._rows(candidates)
        # the pairs of one original have the same answers before
        _, first, original_of = np.unique(original.round(4), axis=0, return_index=True, return_inverse=True)
        for k, pair in enumerate(first):
            parameters = solution @ original[pair]
            hessian = self._hessian(parameters)
            root = np.linalg.cholesky(np.linalg.inv(hessian))
            target = self._is_class(candidates, 0)
            gradients = of_candidates * (target - expit(of_candidates @ parameters))[:, None]
            at = np.flatnonzero(original_of.reshape(-1) == k)
            found[at] = cosines(moved[at] @ hessian @ root, gradients @ root)
        return found

    def _standard_error(self, references: Positions) -> Array:
        """(references,) of their margins, to first order: what H⁻¹, the covariance of the parameters, makes of them."""
        rows, by_output = self._rows(references), self._margin_by_output(references)
        leverages = np.column_stack([np.einsum("ij,ij->i", rows, rows @ inverse) for inverse in self._inverse])
        return np.asarray(np.sqrt(np.maximum((np.square(by_output) * leverages).sum(axis=1), _SMALLEST)))

    def _rows(self, positions: Positions) -> Array:
        """(n, d + 1) records in the coordinates of the attacker's model, and a one."""
        X = (self.data.X[positions].astype(np.float64) - self.model.mean) / self.model.scale
        return np.column_stack([X, np.ones(len(X))])

    @cached_property
    def _own_rows(self) -> Array:
        return self._rows(self.own)

    @cached_property
    def _parameters(self) -> Array:
        """(d + 1, outputs)."""
        return np.vstack([self.model.coefficients, self.model.intercepts])

    @cached_property
    def _inverse(self) -> list[Array]:
        """For each output, the inverse Hessian of a model of as many records as those under attack."""
        return [np.asarray(np.linalg.inv(self._hessian(parameters))) for parameters in self._parameters.T]

    def _hessian(self, parameters: Array) -> Array:
        """(d + 1, d + 1) of one output, for as many records as those under attack train on."""
        p = expit(self._own_rows @ parameters)
        penalty = np.full(len(parameters), 1 / (self.model.settings.C / self.share))
        penalty[-1] = 0
        weighted = self._own_rows * (p * (1 - p))[:, None]
        return np.asarray(self.share * (self._own_rows.T @ weighted) + np.diag(penalty))

    def _is_class(self, positions: Positions, output: int) -> npt.NDArray[np.bool_]:
        """(n,) whether a record has the class that an output stands for; with two classes it is the second."""
        classes = self.model.classes_
        return np.asarray(self.data.y[positions] == classes[1 if len(classes) == 2 else output])

    def _pull(self, output: int, candidates: Positions, rows: Array, pulled: Array) -> Array:
        """(candidates,) t - p, divided by 1 - h w where the attacker's own training set holds the candidate."""
        p = expit(rows @ self._parameters[:, output])
        inside = held(candidates, self.own)
        weight = self.share * (p * (1 - p))[inside]
        leverage = np.einsum("ij,ij->i", rows[inside], pulled[inside])
        residual = self._is_class(candidates, output) - p
        return pull(residual[:, None], inside, np.sqrt(weight)[:, None, None], leverage[:, None, None])[:, 0]

    def _margin_by_output(self, references: Positions) -> Array:
        """(references, outputs) the derivative of the margin φ by each logit.

        With two classes φ is the logit of the label. One against the rest, φ = log s_y - log Σ_{k≠y} s_k with s_k the
        probability of output k before they are normalised, which cancels.
        """
        classes = self.model.classes_
        if len(classes) == 2:
            return np.where(self._is_class(references, 0), 1.0, -1.0)[:, None]
        s = expit(self._rows(references) @ self._parameters)
        own = self.data.y[references][:, None] == classes[None]
        rest = np.where(own, 0.0, s)
        derivative = -rest * (1 - s) / np.maximum(rest.sum(axis=1, keepdims=True), _SMALLEST)
        return np.asarray(np.where(own, 1 - s, derivative))
