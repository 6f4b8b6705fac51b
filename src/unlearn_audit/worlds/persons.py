"""Records that belong together (all rows of one person) are drawn, split and deleted together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Positions


class Persons:
    """The rows of each person.

    Parameters
    ----------
    codes
        (n,) the person of every record.

    Attributes
    ----------
    single
        Whether no person has several records.

    Examples
    --------
    >>> persons = Persons(np.array([7, 7, 3]))
    >>> persons.rows(np.array([7])).tolist(), persons.sizes(np.array([3, 7])).tolist()
    ([0, 1], [1, 2])
    """

    def __init__(self, codes: npt.NDArray[np.int64]) -> None:
        self.codes = codes
        self._values, dense, self._counts = np.unique(codes, return_inverse=True, return_counts=True)
        self._order = np.argsort(dense, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])
        self.single = len(self._values) == len(codes)
        # persons numbered from 0 are their own places, which saves looking them up
        self._counted = bool(np.array_equal(self._values, np.arange(len(self._values))))

    @property
    def values(self) -> npt.NDArray[np.int64]:
        """(u,) the distinct persons, ascending."""
        return np.asarray(self._values, dtype=np.int64)

    def sizes(self, persons: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(m,) how many records each of these persons has."""
        return np.asarray(self._counts[self._places(persons)], dtype=np.int64)

    def rows(self, persons: npt.NDArray[np.int64]) -> Positions:
        """Return the positions of all records of these persons, person by person in the given order."""
        dense = self._places(persons)
        if self.single:
            return np.asarray(self._order[dense], dtype=np.int64)
        counts = self._counts[dense]
        # offsets within each person, without a loop over persons
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.asarray(self._order[np.repeat(self._starts[dense], counts) + inside], dtype=np.int64)

    def first_rows(self, persons: npt.NDArray[np.int64]) -> Positions:
        """Return the position of the first record of each of these persons."""
        return np.asarray(self._order[self._starts[self._places(persons)]], dtype=np.int64)

    def take(self, persons: npt.NDArray[np.int64], n_rows: int) -> npt.NDArray[np.int64]:
        """Return the leading ``persons`` that together have at most ``n_rows`` records."""
        if self.single:
            return persons[: max(n_rows, 0)]
        return persons[: int(np.searchsorted(np.cumsum(self.sizes(persons)), n_rows, side="right"))]

    def _places(self, persons: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return where each of these persons stands among all of them."""
        return persons if self._counted else np.searchsorted(self._values, persons)
