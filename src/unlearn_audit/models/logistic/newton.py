"""Newton's method for one training set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unlearn_audit.models.logistic.arrays import probabilities
from unlearn_audit.models.logistic.factor import Factor, whole_factor
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.utils.typing import Array

STEPS = 100
"""Newton's steps after which a problem counts as unsolved."""
ERROR = 1e-6
"""Largest error of a training record's logit, as a step that is about as long as what was left tells."""

_FARTHEST = 20.0
"""The most that a step may move a training record's logit."""


class UnsolvedError(Exception):
    """The optimum was not reached."""


@dataclass(frozen=True)
class Point:
    """Parameters on the way to an optimum.

    Attributes
    ----------
    W, logits
        (d + 1, outputs) and (n, outputs).
    value
        (problems,) the objective.
    """

    problem: Problem
    W: Array
    logits: Array
    value: Array

    @classmethod
    def of(cls, problem: Problem, W: Array) -> Point:
        """Return the point of some parameters."""
        logits = problem.Z @ W
        return cls(problem, W, logits, problem.objective(logits, W))

    @cached_property
    def P(self) -> Array:
        """(n, outputs) probabilities."""
        return probabilities(self.logits.copy(), self.problem.by_softmax)

    @cached_property
    def gradient(self) -> Array:
        """(d + 1, outputs)."""
        return self.problem.gradient(self.P, self.W)

    def after(self, step: Array) -> tuple[Point, Array]:
        """Return where a step leads that is cut until it lowers the objective, and (problems,) the share that is left.

        The step is (d + 1, outputs).
        """
        problem, moved = self.problem, self.problem.Z @ step
        # a long step from where probabilities are flat would lead to where they are flatter still
        farthest = np.abs(moved).max(axis=0)
        size = _FARTHEST / np.maximum(farthest.max(keepdims=True) if problem.by_softmax else farthest, _FARTHEST)
        slope = problem.inner(self.gradient, step)
        while True:
            W = self.W + size * step
            logits = problem.Z @ W
            value = problem.objective(logits, W)
            # a decrease that rounding hides counts as one
            too_far = (value > self.value + 1e-4 * size * slope + 1e-13 * np.abs(self.value)) & (size > 1e-8)
            if not too_far.any():
                return Point(problem, W, logits, value), size
            size = np.where(too_far, size / 2, size)


def newton(problem: Problem, W: Array) -> Array:
    """Return the optimum (d + 1, outputs) by Newton's method with step halving."""
    if problem.by_softmax:
        return _newton_of(problem, W, whole_factor)
    outputs = range(W.shape[1])
    return np.hstack([_newton_of(problem.of_output(c), W[:, [c]], Factor.of) for c in outputs])


def _newton_of(problem: Problem, W: Array, factor_of: Callable[[Problem, Array], Factor]) -> Array:
    """Solve one problem: all outputs under softmax, or one output."""
    at = Point.of(problem, W)
    for _ in range(STEPS):
        factor = factor_of(problem, at.P)
        step = -factor.unflat(factor.solve(factor.flat(at.gradient[:, None])), W.shape[1])[:, 0]
        at, size = at.after(step)
        # quadratic convergence: what is left is about the square of the last step
        if size == 1 and longest(step) * problem.reach < ERROR:
            return at.W
    raise UnsolvedError


def longest(step: Array) -> float:
    """Return the length of the longest step of any output, from (d + 1, outputs)."""
    return float(np.sqrt(np.square(step).sum(axis=0)).max())
