"""The regressions of some outputs on one training set, as the solvers see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit, logsumexp

from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class Problem:
    """The regressions of some outputs on one training set; under softmax they are one problem, else one each.

    Attributes
    ----------
    Z, codes
        (n, d + 1) records with a column of ones, and (n,) the class of each.
    own, weights
        (outputs, classes) each: which class an output stands for, and what a record of a class weighs in it.
    penalty
        (d + 1,) weight of each squared parameter.
    by_softmax
        Whether the outputs are one problem.
    """

    Z: Array
    codes: npt.NDArray[np.int64]
    own: npt.NDArray[np.bool_]
    weights: Array
    penalty: Array
    by_softmax: bool

    @cached_property
    def of_own(self) -> npt.NDArray[np.bool_]:
        """(n, outputs) whether a record is of the class that an output stands for."""
        return self.own[:, self.codes].T

    @cached_property
    def weight_of_each(self) -> Array:
        """(n, outputs)."""
        return self.weights[:, self.codes].T

    @cached_property
    def reach(self) -> float:
        """The length of the longest record: how far a step can move a logit."""
        return float(np.sqrt(np.square(self.Z).sum(axis=1).max()))

    def of_output(self, output: int) -> Problem:
        """Return the problem of one output where each is its own."""
        return replace(self, own=self.own[[output]], weights=self.weights[[output]])

    def objective(self, logits: Array, W: Array) -> Array:
        """(problems,) from (n, outputs) logits and the (d + 1, outputs) parameters that give them."""
        if self.by_softmax:
            each = self.weight_of_each[:, :1] * (logsumexp(logits, axis=1) - logits[self.of_own])[:, None]
        else:
            each = -self.weight_of_each * log_expit(np.where(self.of_own, logits, -logits))
        return np.asarray(each.sum(axis=0) + 0.5 * self.inner(self.penalty[:, None] * W, W))

    def gradient(self, P: Array, W: Array) -> Array:
        """(d + 1, outputs) from (n, outputs) probabilities and the parameters that give them."""
        return np.asarray(self.Z.T @ (self.weight_of_each * (P - self.of_own)) + self.penalty[:, None] * W)

    def inner(self, a: Array, b: Array) -> Array:
        """(problems,) inner products of (any, outputs)."""
        product = np.einsum("do,do->o", a, b)
        return np.asarray(product.sum(keepdims=True) if self.by_softmax else product)
