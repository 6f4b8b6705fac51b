"""Newton's method with steps by conjugate gradients, for regressions whose Hessian takes long to factorise.

A product with the Hessian is two passes over the records, for all outputs at once. What it is preconditioned by is
the Kronecker product of two matrices: the curvature between outputs, averaged over the records, and the second moments
of the features, whose eigenvectors are found once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unlearn_audit.models.logistic.arrays import pass_over
from unlearn_audit.models.logistic.newton import ERROR, STEPS, Point, UnsolvedError, longest
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.utils.typing import Array

_MOST_PRODUCTS = 1000
"""Products with the Hessian in one step, after which the problem counts as unsolved."""
_LOOSEST, _TIGHTEST = 0.3, 1e-3
"""How much of the error a step may leave, at first and near the optimum."""


def truncated_newton(problem: Problem, W: Array) -> Array:
    """Return the optimum (d + 1, outputs) by Newton's method, its steps found by conjugate gradients."""
    values, vectors = np.linalg.eigh(problem.Z.T @ problem.Z / len(problem.Z))
    length, at = np.inf, Point.of(problem, W)
    for _ in range(STEPS):
        # far from the optimum exact steps are no better; near it each is to gain three digits
        share = float(np.clip(0.1 * length, _TIGHTEST, _LOOSEST))
        curvature = Curvature(problem, at.P)
        step = curvature.divide(-at.gradient, curvature.preconditioner(values, vectors), share)
        at, size = at.after(step)
        length = longest(step) * problem.reach
        # what is left is about the share of the last step that conjugate gradients left
        if (size == 1).all() and length < ERROR and share <= _TIGHTEST:
            return at.W
    raise UnsolvedError


@dataclass(frozen=True)
class Curvature:
    """The Hessian of a problem at (n, outputs) probabilities, as what it multiplies."""

    problem: Problem
    P: Array

    @cached_property
    def _flat(self) -> tuple[Array, Array]:
        """(outputs, n) each, probabilities and what each record weighs."""
        V = self.problem.weight_of_each
        return np.ascontiguousarray(self.P.T), np.ascontiguousarray(
            (V if self.problem.by_softmax else V * (1 - self.P)).T
        )

    def times(self, step: Array) -> Array:
        """Return its product with (d + 1, outputs)."""
        P, V = self._flat

        def between(moved: Array, some: slice) -> Array:
            if self.problem.by_softmax:
                moved -= np.einsum("on,on->n", P[:, some], moved)
            moved *= P[:, some]
            moved *= V[:, some]
            return moved

        return pass_over(self.problem.Z, step.T, between).T + self.problem.penalty[:, None] * step

    def preconditioner(self, values: Array, vectors: Array) -> Callable[[Array], Array]:
        """Return an approximate inverse, from the eigenvalues and eigenvectors of the features' second moments."""
        of, V = self.problem, self.problem.weight_of_each
        # the intercept's penalty, which is none, is taken for that of the others
        floor, values = of.penalty.max(), np.maximum(values, 0)[:, None]
        if not of.by_softmax:
            each = values * (V * self.P * (1 - self.P)).sum(axis=0) + floor
            return lambda r: np.asarray(vectors @ ((vectors.T @ r) / each))
        scales, rotation = np.linalg.eigh(np.diag((V * self.P).sum(axis=0)) - (V * self.P).T @ self.P)
        both = values * np.maximum(scales, 0) + floor
        return lambda r: np.asarray(vectors @ ((vectors.T @ r @ rotation) / both) @ rotation.T)

    def divide(self, right: Array, precondition: Callable[[Array], Array], share: float) -> Array:
        """Return the inverse times (d + 1, outputs) but for a share of it, by conjugate gradients."""
        inner = self.problem.inner
        found, left = np.zeros_like(right), self._seen(right)
        direction = preconditioned = precondition(left)
        size = inner(left, preconditioned)
        enough = np.maximum(share**2 * size, self._nothing)
        for _ in range(_MOST_PRODUCTS):
            if (size <= enough).all():
                return found
            product = self.times(direction)
            bent = inner(direction, product)
            # a problem that is solved has no direction left
            along = np.where(bent > 0, size / np.where(bent > 0, bent, 1), 0)
            found = found + along * direction
            left = self._seen(left - along * product)
            preconditioned = precondition(left)
            last, size = size, inner(left, preconditioned)
            direction = preconditioned + np.where(last > 0, size / np.where(last > 0, last, 1), 0) * direction
        raise UnsolvedError

    @property
    def _nothing(self) -> float:
        """The square of an error, measured by the Hessian, that moves no logit by more than a thousandth of `ERROR`."""
        return float((1e-3 * ERROR / self.problem.reach) ** 2 * self.problem.penalty.max())

    def _seen(self, gradient: Array) -> Array:
        """Return a gradient without what rounding left where none is: the same in all outputs under softmax."""
        return gradient - gradient.mean(axis=1, keepdims=True) if self.problem.by_softmax else gradient
