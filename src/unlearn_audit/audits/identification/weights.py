"""The deleted record itself, from the published weights of two versions of a logistic regression.

Deleting x from the training records of a regularised regression moves its optimum θ by H⁻¹ ∇ℓ(x), with H the Hessian
of what remains and ∇ℓ(x) = (p - t)(x, 1): t is 1 if x has the label, p its probability. Who knows H reads ∇ℓ(x) off the
two versions, and x off ∇ℓ(x): its last entry is p - t, the others are x times that. H is estimated on public records of
the same kind: Ĥ = n E[p (1 - p) (x, 1)(x, 1)ᵀ] + penalty (Bertran et al., "Reconstruction Attacks on Machine
Unlearning: Simple Models are Vulnerable", NeurIPS 2024, carried over to logistic regression).

Where each version standardises its records anew, the penalty moves too. In the records' own coordinates it is
½ Σ σ_j² θ_j² / C, and without x the variance is σ_j'² = n/(n - 1) σ_j² - n/(n - 1)² (x_j - μ_j)², so that
Ĥ(θ' - θ) = (p - t)(x, 1) - (σ'² - σ²) θ / C. Its intercept has no penalty and gives p - t; what is left is a quadratic
in each feature. Means move nothing, since the intercept takes them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticModel
from unlearn_audit.utils.typing import Array

Scaler = Literal["fixed", "refitted"]
"""Whether both versions standardise with the same public figures, or each with those of its own training records."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A version of a model as it is published: parameters in the records' own coordinates.

    Attributes
    ----------
    parameters
        (d + 1, outputs) the intercept last; one output for two classes, else one a class.
    """

    parameters: Array

    @classmethod
    def of(cls, model: LogisticModel) -> Weights:
        """Take the scaler of a model into its coefficients."""
        coefficients = model.coefficients / model.scale[:, None]
        return cls(np.vstack([coefficients, model.intercepts - model.mean @ coefficients]))


@dataclass(frozen=True, eq=False)
class PublicKnowledge:
    """What the attacker knows besides the two versions.

    Attributes
    ----------
    X
        (m, d) public records of the same kind.
    n
        How many records the original was trained on.
    C
        Inverse strength of its penalty.
    scaler
        Whether the penalty moves with the training records.
    mean, spread
        (d,) that the penalty is taken with.
    """

    X: Array
    n: int
    C: float
    scaler: Scaler
    mean: Array
    spread: Array

    @cached_property
    def rows(self) -> Array:
        """(m, d + 1) records and a one."""
        return with_one(self.X)

    def hessian(self, parameters: Array) -> Array:
        """(outputs, d + 1, d + 1) estimated Hessians of n - 1 records."""
        p = expit(self.rows @ parameters)
        penalty = np.append(np.square(self.spread) / self.C, 0.0)
        weighted = [(self.n - 1) / len(self.rows) * (self.rows.T * w) @ self.rows for w in (p * (1 - p)).T]
        return np.stack(weighted) + np.diag(penalty)

    def penalty_moves(self, x: Array) -> Array:
        """(..., d) by how much σ² / C changes when x is deleted."""
        if self.scaler == "fixed":
            return np.zeros_like(x)
        n = self.n
        return (np.square(self.spread) / (n - 1) - n / (n - 1) ** 2 * np.square(x - self.mean)) / self.C


def with_one(X: Array) -> Array:
    """(m, d + 1) records and a one."""
    return np.column_stack([X, np.ones(len(X))])


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads deleted records off later versions of one original.

    Attributes
    ----------
    before, known
        The original, and what the attacker knows.
    """

    before: Weights
    known: PublicKnowledge

    @cached_property
    def hessian(self) -> Array:
        """(outputs, d + 1, d + 1)."""
        return self.known.hessian(self.before.parameters)

    @cached_property
    def roots(self) -> Array:
        """(outputs, d + 1, d + 1) roots of the inverses, in whose metric errors of Ĥ weigh the same everywhere."""
        return np.asarray(np.linalg.cholesky(np.linalg.inv(self.hessian)))

    def gradient(self, after: Weights) -> Array:
        """Return (d + 1, outputs) Ĥ (θ' - θ): the gradient of the deleted record, and what the penalty moved."""
        moved = after.parameters - self.before.parameters
        return np.asarray(np.einsum("oij,jo->io", self.hessian, moved))

    def read(self, after: Weights) -> Array:
        """Return (d,) the deleted record.

        Raises
        ------
        AuditError
            If the versions are the same, so that nothing was deleted.
        """
        return _solved(self.gradient(after), self.before, self.known)

    def fits(self, after: Weights, X: Array, is_class: npt.NDArray[np.bool_]) -> Array:
        """Return (m,) the cosine of what was read off a version with what each candidate's deletion would show.

        Parameters
        ----------
        after
            The later version.
        X, is_class
            (m, d) candidates, and (m, outputs) whether each has the class that an output stands for.
        """
        seen, rows, parameters = self.gradient(after), with_one(X), self.before.parameters
        moves = self.known.penalty_moves(X)
        total, squares, length = np.zeros(len(X)), np.zeros(len(X)), 0.0
        for output, root in enumerate(self.roots):
            expected = rows * (expit(rows @ parameters[:, output]) - is_class[:, output])[:, None]
            expected[:, :-1] -= moves * parameters[:-1, output]
            ours, theirs = expected @ root, seen[:, output] @ root
            total += ours @ theirs
            squares += np.square(ours).sum(axis=1)
            length += float(theirs @ theirs)
        return np.asarray(total / np.sqrt(np.maximum(squares * length, np.finfo(float).tiny)))


def _solved(gradient: Array, before: Weights, known: PublicKnowledge) -> Array:
    """Solve (p - t) x - (σ'² - σ²) θ / C = the gradient for x, output by output weighed by p - t."""
    error = gradient[-1]
    if not error.any():
        raise AuditError(
            "both versions have the same weights, so nothing shows who was deleted; compare two different versions"
        )
    naive = np.asarray(gradient[:-1] @ error / (error @ error))
    if known.scaler == "fixed":
        return naive
    # a quadratic in each feature: a u² + u = b, with u the distance from the mean
    weight = before.parameters[:-1] @ error / (error @ error) / known.C
    n = known.n
    a = weight * n / (n - 1) ** 2
    b = naive - known.mean + weight * np.square(known.spread) / (n - 1)
    # the root that goes to b as the penalty's part vanishes; where rounding left none, the vertex
    u = 2 * b / (1 + np.sqrt(np.maximum(1 + 4 * a * b, 0.0)))
    return np.asarray(known.mean + u)
