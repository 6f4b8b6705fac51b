"""Newton's method for one training set, and the Hessian in factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor
from scipy.linalg.lapack import dpotrs
from scipy.special import log_expit, logsumexp

from unlearn_audit.models.logistic.arrays import is_own, probabilities
from unlearn_audit.utils.typing import Array

_NEWTON_STEPS = 100
_FARTHEST = 20.0
"""The most that a step may move a training record's logit."""


class UnsolvedError(Exception):
    """Newton's method did not reach the optimum."""


@dataclass(frozen=True)
class Factor:
    """The factorised Hessian at some parameters: one matrix an output, or one of all outputs under softmax."""

    parts: list[tuple[Array, bool]]
    by_softmax: bool

    @classmethod
    def of(
        cls, Z: Array, codes: npt.NDArray[np.int64], weights: Array, penalty: Array, W: Array, by_softmax: bool
    ) -> Factor:
        """Factorise; weights are (outputs, classes)."""
        P = probabilities(Z @ W, by_softmax)
        (d, k), V = W.shape, weights[:, codes].T
        if not by_softmax:
            blocks = [(Z * (V[:, [c]] * P[:, [c]] * (1 - P[:, [c]]))).T @ Z + np.diag(penalty) for c in range(k)]
            return cls([factorised(block) for block in blocks], by_softmax)
        H = np.empty((k, d, k, d))
        for a in range(k):
            for b in range(a, k):
                block = -(Z * (V[:, [a]] * P[:, [a]] * P[:, [b]])).T @ Z
                if a == b:
                    block += (Z * (V[:, [a]] * P[:, [a]])).T @ Z + np.diag(penalty)
                H[a, :, b, :] = block
                H[b, :, a, :] = block.T
        # only differences of intercepts matter; this holds their sum where it is
        H[:, -1, :, -1] += 1.0 / k
        return cls([factorised(H.reshape(k * d, k * d))], by_softmax)

    def flat(self, gradient: Array) -> Array:
        """(problems, parameters, sets) from (d + 1, sets, outputs): outputs are problems, or under softmax one."""
        by_output = gradient.transpose(2, 0, 1)
        return np.ascontiguousarray(by_output.reshape(1, -1, by_output.shape[2]) if self.by_softmax else by_output)

    def unflat(self, flat: Array, outputs: int) -> Array:
        """Undo `flat`."""
        return flat.reshape(outputs, -1, flat.shape[2]).transpose(1, 2, 0)

    def solve(self, flat: Array) -> Array:
        """Return the inverse of each problem's Hessian times (problems, parameters, any)."""
        solved = np.empty(flat.shape)
        for c, ((factor, lower), side) in enumerate(zip(self.parts, flat, strict=True)):
            # LAPACK itself: cho_solve looks at its arguments for longer than it takes to solve for a few features
            solved[c] = dpotrs(factor, side, lower)[0]
        return solved


def factorised(H: Array) -> tuple[Array, bool]:
    """Return the Cholesky factor of a Hessian, with the smallest ridge under which it has one."""
    ridge = 0.0
    scale = float(np.trace(H)) / len(H)
    while True:
        try:
            factor, lower = cho_factor(H + ridge * np.eye(len(H)), check_finite=False)
            return factor, bool(lower)
        except LinAlgError:
            ridge = max(10 * ridge, 1e-12 * scale)


def newton(Z: Array, codes: npt.NDArray[np.int64], weights: Array, penalty: Array, W: Array, by_softmax: bool) -> Array:
    """Return the optimum (d + 1, outputs) by Newton's method with step halving; weights are (outputs, classes)."""
    Y = is_own(weights.shape[1], W.shape[1])[:, codes].T
    V = weights[:, codes].T
    if by_softmax:
        return _newton_of(Z, codes, Y, V, weights, penalty, W, by_softmax)
    parts = [
        _newton_of(Z, codes, Y[:, [c]], V[:, [c]], weights[[c]], penalty, W[:, [c]], by_softmax)
        for c in range(W.shape[1])
    ]
    return np.hstack(parts)


def _newton_of(
    Z: Array,
    codes: npt.NDArray[np.int64],
    Y: npt.NDArray[np.bool_],
    V: Array,
    weights: Array,
    penalty: Array,
    W: Array,
    by_softmax: bool,
) -> Array:
    """Solve one problem: all outputs under softmax, or one output."""
    reach = float(np.sqrt(np.square(Z).sum(axis=1).max()))

    def objective(W: Array) -> float:
        logits = Z @ W
        if by_softmax:
            loss = V[:, 0] @ (logsumexp(logits, axis=1) - logits[Y])
        else:
            loss = -(V * log_expit(np.where(Y, logits, -logits))).sum()
        return float(loss + 0.5 * (penalty[:, None] * np.square(W)).sum())

    value = objective(W)
    for _ in range(_NEWTON_STEPS):
        gradient = Z.T @ (V * (probabilities(Z @ W, by_softmax) - Y)) + penalty[:, None] * W
        factor = Factor.of(Z, codes, weights, penalty, W, by_softmax)
        step = -factor.unflat(factor.solve(factor.flat(gradient[:, None])), W.shape[1])[:, 0]
        # a long step from where probabilities are flat would lead to where they are flatter still
        size = _FARTHEST / max(float(np.abs(Z @ step).max()), _FARTHEST)
        slope = float((gradient * step).sum())
        tried = objective(W + size * step)
        # a decrease that rounding hides counts as one
        while tried > value + 1e-4 * size * slope + 1e-13 * abs(value) and size > 1e-8:
            size /= 2
            tried = objective(W + size * step)
        W, value = W + size * step, tried
        # quadratic convergence: what is left is about the square of the last step
        if size == 1.0 and float(np.sqrt(np.square(step).sum(axis=0)).max()) * reach < 1e-6:
            return W
    raise UnsolvedError
