"""Training sets near the original's, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.block import Block
from unlearn_audit.models.logistic.chords import Chords, Start
from unlearn_audit.models.logistic.model import LogisticModel
from unlearn_audit.models.logistic.world import World
from unlearn_audit.utils.typing import Array, Positions

Change = tuple[Positions, Positions]
"""The records that a training set lacks of the original's, and those that it has beyond them."""

TOGETHER = 20
"""Training sets solved at once. It is fixed, and fewer are filled up, since BLAS rounds by the width of a product."""
_TOGETHER_WHERE_COUPLED = 4


def solve_nearby(
    world: World, W: Array, X: npt.NDArray[Any], y: npt.NDArray[Any], changes: Sequence[Change]
) -> list[LogisticModel] | None:
    """Return the model of each training set, None if one of them is no case for it.

    Parameters
    ----------
    world, W
        The original's records and its (d + 1, outputs) parameters.
    X, y
        All records and their labels.
    changes
        What each training set lacks and has beyond the original's.
    """
    start = Start.of(world, W)
    together = _TOGETHER_WHERE_COUPLED if start.factor.coupled else TOGETHER
    models: dict[int, LogisticModel] = {}
    shapes = [(len(gone), len(joined)) for gone, joined in changes]
    for shape in sorted(set(shapes)):
        alike = [i for i, other in enumerate(shapes) if other == shape]
        for at in range(0, len(alike), together):
            which = alike[at : at + together]
            full = which + which[:1] * (together - len(which))
            rows = np.stack([np.concatenate(changes[i]) for i in full])
            block = Block.of(world, X, y, rows, np.repeat([-1.0, 1.0], shape))
            if block is None:
                return None
            models |= dict(zip(which, block.models(Chords(start, block).solve(len(which))), strict=True))
    return [models[i] for i in range(len(changes))]
