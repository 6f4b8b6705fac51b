"""The training records of an original, in the coordinates that standardise them, and its optimum there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.arrays import is_own, pass_over, probabilities, spread_of
from unlearn_audit.models.logistic.optimum import optimum
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.models.logistic.settings import LogisticSettings
from unlearn_audit.utils.typing import Array, Positions

_SUSPECT = 1e-8
"""Variance, relative to the original's, below which a feature is looked at for being constant."""
_MANY, _SMALL = 6, 500_000
"""Outputs from which on, and numbers of a pass above which, each set has its own pass, over the outputs that move."""


@dataclass(frozen=True)
class World:
    """The original's training records, class by class, in the coordinates that standardise them.

    Attributes
    ----------
    Z
        (n, d + 1) records and a column of ones, whose parameter is the intercept.
    codes, counts
        (n,) and (classes,) the class of each record, ascending, and the records of each.
    positions
        (n,) where the records lie in the dataset.
    """

    settings: LogisticSettings
    classes: npt.NDArray[Any]
    positions: Positions
    Z: Array
    codes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    mean: Array
    scale: Array

    @classmethod
    def of(
        cls, settings: LogisticSettings, X: npt.NDArray[Any], y: npt.NDArray[Any], original: Positions
    ) -> World | None:
        """Sort and standardise the records; None where they are of one class or not finite."""
        classes, codes = np.unique(y[original], return_inverse=True)
        by_class = np.argsort(codes, kind="stable")
        positions, codes = original[by_class], codes[by_class]
        raw = X[positions].astype(np.float64)
        if len(classes) < 2 or not np.isfinite(raw).all():
            return None
        mean, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
        if settings.standardized:
            mean = raw.mean(axis=0)
            scale = spread_of(mean, np.square(raw - mean).mean(axis=0), len(raw))
        Z = np.empty((len(raw), X.shape[1] + 1))
        np.divide(raw - mean, scale, out=Z[:, :-1])
        Z[:, -1] = 1
        return cls(settings, classes, positions, Z, codes, np.bincount(codes), mean, scale)

    @property
    def softmax(self) -> bool:
        """Whether all outputs are one problem."""
        return len(self.classes) > 2 and not self.settings.one_vs_rest

    @property
    def n_outputs(self) -> int:
        """How many outputs a model has: one for two classes, else one a class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def penalty(self) -> Array:
        """(d + 1,) weight of each squared parameter."""
        return np.append(np.full(self.Z.shape[1] - 1, 1 / self.settings.C), 0.0)

    @cached_property
    def problem(self) -> Problem:
        """The regressions of all outputs on these records."""
        return Problem(self.Z, self.codes, self.own, self.weights(self.counts)[0], self.penalty, self.softmax)

    def optimum(self) -> Array:
        """(d + 1, outputs) the original's parameters."""
        return optimum(self.problem, np.zeros((self.Z.shape[1], self.n_outputs)))

    def weights(self, counts: npt.NDArray[np.int64]) -> Array:
        """(sets, outputs, classes) the weight of a record of each class in each output, from (sets, classes) counts."""
        counts = np.atleast_2d(counts)
        n_sets, k = counts.shape
        given = self.settings.class_weight
        shape = (n_sets, self.n_outputs, k)
        if given is None:
            return np.ones(shape)
        total = counts.sum(axis=1, keepdims=True)
        if not self.settings.one_vs_rest:
            each = (
                total / (k * counts)
                if isinstance(given, str)
                else np.array([[given.get(c, 1.0) for c in self.classes]])
            )
            return np.broadcast_to(each[:, None], shape).copy()
        # each class against the rest: a weight of its own for either
        own = counts if k > 2 else counts[:, 1:]
        if isinstance(given, str):
            positive, negative = total / (2 * own), total / (2 * (total - own))
        else:
            positive, negative = np.full(own.shape, given.get(1, 1.0)), np.full(own.shape, given.get(0, 1.0))
        return np.asarray(np.where(self.own[None], positive[:, :, None], negative[:, :, None]))

    @property
    def own(self) -> npt.NDArray[np.bool_]:
        """(outputs, classes) which class an output stands for."""
        return is_own(len(self.classes), self.n_outputs)

    @cached_property
    def of_class(self) -> Array:
        """(classes, d + 1) the sum of the records of each class."""
        return np.stack([Z.sum(axis=0) for Z in np.split(self.Z, np.cumsum(self.counts)[:-1])])

    @cached_property
    def moments(self) -> tuple[Array, Array]:
        """(d,) each, the sum of every feature and of its square."""
        return self.Z[:, :-1].sum(axis=0), np.square(self.Z[:, :-1]).sum(axis=0)

    def sums_of_classes(self, P: Array) -> Array:
        """(classes, d + 1, outputs) sums of probability times record over each class, from (n, outputs)."""
        ends = np.cumsum(self.counts)[:-1]
        return np.stack([Z.T @ of for Z, of in zip(np.split(self.Z, ends), np.split(P, ends), strict=True)])

    def sums(self, W: Array, weights: Array | None, moving: npt.NDArray[np.bool_]) -> Array:
        """(d + 1, sets, outputs) sums of weight times probability times record, at parameters of that shape.

        Weights are (sets, outputs, classes); None where each is 1. The sums are needed of the (sets, problems) that are
        moving, and may be 0 elsewhere.
        """
        if W.shape[2] < _MANY or self.Z.size * W.shape[2] <= _SMALL:
            return self._sums(W, weights)
        sums = np.zeros(W.shape)
        for j, outputs in enumerate(np.broadcast_to(moving, W.shape[1:])):
            if outputs.any():
                own = None if weights is None else weights[[j]][:, outputs]
                sums[:, j, outputs] = self._sums(W[:, [j]][..., outputs], own)[:, 0]
        return sums

    def _sums(self, W: Array, weights: Array | None) -> Array:
        by_class = None if weights is None else weights.reshape(-1, weights.shape[2])

        def weighted(logits: Array, some: slice) -> Array:
            P = probabilities(logits.reshape(*W.shape[1:], -1), self.softmax, axis=1).reshape(logits.shape)
            return P if by_class is None else P * by_class[:, self.codes[some]]

        return pass_over(self.Z, W.reshape(len(W), -1).T, weighted).T.reshape(W.shape)

    def figures(self, X: npt.NDArray[Any], rows: Positions, Z: Array, sign: Array) -> tuple[Array, Array]:
        """(sets, d) each, mean and deviation of the sets that some records leave or join, in the original's units."""
        n = len(self.Z) + sign.sum()
        shift = (self.moments[0] + np.einsum("m,jmd->jd", sign, Z)) / n
        variance = (self.moments[1] + np.einsum("m,jmd->jd", sign, np.square(Z))) / n - np.square(shift)
        suspect = variance < _SUSPECT
        spread = np.sqrt(np.where(suspect, 1.0, variance))
        # what hardly varies any more lost its digits above; it is counted anew
        for j, feature in zip(*np.nonzero(suspect & (Z != 0).any(axis=1)), strict=True):
            stay = self.positions[~np.isin(self.positions, rows[j, sign < 0])]
            values = X[np.concatenate([stay, rows[j, sign > 0]]), feature].astype(np.float64)
            mean = values.mean()
            own = spread_of(mean, np.square(values - mean).mean(), len(values))
            shift[j, feature] = (mean - self.mean[feature]) / self.scale[feature]
            spread[j, feature] = own / self.scale[feature]
        return shift, spread
