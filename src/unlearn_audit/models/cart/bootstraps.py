"""The seeds and bootstraps of a forest's trees, as scikit-learn draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.settings import CartSettings

_MOST = np.iinfo(np.int32).max


def seeds_of(settings: CartSettings, seed: int) -> list[int]:
    """Return the seed of each tree; a single tree has the model's own."""
    if settings.n_trees is None:
        return [seed]
    draw = np.random.RandomState(seed)
    return [draw.randint(_MOST) for _ in range(settings.n_trees)]


class Bootstraps:
    """Draws the bootstraps of one model's trees.

    Parameters
    ----------
    settings
        Of the model.
    """

    def __init__(self, settings: CartSettings) -> None:
        self._drawn = settings.bootstrap
        # a new generator asks the system for entropy first, for longer than a small tree takes to grow
        self._random = np.random.RandomState(0)

    def draws(self, seed: int) -> int:
        """Return with which state the draws of a tree start."""
        self._random.seed(seed)
        return int(self._random.randint(0, _MOST))

    def times(self, seed: int, sizes: Sequence[int]) -> npt.NDArray[np.int32]:
        """Return (sizes, most slots) how often each slot is drawn where there are so many; 0 beyond."""
        times = np.zeros((len(sizes), max(sizes)), dtype=np.int32)
        for row, n in zip(times, sizes, strict=True):
            if self._drawn:
                self._random.seed(seed)
                row[:n] = np.bincount(self._random.randint(0, n, n), minlength=n)
            else:
                row[:n] = 1
        return times
