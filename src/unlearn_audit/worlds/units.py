"""Records that belong together (all rows of one person) are drawn, split and deleted together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Positions


class Units:
    """The rows of each unit.

    Parameters
    ----------
    codes
        (n,) the unit of every record.

    Attributes
    ----------
    single
        Whether each record is a unit of its own.

    Examples
    --------
    >>> units = Units(np.array([7, 7, 3]))
    >>> units.rows(np.array([7])).tolist(), units.sizes(np.array([3, 7])).tolist()
    ([0, 1], [1, 2])
    """

    def __init__(self, codes: npt.NDArray[np.int64]) -> None:
        self.codes = codes
        self._values, dense, self._counts = np.unique(codes, return_inverse=True, return_counts=True)
        self._order = np.argsort(dense, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])
        self.single = len(self._values) == len(codes)
        # units numbered from 0 are their own places, which saves looking them up
        self._counted = bool(np.array_equal(self._values, np.arange(len(self._values))))

    @property
    def values(self) -> npt.NDArray[np.int64]:
        """(u,) the distinct units, ascending."""
        return np.asarray(self._values, dtype=np.int64)

    def sizes(self, units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(m,) how many records each of these units has."""
        return np.asarray(self._counts[self._places(units)], dtype=np.int64)

    def rows(self, units: npt.NDArray[np.int64]) -> Positions:
        """Return the positions of all records of these units, unit by unit in the given order."""
        dense = self._places(units)
        if self.single:
            return np.asarray(self._order[dense], dtype=np.int64)
        counts = self._counts[dense]
        # offsets within each unit, without a loop over units
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.asarray(self._order[np.repeat(self._starts[dense], counts) + inside], dtype=np.int64)

    def first_rows(self, units: npt.NDArray[np.int64]) -> Positions:
        """Return the position of the first record of each of these units."""
        return np.asarray(self._order[self._starts[self._places(units)]], dtype=np.int64)

    def take(self, units: npt.NDArray[np.int64], n_rows: int) -> npt.NDArray[np.int64]:
        """Return the leading ``units`` that together have at most ``n_rows`` records."""
        if self.single:
            return units[: max(n_rows, 0)]
        return units[: int(np.searchsorted(np.cumsum(self.sizes(units)), n_rows, side="right"))]

    def _places(self, units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return where each of these units stands among all of them."""
        return units if self._counted else np.searchsorted(self._values, units)
