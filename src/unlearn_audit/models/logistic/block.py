"""Training sets that are solved at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.model import LogisticModel
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Array, Positions


@dataclass(frozen=True)
class Block:
    """As many training sets as are solved at once; each lacks as many records as the others, and has as many more.

    Attributes
    ----------
    world
        The original's training records.
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

    world: World
    rows: Positions
    Z: Array
    codes: npt.NDArray[np.int64]
    sign: Array
    shift: Array
    spread: Array
    weights: Array
    penalty: Array

    @classmethod
    def of(cls, world: World, X: npt.NDArray[Any], y: npt.NDArray[Any], rows: Positions, sign: Array) -> Block | None:
        """Prepare training sets from (sets, m) positions; None where one is no case for the solver."""
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
        return cls(world, rows, Z, codes, sign, shift, spread, world.weights(counts), penalty)

    def problem(self, j: int, outputs: npt.NDArray[np.int64]) -> Problem:
        """Return the regressions of some outputs on one of the sets."""
        world = self.world
        stay = ~np.isin(world.positions, self.rows[j, self.sign < 0])
        Z = np.concatenate([world.Z[stay], self.Z[j, self.sign > 0]])
        codes = np.concatenate([world.codes[stay], self.codes[j, self.sign > 0]])
        return Problem(Z, codes, world.own[outputs], self.weights[j, outputs], self.penalty[j], world.softmax)

    def models(self, W: Array) -> list[LogisticModel]:
        """Return the models of the first sets, from their (d + 1, sets, outputs) parameters."""
        world, wanted = self.world, W.shape[1]
        shift, spread = self.shift[:wanted], self.spread[:wanted]
        mean, scale = world.mean + world.scale * shift, world.scale * spread
        coefficients = W[:-1].transpose(1, 0, 2) * spread[:, :, None]
        intercepts = W[-1] + np.einsum("jd,djc->jc", shift, W[:-1])
        return [
            LogisticModel(world.settings, world.classes, *solution)
            for solution in zip(mean, scale, coefficients, intercepts, strict=True)
        ]
