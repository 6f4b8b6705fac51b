"""Training sets near the original's, many at once, by chord steps from its optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.hessian import Corrected, InverseHessian
from unlearn_audit.models.logistic.model import LogisticModel
from unlearn_audit.models.logistic.newton import Factor, newton
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Array, Positions

Change = tuple[Positions, Positions]
"""The records that a training set lacks of the original's, and those that it has beyond them."""

TOGETHER = 20
"""Training sets solved at once. It is fixed, and fewer are filled up, since BLAS rounds by the width of a product."""

_ERROR = 1e-6
"""Largest estimated error of a training record's logit."""
_MOST_MISFIT = 0.5
"""With a Hessian that differs by more from a training set's own, the set is left to Newton's method."""
_STEPS = 20
"""After so many steps, or one no shorter than the last, a set is left to Newton's method."""
_LEAST_GAIN = 0.05
"""The least that a step is thought to be of the one before it when what is left is estimated."""


@dataclass(frozen=True)
class Start:
    """The original's optimum, from which all other training sets of its world start.

    Attributes
    ----------
    W
        (d + 1, outputs) its parameters.
    sums
        (classes, d + 1, outputs) the sum of probability times record over the records of each class.
    factor
        Its Hessian, factorised.
    reach
        The length of the longest record: how far a step can move a logit.
    """

    world: World
    W: Array
    sums: Array
    factor: Factor
    reach: float

    @classmethod
    def of(cls, world: World, W: Array) -> Start:
        """Prepare what all other training sets share, from the original's (d + 1, outputs) parameters."""
        weights = world.weights(world.counts)[0]
        factor = Factor.of(world.Z, world.codes, weights, world.penalty, W, world.softmax)
        reach = float(np.sqrt(np.square(world.Z).sum(axis=1).max()))
        return cls(world, W, world.sums(W[:, None])[:, :, 0], factor, reach)

    def solve(self, X: npt.NDArray[Any], y: npt.NDArray[Any], changes: Sequence[Change]) -> list[LogisticModel] | None:
        """Return the model of each training set, None if one of them is no case for it."""
        models: dict[int, LogisticModel] = {}
        shapes = [(len(gone), len(joined)) for gone, joined in changes]
        for shape in sorted(set(shapes)):
            alike = [i for i, other in enumerate(shapes) if other == shape]
            for at in range(0, len(alike), TOGETHER):
                which = alike[at : at + TOGETHER]
                full = which + which[:1] * (TOGETHER - len(which))
                rows = np.stack([np.concatenate(changes[i]) for i in full])
                block = Block.of(self, X, y, rows, np.repeat([-1.0, 1.0], shape))
                if block is None:
                    return None
                models |= dict(zip(which, block.solve(len(which)), strict=True))
        return [models[i] for i in range(len(changes))]


@dataclass(frozen=True)
class Block:
    """As many training sets as are solved at once; each lacks as many records as the others, and has as many more.

    Attributes
    ----------
    rows
        (sets, m) positions of the records that leave or join.
    Z, codes
        (sets, m, d + 1) and (sets, m) those records.
    sign
        (m,) -1 where they leave, 1 where they join.
    shift, spread
        (sets, d) each set's own mean and deviation, in the coordinates of the original's.
    weights
        (sets, outputs, classes).
    penalty
        (sets, d + 1).
    """

    start: Start
    rows: Positions
    Z: Array
    codes: npt.NDArray[np.int64]
    sign: Array
    shift: Array
    spread: Array
    weights: Array
    penalty: Array

    @classmethod
    def of(cls, start: Start, X: npt.NDArray[Any], y: npt.NDArray[Any], rows: Positions, sign: Array) -> Block | None:
        """Prepare training sets from (sets, m) positions; None where one is no case for the solver."""
        world = start.world
        raw = X[rows].astype(np.float64)
        codes = np.minimum(np.searchsorted(world.classes, y[rows]), len(world.classes) - 1)
        each = codes[:, :, None] == np.arange(len(world.classes))
        counts = world.counts + (each * sign[:, None]).sum(axis=1).astype(np.int64)
        if (world.classes[codes] != y[rows]).any() or (counts < 1).any() or not np.isfinite(raw).all():
            return None
        Z = np.ones((*rows.shape, world.Z.shape[1]))
        Z[..., :-1] = (raw - world.mean) / world.scale
        d = raw.shape[2]
        shift, spread = np.zeros((len(rows), d)), np.ones((len(rows), d))
        if world.settings.standardized:
            shift, spread = world.figures(X, rows, Z[..., :-1], sign)
        penalty = np.ones((len(rows), d + 1)) * world.penalty
        penalty[:, :-1] *= np.square(spread)
        return cls(start, rows, Z, codes, sign, shift, spread, world.weights(counts), penalty)

    def solve(self, wanted: int) -> list[LogisticModel]:
        """Return the models of the first sets."""
        world, W = self.start.world, self.start.W
        inverse = InverseHessian(Corrected.of(self.start.factor, W, self.Z, self._weight_of_each, self.sign))
        # (d + 1, sets, outputs)
        now = np.repeat(W[:, None], len(self.rows), axis=1)
        gradient = self._gradient(now, self.start.sums[:, :, None])
        # the first step has none to be judged by
        before = np.full(len(self.rows), np.nan)
        done, slow = np.zeros(len(before), dtype=bool), self._misfit > _MOST_MISFIT
        for _ in range(_STEPS):
            step = -inverse.times(gradient)
            length = _length(step)
            slow |= ~done & (length >= before)
            # all are computed and only these moved, so that what is asked beside a set leaves its bits alone
            step[:, done | slow] = 0
            now += step
            # a step much shorter than the last says little of the next
            gain = np.maximum(length / before, np.maximum(self._misfit, _LEAST_GAIN))
            left = gain / np.maximum(1 - gain, 1e-3) * length
            done |= ~slow & ((left < _ERROR / self.start.reach) | (length < 1e-3 * _ERROR / self.start.reach))
            if (done | slow).all():
                break
            before = length
            gradient, last = self._gradient(now, world.sums(now)), gradient
            inverse.learn(step, gradient - last)
        for j in map(int, np.flatnonzero(~done[:wanted])):
            now[:, j] = self._by_newton(j)
        mean, scale = world.mean + world.scale * self.shift, world.scale * self.spread
        coefficients = now[:-1].transpose(1, 0, 2) * self.spread[:, :, None]
        intercepts = now[-1] + np.einsum("jd,djc->jc", self.shift, now[:-1])
        return [
            LogisticModel(world.settings, world.classes, *solution)
            for solution in zip(mean[:wanted], scale, coefficients, intercepts, strict=False)
        ]

    @cached_property
    def _weight_of_each(self) -> Array:
        """(sets, m, outputs) the weight in each output of the records that leave or join."""
        return np.take_along_axis(self.weights, self.codes[:, None, :], axis=2).transpose(0, 2, 1)

    @cached_property
    def _misfit(self) -> Array:
        """(sets,) by how much, about, the Hessian used differs from a set's own, as a share of that.

        It is the original's, corrected for the records that leave and join; where they change the weights of classes,
        those who stay are counted in it with their former weight. In some direction each step then leaves this share
        of the error, however short it is.
        """
        world = self.start.world
        changed = np.abs(self.weights - world.weights(world.counts)[0]).max(axis=(1, 2))
        share = len(world.Z) / (len(world.Z) + self.sign.sum())
        return np.asarray(share * changed / self.weights.min(axis=(1, 2)))

    def _gradient(self, now: Array, sums: Array) -> Array:
        """(d + 1, sets, outputs) from parameters of that shape and the `World.sums` at them."""
        world = self.start.world
        if world.settings.class_weight is None:
            gradient = sums.sum(axis=0) - (world.of_class.T @ world.own.T)[:, None]
        else:
            residual = sums - world.own.T[:, None, None] * world.of_class[:, :, None, None]
            gradient = np.einsum(
                "bpjc,jcb->pjc", np.broadcast_to(residual, (*sums.shape[:2], *now.shape[1:])), self.weights
            )
        at = np.matmul(self.Z, now.transpose(1, 0, 2))
        residual = probabilities(at, world.softmax) - world.own[:, self.codes].transpose(1, 2, 0)
        residual *= self.sign[:, None]
        residual *= self._weight_of_each
        gradient = gradient + np.matmul(self.Z.transpose(0, 2, 1), residual).transpose(1, 0, 2)
        return np.asarray(gradient + self.penalty.T[:, :, None] * now)

    def _by_newton(self, j: int) -> Array:
        """Return the optimum of one set that the chord is too slow for."""
        world = self.start.world
        stay = ~np.isin(world.positions, self.rows[j, self.sign < 0])
        Z = np.concatenate([world.Z[stay], self.Z[j, self.sign > 0]])
        codes = np.concatenate([world.codes[stay], self.codes[j, self.sign > 0]])
        return newton(Z, codes, self.weights[j], self.penalty[j], self.start.W, world.softmax)


def _length(step: Array) -> Array:
    """(sets,) the length of the longest step of any output, from (d + 1, sets, outputs)."""
    return np.asarray(np.sqrt(np.square(step).sum(axis=0)).max(axis=1))
