"""The influence of records on logistic regression, from one Hessian.

At the optimum of a regularised loss, deleting record x moves the parameters by H⁻¹ ∇ℓ(x), with H the Hessian over the
records that remain (one Newton step, exact to second order; the closed form of influence functions). So the logit of a
reference r drops by K(r, x) (t - p), where K(r, x) = rᵀ H⁻¹ x, t is 1 for the label of x and p its probability. H is
not the attacker's to see, but a mean over records of the same kind is near it. Where that mean is taken over x too, x
is taken out of it, which divides by 1 - h w with h = K(x, x) and w the weight of x in H
(`unlearn_audit.attacks.influence.downdate`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from unlearn_audit.attacks.influence.base import Influence, cosines
from unlearn_audit.attacks.influence.downdate import held, pull
from unlearn_audit.data.base import Dataset
from unlearn_audit.models.logistic import LogisticModel, LogisticSettings, solve
from unlearn_audit.models.source import ModelSource
from unlearn_audit.utils.deadline import one_training
from unlearn_audit.utils.typing import Array, Positions

SPARE = 1.5
"""References for each parameter from which on the versions' parameters are solved for."""

LINEAR = 0.05
"""The part of a change that parameters may leave unexplained, if they are to be solved for."""

DAMPING = 0.75
"""The power to which changes are raised before their angle is taken.

A half finds more where answers are rounded or classes are many, 1 where two classes answer few queries exactly; this
finds nearly as many as the better of both in either case.
"""

OWN_ASKED = 1_000
"""Own records, at most twice as many, with which a candidate is compared across pairs."""

HALVINGS = 40
"""Of the interval of a residual: it is then known to a trillionth."""

_PAIRS_AT_ONCE = 20

_SMALLEST = 1e-300

Pull = Callable[[int, npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""From an output, candidates, their features and these times H⁻¹ to what each pulls at."""


@dataclass(frozen=True, eq=False)
class LogisticInfluence(Influence):
    """What an attacker with its own records expects of a logistic regression trained on others of the same kind.

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

    data: Dataset
    own: Positions
    model: LogisticModel
    share: float

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int) -> LogisticInfluence | None:
        """Train the attacker's model; return None where the model is no logistic regression of this kind."""
        settings = LogisticSettings.of(source.make(0))
        if settings is None or settings.class_weight is not None:
            return None
        share = n_training / len(own)
        with one_training(source.name, len(own), data.name):
            solved = solve(replace(settings, C=settings.C * share), data.X, data.y, np.sort(own))
        if solved is None or (len(solved[0].classes_) > 2 and not settings.one_vs_rest):
            return None
        return cls(data, own, solved[0], share)

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would drop.

        It is the derivative by the record's weight, at weight 0 for a record that the attacker's model lacks.
        """
        return self.margin_drop(candidates, references, self.pull)

    def explain(self, change: Array, original: Array, candidates: Positions, references: Positions) -> Array:
        """Return (pairs, candidates) cosines of the observed and the expected change.

        Expected is what deleting the candidate from a model that was trained on it would change (`pull_of_trained`).
        Each reference is measured in units of its margin's standard error, so that those which any deletion moves far
        do not outweigh the others; and with its size raised to `DAMPING`, since the attacker's error about a reference
        grows with the change expected of it.

        With two classes and enough references, the versions' parameters follow from the references' margins, which are
        linear in them. Then all is calculated at the parameters of the original itself, and the angle is measured in
        the metric of H⁻¹, in which errors of H weigh the same in all directions. Whether H holds a candidate makes no
        difference to that angle: taking it out multiplies H⁻¹ ∇ℓ(x) by a positive number. Where the margins are not
        linear in any parameters, as those of rounded answers, the parameters cannot be had.
        """
        error = self.standard_error(references)
        expected = self.margin_drop(candidates, references, self.pull_of_trained).T
        found = cosines(_damped(change / error), _damped(expected / error))
        if len(self.inverse) == 1 and len(references) >= SPARE * (len(self.inverse[0])):
            rows = self.rows(references) * self._margin_by_output(references)
            solution = np.asarray(np.linalg.pinv(rows), dtype=np.float64)
            left = np.linalg.norm(change - change @ solution.T @ rows.T, axis=1)
            linear = left <= LINEAR * np.linalg.norm(change, axis=1)
            found[linear] = self._explain_parameters(change[linear], original[linear], candidates, solution)
        return found

    def explain_rows(
        self, change: Array, original: Array, candidates: Positions, pair: Positions, references: Positions
    ) -> Array:
        """Return (n,) by how much the candidate explains its pair better than the attacker's own records do.

        Some changes look like those of many records. So what is explained is compared with what all but one in a
        hundred of the attacker's own records explain of the same pair, at most `OWN_ASKED` of them.
        """
        own = self.own[:: max(1, len(self.own) // OWN_ASKED)]
        scores = np.empty(len(candidates))
        for start in range(0, len(change), _PAIRS_AT_ONCE):
            at = np.flatnonzero((pair >= start) & (pair < start + _PAIRS_AT_ONCE))
            if len(at):
                among, row = np.unique(pair[at], return_inverse=True)
                asked = np.concatenate([candidates[at], own])
                of_pairs = self.explain(change[among], original[among], asked, references)
                usual = np.quantile(of_pairs[:, len(at) :], 0.99, axis=1)
                row = row.reshape(-1)
                scores[at] = of_pairs[row, np.arange(len(at))] - usual[row]
        return scores

    def margin_drop(self, candidates: Positions, references: Positions, pull_of: Pull) -> Array:
        """(references, candidates) the drop of margins, from what a candidate pulls at in each output."""
        of_candidates, of_references = self.rows(candidates), self.rows(references)
        by_output = self._margin_by_output(references)
        total = np.zeros((len(references), len(candidates)))
        for output, inverse in enumerate(self.inverse):
            pulled = of_candidates @ inverse
            by_candidate = pull_of(output, candidates, of_candidates, pulled)
            total += by_output[:, output, None] * (of_references @ pulled.T) * by_candidate
        return total

    def _explain_parameters(self, change: Array, original: Array, candidates: Positions, solution: Array) -> Array:
        """(pairs, candidates) cosines in the metric of H⁻¹; ``solution`` takes margins of references to parameters."""
        moved = change @ solution.T
        found = np.empty((len(change), len(candidates)))
        of_candidates = self.rows(candidates)
        # the pairs of one original have the same answers before
        _, first, original_of = np.unique(original.round(4), axis=0, return_index=True, return_inverse=True)
        for k, pair in enumerate(first):
            parameters = solution @ original[pair]
            hessian = self._hessian(parameters)
            root = np.linalg.cholesky(np.linalg.inv(hessian))
            target = self.is_class(candidates, 0)
            gradients = of_candidates * (target - expit(of_candidates @ parameters))[:, None]
            at = np.flatnonzero(original_of.reshape(-1) == k)
            found[at] = cosines(moved[at] @ hessian @ root, gradients @ root)
        return found

    def standard_error(self, references: Positions) -> Array:
        """(references,) of their margins, to first order: what H⁻¹, the covariance of the parameters, makes of them."""
        rows, by_output = self.rows(references), self._margin_by_output(references)
        leverages = np.column_stack([np.einsum("ij,ij->i", rows, rows @ inverse) for inverse in self.inverse])
        return np.asarray(np.sqrt(np.maximum((np.square(by_output) * leverages).sum(axis=1), _SMALLEST)))

    def rows(self, positions: Positions) -> Array:
        """(n, d + 1) records in the coordinates of the attacker's model, and a one."""
        X = (self.data.X[positions].astype(np.float64) - self.model.mean) / self.model.scale
        return np.column_stack([X, np.ones(len(X))])

    @cached_property
    def _own_rows(self) -> Array:
        return self.rows(self.own)

    @cached_property
    def parameters(self) -> Array:
        """(d + 1, outputs)."""
        return np.vstack([self.model.coefficients, self.model.intercepts])

    @cached_property
    def inverse(self) -> list[Array]:
        """For each output, the inverse Hessian of a model of as many records as those under attack."""
        return [np.asarray(np.linalg.inv(self._hessian(parameters))) for parameters in self.parameters.T]

    def _hessian(self, parameters: Array) -> Array:
        """(d + 1, d + 1) of one output, for as many records as those under attack train on."""
        p = expit(self._own_rows @ parameters)
        penalty = np.full(len(parameters), 1 / (self.model.settings.C / self.share))
        penalty[-1] = 0
        weighted = self._own_rows * (p * (1 - p))[:, None]
        return np.asarray(self.share * (self._own_rows.T @ weighted) + np.diag(penalty))

    def is_class(self, positions: Positions, output: int) -> npt.NDArray[np.bool_]:
        """(n,) whether a record has the class that an output stands for; with two classes it is the second."""
        classes = self.model.classes_
        return np.asarray(self.data.y[positions] == classes[1 if len(classes) == 2 else output])

    def pull(self, output: int, candidates: Positions, rows: Array, pulled: Array) -> Array:
        """(candidates,) t - p, divided by 1 - h w where the attacker's own training set holds the candidate."""
        p = expit(rows @ self.parameters[:, output])
        inside = held(candidates, self.own)
        weight = self.share * (p * (1 - p))[inside]
        leverage = np.einsum("ij,ij->i", rows[inside], pulled[inside])
        residual = self.is_class(candidates, output) - p
        return pull(residual[:, None], inside, np.sqrt(weight)[:, None, None], leverage[:, None, None])[:, 0]

    def pull_of_trained(self, output: int, candidates: Positions, rows: Array, pulled: Array) -> Array:
        """(candidates,) as `pull`, with the residual of a model that was trained on the candidate.

        Training on x moves its own logit z by h r, with r the residual that is left, so r = t - σ(z + h r). It lies
        between 0 and t - σ(z), and is found by halving.
        """
        found = self.pull(output, candidates, rows, pulled)
        outside = ~held(candidates, self.own)
        logit = rows[outside] @ self.parameters[:, output]
        leverage = np.einsum("ij,ij->i", rows[outside], pulled[outside])
        target = self.is_class(candidates[outside], output).astype(np.float64)
        low, high = np.minimum(0.0, found[outside]), np.maximum(0.0, found[outside])
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = middle < target - expit(logit + leverage * middle)
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found[outside] = (low + high) / 2
        return found

    def _margin_by_output(self, references: Positions) -> Array:
        """(references, outputs) the derivative of the margin φ by each logit.

        With two classes φ is the logit of the label. One against the rest, φ = log s_y - log Σ_{k≠y} s_k with s_k the
        probability of output k before they are normalised, which cancels.
        """
        classes = self.model.classes_
        if len(classes) == 2:
            return np.where(self.is_class(references, 0), 1.0, -1.0)[:, None]
        s = expit(self.rows(references) @ self.parameters)
        own = self.data.y[references][:, None] == classes[None]
        rest = np.where(own, 0.0, s)
        derivative = -rest * (1 - s) / np.maximum(rest.sum(axis=1, keepdims=True), _SMALLEST)
        return np.asarray(np.where(own, 1 - s, derivative))


def _damped(values: Array) -> Array:
    """Return values with their sizes raised to `DAMPING`."""
    return np.asarray(np.sign(values) * np.abs(values) ** DAMPING)
