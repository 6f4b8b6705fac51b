"""The perturbed objective of certified removal, for L2-regularised logistic regression.

    L_b(W) = Σ_i ℓ(W; z_i, y_i) + |W|² / (2 C) + <b, W>

The loss is logistic for one output a class (or one for two classes), or the cross-entropy of the softmax. The intercept
is the weight of a constant feature and penalised as the others are, so that L_b has its minimum whatever b is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_expit, logsumexp

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.utils.typing import Array

_STEPS = 100

_BY_OUTPUT = 1 / (12 * math.sqrt(3))
"""Half the largest slope of p (1 - p), which is 1 / (6 √3)."""

_BY_SOFTMAX = 1 / (2 * math.sqrt(2))
"""Half of 1/√2, which no third derivative of log Σ exp exceeds along unit vectors; see `taylor_bound`."""


@dataclass(frozen=True, eq=False)
class Objective:
    """The objective on some records.

    Attributes
    ----------
    Z
        (n, d + 1) records and a column of ones.
    Y
        (n, outputs) whether each record is of the class that an output stands for.
    penalty
        1 / C.
    noise
        (d + 1, outputs) b.
    softmax
        Whether all outputs are one problem.
    """

    Z: Array
    Y: npt.NDArray[np.bool_]
    penalty: float
    noise: Array
    softmax: bool

    def value(self, W: Array) -> float:
        """Return L_b at (d + 1, outputs) weights."""
        logits = self.Z @ W
        if self.softmax:
            loss = (logsumexp(logits, axis=1) - logits[self.Y]).sum()
        else:
            loss = -log_expit(np.where(self.Y, logits, -logits)).sum()
        return float(loss + 0.5 * self.penalty * np.square(W).sum() + (self.noise * W).sum())

    def gradient(self, W: Array) -> Array:
        """Return (d + 1, outputs) the gradient at W."""
        return self.of_records(W) + self.penalty * W + self.noise

    def of_records(self, W: Array) -> Array:
        """Return the part of the gradient that comes from records."""
        return np.asarray(self.Z.T @ (probabilities(self.Z @ W, self.softmax) - self.Y))

    def newton_step(self, W: Array, gradient: Array) -> Array:
        """Return the inverse of the Hessian at W times a gradient, both (d + 1, outputs)."""
        (d, k), P = W.shape, probabilities(self.Z @ W, self.softmax)
        ridge = self.penalty * np.eye(d)
        if not self.softmax:
            blocks = ((self.Z * (P[:, [c]] * (1 - P[:, [c]]))).T @ self.Z + ridge for c in range(k))
            solved = [cho_solve(cho_factor(block), gradient[:, c]) for c, block in enumerate(blocks)]
            return np.stack(solved, axis=1)
        H = np.empty((k, d, k, d))
        for a in range(k):
            for b in range(k):
                H[a, :, b] = (self.Z * (P[:, [a]] * ((a == b) - P[:, [b]]))).T @ self.Z + (a == b) * ridge
        flat = cho_solve(cho_factor(H.reshape(k * d, k * d)), gradient.T.ravel())
        return np.asarray(flat.reshape(k, d).T)

    def minimum(self) -> Array:
        """Return the weights at which L_b is least, by Newton's method with step halving, to rounding."""
        W = np.zeros_like(self.noise)
        value = self.value(W)
        for _ in range(_STEPS):
            gradient = self.gradient(W)
            step, size = -self.newton_step(W, gradient), 1.0
            slope = float((gradient * step).sum())
            # a decrease that rounding hides counts as one
            while (tried := self.value(W + size * step)) > value + 1e-4 * size * slope + 1e-13 * abs(value):
                size /= 2
            W, value = W + size * step, tried
            if np.abs(step).max() * size <= 1e-12 * (1 + np.abs(W).max()):
                break
        return W

    def taylor_bound(self, step: Array) -> float:
        """Return the largest norm of the gradient that a step may leave, which would leave none were L_b quadratic.

        The gradient changes by H·step and a remainder. Of record i, whose logits change by δ_i, the remainder is at
        most c |δ_i|² in the logits, so that of all it is at most c ‖Z‖₂ √Σ_i |δ_i|⁴, for each output apart or for
        all at once under softmax. For logistic losses c = 1/(12 √3). For softmax c = 1/(2 √2): the third derivative
        along δ, δ and v is E[(δ - Eδ)² (v - Ev)] over the classes, at most Var δ · max |v - Ev|, with
        Var δ <= |δ|²/2 and |v - Ev| <= √2 |v|.

        Of logistic losses and records of length 1 at most it is below the bound of Guo et al. (corollary 1), which is
        ‖Δ‖ ‖ZΔ‖ ‖Z‖₂ / 4. Of softmax it need not be: that c is 0.354.
        """
        change = np.square(self.Z @ step)
        size = math.sqrt(float(np.linalg.eigvalsh(self.Z.T @ self.Z)[-1]))
        if self.softmax:
            return _BY_SOFTMAX * size * float(np.linalg.norm(change.sum(axis=1)))
        return _BY_OUTPUT * size * float(np.linalg.norm(change))
