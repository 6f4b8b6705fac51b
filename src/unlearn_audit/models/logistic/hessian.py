"""The inverse Hessian of training sets that differ little from the original's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.newton import Factor
from unlearn_audit.utils.typing import Array

_MOST_RANKS = 64
"""Largest change of rank that the kept Hessian is corrected for; beyond it the correction would cost more."""


class InverseHessian:
    """The inverse Hessian of each set as the steps reveal it (L-BFGS, Nocedal 1980), from a first estimate on."""

    def __init__(self, first: Corrected) -> None:
        self.first = first
        self.learned: list[tuple[Array, Array, Array]] = []

    def learn(self, step: Array, change: Array) -> None:
        """Take note of how the gradient changed over a step, both (d + 1, sets, outputs)."""
        s, y = self.first.factor.flat(step), self.first.factor.flat(change)
        product = _inner(s, y)
        known = product > np.finfo(float).tiny
        self.learned.append((s, y, np.where(known, 1 / np.where(known, product, 1.0), 0.0)))

    def times(self, gradient: Array) -> Array:
        """Return each set's inverse Hessian times its gradient, both (d + 1, sets, outputs)."""
        q = self.first.factor.flat(gradient)
        weights = []
        for s, y, rho in reversed(self.learned):
            weights.append(rho * _inner(s, q))
            q = q - weights[-1] * y
        q = self.first.solve(q)
        for s, y, rho in self.learned:
            q = q + (weights.pop() - rho * _inner(y, q)) * s
        return self.first.factor.unflat(q, gradient.shape[2])


def _inner(a: Array, b: Array) -> Array:
    """(problems, 1, sets) inner products over the parameters."""
    return np.asarray(np.einsum("pds,pds->ps", a, b))[:, None]


@dataclass(frozen=True)
class Corrected:
    """The original's Hessian, corrected for the records that leave or join a set (Woodbury's identity).

    Attributes
    ----------
    A
        (problems, sets, ranks, parameters) the square root of the change of the Hessian; None without a correction.
    HA
        The same shape, multiplied by the inverse of the original's Hessian.
    core
        (problems, sets, ranks, ranks) inverse of the signs plus ``A HA'``.
    """

    factor: Factor
    A: Array | None = None
    HA: Array | None = None
    core: Array | None = None

    @classmethod
    def of(cls, factor: Factor, W: Array, Z: Array, weights: Array, sign: Array) -> Corrected:
        """Correct the original's Hessian, at its parameters, for some records of each set.

        Parameters
        ----------
        factor, W
            That Hessian, and the (d + 1, outputs) parameters.
        Z, weights
            (sets, m, d + 1) the records, and (sets, m, outputs) what each weighs in each output.
        sign
            (m,) -1 where they leave, 1 where they join.
        """
        n_sets, m, d = Z.shape
        k = W.shape[1]
        if m * (k if factor.by_softmax else 1) > _MOST_RANKS:
            return cls(factor)
        P = probabilities(Z @ W, factor.by_softmax)
        if factor.by_softmax:
            # diag(p) - p p' is Q Q' with Q = diag(sqrt p) - p sqrt(p)'
            root = np.sqrt(P)
            Q = root[..., None] * np.eye(k) - P[..., None] * root[..., None, :]
            Q *= np.sqrt(weights)[..., None]
            A = np.einsum("jmcr,jmp->jmrcp", Q, Z).reshape(1, n_sets, m * k, k * d)
            sign = np.repeat(sign, k)
        else:
            A = np.sqrt(weights * P * (1 - P)).transpose(2, 0, 1)[..., None] * Z
        ranks = A.shape[2]
        HA = factor.solve(A.reshape(len(A), -1, A.shape[3]).transpose(0, 2, 1)).transpose(0, 2, 1).reshape(A.shape)
        core = A @ HA.transpose(0, 1, 3, 2)
        core[..., np.arange(ranks), np.arange(ranks)] += sign
        try:
            return cls(factor, A, HA, np.linalg.inv(core))
        except np.linalg.LinAlgError:  # a record that alone decides a parameter
            return cls(factor)

    def solve(self, flat: Array) -> Array:
        """Return each set's inverse Hessian times (problems, parameters, sets)."""
        solved = self.factor.solve(flat)
        if self.A is not None and self.HA is not None and self.core is not None:
            by_set = solved.transpose(0, 2, 1)[..., None]
            solved = solved - (self.HA.transpose(0, 1, 3, 2) @ (self.core @ (self.A @ by_set)))[..., 0].transpose(
                0, 2, 1
            )
        return solved
