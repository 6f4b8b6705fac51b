"""Many L2-regularised logistic regressions on almost the same records, each solved to its unique optimum.

The objective, sum of weighted log losses plus ``|w|^2 / (2 C)``, has one minimum, so how it is found decides nothing
but the time. All training sets of a world are solved in the coordinates that standardise the original's: there a
set's own standardisation is a penalty of its own on each coefficient, and its gradient at the original's optimum
needs no pass over the records. From there each set takes chord steps: the original's Hessian, factorised once, less
the rank of the deleted records and plus that of the added ones (Woodbury's identity), with one pass over the records
a step. A deletion changes what is left of the Hessian by about 1/n, so each step gains some three digits, and fewer
where parameters are about as many as records. What converges too slowly is finished by Newton's method.

Where parameters are many, the steps to the original's optimum are found by conjugate gradients instead of factors
(`truncated.py`), each output of one-vs-rest stops by itself (`chords.py`), and a softmax regression's Hessian is
factorised output by output (`factor.py`): what this leaves out, further steps learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.model import LogisticModel
from unlearn_audit.models.logistic.nearby import TOGETHER, Change, solve_nearby
from unlearn_audit.models.logistic.newton import UnsolvedError
from unlearn_audit.models.logistic.settings import LOOSEST_TOLERANCE, LogisticSettings
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Positions

__all__ = ["LOOSEST_TOLERANCE", "TOGETHER", "VERSION", "Change", "LogisticModel", "LogisticSettings", "solve"]

VERSION = 4
"""Raise it whenever the same records would give other parameters than before, or other answers."""


def solve(
    settings: LogisticSettings,
    X: Any,
    y: npt.NDArray[Any],
    original: Positions,
    changes: Sequence[Change] = (),
    start: LogisticModel | None = None,
) -> list[LogisticModel] | None:
    """Return the optimum of the original's training records, and that of each changed training set.

    Parameters
    ----------
    settings
        Penalty, weights, standardisation and kind.
    X, y
        (n, d) numbers and (n,) labels of all records.
    original
        Positions of the original's training records.
    changes
        For each further training set, the positions that it lacks of the original's and those it has beyond them.
    start
        The original's solution on the same records, where it is known.

    Returns
    -------
    One model a training set, the original's first; or None where this is no case for it: no array of finite
    numbers, a record twice in a training set, a training set that lacks a class, or rounding keeps the optimum out
    of reach.
    """
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "fiub":
        return None
    if _repeats(original) or any(_repeats(joined) for _, joined in changes):
        return None
    world = None if start is None else start.solved_on
    world = World.of(settings, X, y, original) if world is None else world
    if world is None:
        return None
    try:
        W = world.optimum() if start is None else np.vstack([start.coefficients, start.intercepts])
        models = [LogisticModel(settings, world.classes, world.mean, world.scale, W[:-1], W[-1], world)]
        others = solve_nearby(world, W, X, y, changes) if changes else []
    except UnsolvedError:
        return None
    return None if others is None else models + others


def _repeats(positions: Positions) -> bool:
    return len(positions) > 1 and not np.diff(np.sort(positions)).all()
