"""Chord steps from the original's optimum to those of the training sets near it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.block import Block
from unlearn_audit.models.logistic.factor import Factor
from unlearn_audit.models.logistic.hessian import Corrected, InverseHessian
from unlearn_audit.models.logistic.newton import ERROR
from unlearn_audit.models.logistic.optimum import optimum
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Array

_MOST_MISFIT = 0.5
"""With a Hessian that differs by more from a training set's own, the set is left to Newton's method."""
_STEPS, _COUPLED_STEPS = 20, 100
"""After so many steps, or one no shorter than the last, a set is left to Newton's method."""
_COUPLED_ERROR, _SINGLE_ERROR = 1e-3 * ERROR, 0.5 * ERROR
"""Largest error of a logit where steps gain about the same each, and where an output is not solved on with others."""
_LEAST_GAIN = 0.05
"""The least that a step is thought to be of the one before it when what is left is estimated."""


@dataclass(frozen=True)
class Start:
    """The original's optimum, from which all other training sets of its world start.

    Attributes
    ----------
    world
        Its records.
    problem
        The regressions on them.
    W
        (d + 1, outputs) its parameters.
    sums
        (classes, d + 1, outputs) the sum of probability times record over the records of each class.
    factor
        Its Hessian, factorised.
    """

    world: World
    problem: Problem
    W: Array
    sums: Array
    factor: Factor

    @classmethod
    def of(cls, world: World, W: Array) -> Start:
        """Prepare what all other training sets share, from the original's (d + 1, outputs) parameters."""
        P = probabilities(world.Z @ W, world.softmax)
        return cls(world, world.problem, W, world.sums_of_classes(P), Factor.of(world.problem, P))


@dataclass(frozen=True)
class Chords:
    """The way of some training sets to their optimum."""

    start: Start
    block: Block

    def solve(self, wanted: int) -> Array:
        """Return the (d + 1, sets, outputs) optimum of the first sets."""
        start, block = self.start, self.block
        first = Corrected.of(start.factor, start.W, block.Z, self._weight_of_each, block.sign)
        inverse, accuracy = InverseHessian(first), self._error / start.problem.reach
        now = np.repeat(start.W[:, None], len(block.rows), axis=1)
        gradient = self._gradient(now, self._first_sums)
        # the first step has none to be judged by
        before = np.full((len(block.rows), 1 if block.world.softmax else now.shape[2]), np.nan)
        done, slow = np.zeros(before.shape, dtype=bool), (self._misfit > _MOST_MISFIT) | np.zeros_like(before, bool)
        moving, most = ~slow, _COUPLED_STEPS if start.factor.coupled else _STEPS
        for _ in range(most if moving.any() else 0):
            step = -inverse.times(gradient, moving)
            length = self._length(step)
            slow |= moving & (length >= before)
            # what is asked along with a problem leaves its bits alone: only the problem itself decides this
            step *= moving & ~slow
            now += step
            # a step much shorter than the last says little of the next
            gain = np.maximum(length / before, np.maximum(self._misfit, _LEAST_GAIN))
            left = gain / np.maximum(1 - gain, 1e-3) * length
            done |= moving & ~slow & ((left < accuracy) | (length < 1e-3 * accuracy))
            moving = ~(done | slow)
            if not moving.any():
                break
            before = np.where(moving, length, np.inf)
            gradient, last = self._gradient(now, block.world.sums(now, self._weights, moving)), gradient
            inverse.learn(step, gradient - last)
        for j in range(wanted):
            if not done[j].all():
                unsolved = np.flatnonzero(np.broadcast_to(~done[j], now.shape[2]))
                now[:, j, unsolved] = optimum(block.problem(j, unsolved), start.W[:, unsolved])
        return now[:, :wanted]

    @property
    def _error(self) -> float:
        """The largest error of a training record's logit."""
        if self.start.factor.coupled:
            return _COUPLED_ERROR
        return ERROR if self.block.world.softmax or self.start.W.shape[1] == 1 else _SINGLE_ERROR

    @cached_property
    def _weights(self) -> Array | None:
        """(sets, outputs, classes); None where each is 1."""
        plain = self.block.world.settings.class_weight is None
        return None if plain else self.block.weights

    @cached_property
    def _first_sums(self) -> Array:
        """(d + 1, sets, outputs) the `World.sums` at the original's optimum."""
        if self._weights is None:
            return np.asarray(self.start.sums.sum(axis=0)[:, None])
        return np.asarray(np.einsum("bpc,jcb->pjc", self.start.sums, self._weights))

    @cached_property
    def _sums_of_own(self) -> Array:
        """(d + 1, sets, outputs) sums of weight times record over the records of each output's class."""
        of_class, own = self.block.world.of_class.T, self.start.problem.own.T
        if self._weights is None:
            return np.asarray((of_class @ own)[:, None])
        return np.asarray(np.einsum("pb,jcb->pjc", of_class, self._weights * own.T))

    @cached_property
    def _weight_of_each(self) -> Array:
        """(sets, m, outputs) the weight in each output of the records that leave or join."""
        return np.take_along_axis(self.block.weights, self.block.codes[:, None, :], axis=2).transpose(0, 2, 1)

    @cached_property
    def _misfit(self) -> Array:
        """(sets, 1) by how much, about, the Hessian used differs from a set's own, as a share of that.

        It is the original's, corrected for the records that leave and join; where they change the weights of classes,
        those who stay are counted in it with their former weight. In some direction each step then leaves this share
        of the error, however short it is.
        """
        n, weights = len(self.start.problem.Z), self.block.weights
        changed = np.abs(weights - self.start.problem.weights).max(axis=(1, 2))
        return np.asarray(n / (n + self.block.sign.sum()) * changed / weights.min(axis=(1, 2)))[:, None]

    def _gradient(self, now: Array, sums: Array) -> Array:
        """(d + 1, sets, outputs) from parameters of that shape and the `World.sums` at them."""
        block, own = self.block, self.start.problem.own
        residual = probabilities(np.matmul(block.Z, now.transpose(1, 0, 2)), self.start.problem.by_softmax)
        residual -= own[:, block.codes].transpose(1, 2, 0)
        residual *= block.sign[:, None]
        residual *= self._weight_of_each
        changed = np.matmul(block.Z.transpose(0, 2, 1), residual).transpose(1, 0, 2)
        return np.asarray(sums - self._sums_of_own + changed + block.penalty.T[:, :, None] * now)

    def _length(self, step: Array) -> Array:
        """(sets, problems) the length of the longest step of any output of a problem."""
        length = np.sqrt(np.square(step).sum(axis=0))
        return np.asarray(length.max(axis=1, keepdims=True) if self.block.world.softmax else length)
