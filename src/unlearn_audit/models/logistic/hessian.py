"""The inverse Hessian of training sets that differ little from the original's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.factor import Factor
from unlearn_audit.utils.typing import Array

_MOST_RANKS = 64
"""Largest change of rank that the kept Hessian is corrected for; beyond it the correction would cost more."""


class InverseHessian:
    """The inverse Hessian of each set as the steps reveal it (L-BFGS, Nocedal 1980), from a first estimate on."""

    def __init__(self, first: Corrected) -> None:
        self.first = first
        self.parts = np.arange(len(first.factor.parts))
        self.learned: list[tuple[Array, Array, Array]] = []

    def learn(self, step: Array, change: Array) -> None:
        """Take note of how the gradient changed over a step, both (d + 1, sets, outputs)."""
        factor = self.first.factor
        s, y = self._known(step), self._known(change)
        product = factor.inner(s, y)
        known = product > np.finfo(float).tiny
        self.learned.append((s, y, np.where(known, 1 / np.where(known, product, 1.0), 0.0)))

    def times(self, gradient: Array, moving: npt.NDArray[np.bool_]) -> Array:
        """Return each set's inverse Hessian times its gradient, both (d + 1, sets, outputs).

        It is 0 for problems that are not among the (sets, problems) that are moving; once they are not, they never are.
        """
        self._keep(np.asarray(moving.any(axis=0)))
        factor = self.first.factor
        q = self._known(gradient)
        weights = []
        for s, y, rho in reversed(self.learned):
            weights.append(rho * factor.inner(s, q))
            q = q - weights[-1] * y
        q = self.first.solve(q)
        for s, y, rho in self.learned:
            q = q + (weights.pop() - rho * factor.inner(y, q)) * s
        if factor.whole or len(q) == gradient.shape[2]:
            return factor.unflat(q, gradient.shape[2])
        product = np.zeros_like(gradient)
        product[..., self.parts] = factor.unflat(q, len(q))
        return product

    def _known(self, of: Array) -> Array:
        """(parts, parameters, sets) of the parts that are still moving, from (d + 1, sets, outputs)."""
        some = self.first.factor.whole or len(self.parts) == of.shape[2]
        return self.first.factor.flat(of if some else of[..., self.parts])

    def _keep(self, problems: npt.NDArray[np.bool_]) -> None:
        """Forget all problems but some, if each is a part."""
        if len(problems) < len(self.parts):
            return
        kept = problems[self.parts]
        if not kept.all():
            self.parts = self.parts[kept]
            self.first = self.first.of_parts(np.flatnonzero(kept))
            self.learned = [(s[kept], y[kept], rho[kept]) for s, y, rho in self.learned]


@dataclass(frozen=True)
class Corrected:
    """The original's Hessian, corrected for the records that leave or join a set (Woodbury's identity).

    Attributes
    ----------
    A
        (parts, sets, ranks, parameters) the square root of the change of the Hessian; None without a correction.
    HA
        The same shape, multiplied by the inverse of the original's Hessian.
    core
        (parts, sets, ranks, ranks) inverse of the signs plus ``A HA'``.
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
        if m * (k if factor.whole else 1) > _MOST_RANKS:
            return cls(factor)
        P = probabilities(Z @ W, factor.by_softmax)
        if factor.whole:
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

    def of_parts(self, some: npt.NDArray[np.int64]) -> Corrected:
        """Return some parts of it."""
        return Corrected(
            self.factor.of_parts(some), *(of if of is None else of[some] for of in (self.A, self.HA, self.core))
        )

    def solve(self, flat: Array) -> Array:
        """Return each set's inverse Hessian times (parts, parameters, sets)."""
        solved = self.factor.solve(flat)
        if self.A is not None and self.HA is not None and self.core is not None:
            by_set = solved.transpose(0, 2, 1)[..., None]
            solved = solved - (self.HA.transpose(0, 1, 3, 2) @ (self.core @ (self.A @ by_set)))[..., 0].transpose(
                0, 2, 1
            )
        if self.factor.coupled:  # the same change of all outputs changes no probability
            solved -= solved.mean(axis=0)
        return solved
