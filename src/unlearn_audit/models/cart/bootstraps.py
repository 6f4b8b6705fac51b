"""The seeds and bootstraps of a forest's trees, as scikit-learn draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.settings import CartSettings


def seeds_of(settings: CartSettings, seed: int) -> list[int]:
    """Return the seed of each tree; a single tree has the model's own."""
    if settings.n_trees is None:
        return [seed]
    seeds: list[int] = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=settings.n_trees).tolist()
    return seeds


class Bootstraps:
    """Draws the bootstraps of one model's trees.

    Parameters
    ----------
    settings
        Of the model.
    """

    def __init__(self, settings: CartSettings) -> None:
        from unlearn_audit.models.cart.kernel.bootstrap import WORDS

        self._drawn, self._state = settings.bootstrap, np.zeros(WORDS + 1, dtype=np.int64)

    def draws(self, seed: int) -> int:
        """Return with which state the draws of a tree start."""
        from unlearn_audit.models.cart.kernel.bootstrap import first_draw

        return int(first_draw(self._state, seed))

    def times(self, seed: int, sizes: Sequence[int]) -> npt.NDArray[np.int32]:
        """Return (sizes, most slots) how often each slot is drawn where there are so many; 0 beyond."""
        from unlearn_audit.models.cart.kernel.bootstrap import draw_slots

        times = np.zeros((len(sizes), max(sizes)), dtype=np.int32)
        for row, n in zip(times, sizes, strict=True):
            if self._drawn:
                draw_slots(self._state, seed, n, row)
            else:
                row[:n] = 1
        return times
