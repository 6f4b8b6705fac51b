"""Records that leave and join a model, and what that does to counts, means and variances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array

_COLLAPSED = 1e-3
"""The part of a sum that must be left: subtracting more loses so many digits that the model is fitted anew."""


@dataclass(frozen=True, eq=False)
class Change:
    """What happens to the records of a fitted model.

    Attributes
    ----------
    leaving, left_labels
        (l, d) and (l,) records that leave.
    joining, joined_labels
        (j, d) and (j,) records that join.
    factor, shift
        (d,) each: all records of the model are then to be multiplied and shifted so, since what stands before it
        changes as well.
    """

    leaving: npt.NDArray[Any]
    left_labels: npt.NDArray[Any]
    joining: npt.NDArray[Any]
    joined_labels: npt.NDArray[Any]
    factor: Array
    shift: Array

    def knows(self, classes: npt.NDArray[Any]) -> bool:
        """Return whether all records that join are of these classes."""
        return bool(np.isin(self.joined_labels, classes).all())


def collapsed(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> bool:
    """Return whether so little is left of a sum that rounding would be seen in it.

    Examples
    --------
    >>> collapsed(np.array([2.0, 3.0]), np.array([1.0, 2.9])), collapsed(np.array([2.0, 3.0]), np.array([1.0, 1e-9]))
    (False, True)
    """
    return bool((after < _COLLAPSED * before).any())


def updated(
    n: float, mean: Array, variance: Array, leaving: npt.NDArray[Any], joining: npt.NDArray[Any]
) -> tuple[float, Array, Array]:
    """Return the count, the mean and the variance (of n, not n - 1) once records have left and joined.

    Examples
    --------
    >>> x = np.array([[1.0], [4.0], [6.0], [11.0]])
    >>> n, mean, variance = updated(3, x[:3].mean(axis=0), x[:3].var(axis=0), x[:1], x[3:])
    >>> n, bool(np.isclose(mean, x[1:].mean())), bool(np.isclose(variance, x[1:].var()))
    (3, True, True)
    """
    left, joined = (np.asarray(rows, dtype=np.float64) - mean for rows in (leaving, joining))
    after = n - len(left) + len(joined)
    moved = (joined.sum(axis=0) - left.sum(axis=0)) / after
    squares = n * variance - np.square(left).sum(axis=0) + np.square(joined).sum(axis=0)
    return after, mean + moved, np.maximum(squares / after - np.square(moved), 0.0)
