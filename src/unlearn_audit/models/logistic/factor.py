"""The Hessian at some parameters in factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor
from scipy.linalg.lapack import dpotrs

from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.utils.typing import Array

_WHOLE = 2000
"""Parameters of a softmax regression up to which its Hessian is factorised whole.

Beyond, that takes longer than the further steps do which a training set needs without what couples its outputs.
"""


@dataclass(frozen=True)
class Factor:
    """The factorised Hessian at some parameters.

    Attributes
    ----------
    parts
        One matrix an output, or one of all outputs.
    by_softmax
        Whether the outputs are one problem.
    whole
        Whether one matrix has all outputs. Under softmax the parts otherwise leave out what couples the outputs.
    """

    parts: Sequence[tuple[Array, bool]]
    by_softmax: bool
    whole: bool

    @classmethod
    def of(cls, problem: Problem, P: Array) -> Factor:
        """Factorise the Hessian at (n, outputs) probabilities, of a large softmax regression output by output."""
        whole = problem.by_softmax and problem.Z.shape[1] * P.shape[1] <= _WHOLE
        return (whole_factor if whole else _factor_by_output)(problem, P)

    @property
    def coupled(self) -> bool:
        """Whether the outputs are one problem in several parts."""
        return self.by_softmax and not self.whole

    def flat(self, gradient: Array) -> Array:
        """(parts, parameters, sets) from (d + 1, sets, outputs)."""
        by_output = gradient.transpose(2, 0, 1)
        return np.ascontiguousarray(by_output.reshape(1, -1, by_output.shape[2]) if self.whole else by_output)

    def unflat(self, flat: Array, outputs: int) -> Array:
        """Undo `flat`."""
        return flat.reshape(outputs, -1, flat.shape[2]).transpose(1, 2, 0)

    def inner(self, a: Array, b: Array) -> Array:
        """(problems, 1, sets) inner products of (parts, parameters, sets)."""
        product = np.einsum("pds,pds->ps", a, b)[:, None]
        return np.asarray(product.sum(axis=0, keepdims=True) if self.coupled else product)

    def of_parts(self, some: npt.NDArray[np.int64]) -> Factor:
        """Return some parts of it."""
        return replace(self, parts=[self.parts[c] for c in some])

    def solve(self, flat: Array) -> Array:
        """Return the inverse of each part's Hessian times (parts, parameters, any)."""
        solved = np.empty(flat.shape)
        for c, ((factor, lower), side) in enumerate(zip(self.parts, flat, strict=True)):
            # LAPACK itself: cho_solve looks at its arguments for longer than it takes to solve for a few features
            solved[c] = dpotrs(factor, side, lower)[0]
        return solved


def whole_factor(problem: Problem, P: Array) -> Factor:
    """Factorise the Hessian of a softmax regression, all outputs together, at (n, outputs) probabilities."""
    Z, V = problem.Z, problem.weight_of_each
    d, k = Z.shape[1], P.shape[1]
    H = np.empty((k, d, k, d))
    for a in range(k):
        for b in range(a, k):
            block = -(Z * (V[:, [a]] * P[:, [a]] * P[:, [b]])).T @ Z
            if a == b:
                block += (Z * (V[:, [a]] * P[:, [a]])).T @ Z + np.diag(problem.penalty)
            H[a, :, b, :] = block
            H[b, :, a, :] = block.T
    # only differences of intercepts matter; this holds their sum where it is
    H[:, -1, :, -1] += 1.0 / k
    return Factor([_factorised(H.reshape(k * d, k * d))], by_softmax=True, whole=True)


def _factor_by_output(problem: Problem, P: Array) -> Factor:
    roots = np.sqrt(problem.weight_of_each * P * (1 - P))
    parts = []
    for root in roots.T:
        A = root[:, None] * problem.Z
        # a product of a matrix with itself takes half the time
        parts.append(_factorised(A.T @ A + np.diag(problem.penalty)))
    return Factor(parts, problem.by_softmax, whole=False)


def _factorised(H: Array) -> tuple[Array, bool]:
    """Return the Cholesky factor of a Hessian, with the smallest ridge under which it has one."""
    ridge = 0.0
    scale = float(np.trace(H)) / len(H)
    while True:
        try:
            factor, lower = cho_factor(H + ridge * np.eye(len(H)), check_finite=False)
            return factor, bool(lower)
        except LinAlgError:
            ridge = max(10 * ridge, 1e-12 * scale)
