"""The records of a world as trees take them: ranks in place of values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models.cart.kernel.arrays import MOST_CLASSES, MOST_WEIGHT, Table
from unlearn_audit.models.float32 import as_float32
from unlearn_audit.utils.typing import Positions


@cache
def nearest() -> np.float32:
    """Return how far values may be above the next lower one for scikit-learn's trees to take them for equal.

    It is 1e-7, but 0 where its constant was never set, as in version 1.6.

    Examples
    --------
    >>> bool(nearest() in (np.float32(0), np.float32(1e-7)))
    True
    """
    tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [5e-8]], [0, 1])
    return np.float32(0.0 if tree.get_n_leaves() > 1 else 1e-7)


@dataclass(frozen=True)
class Rows:
    """Records of a world, those of the original first, in its order.

    Attributes
    ----------
    positions
        (rows,) where each stands in the dataset.
    table
        Their values and classes.
    classes
        (classes,) all labels among them, ascending.
    """

    positions: Positions
    table: Table
    classes: npt.NDArray[Any]

    @classmethod
    def of(cls, X: Any, y: npt.NDArray[Any], positions: Positions) -> Self | None:
        """Return the records at some positions; None if these trees cannot be grown on them.

        They cannot be where records are no finite numbers in an array, there are too many, or one is there twice.
        """
        if not (isinstance(X, np.ndarray) and X.dtype.kind in "fiub" and X.ndim == 2 and len(positions) > 0):
            return None
        if len(positions) >= MOST_WEIGHT or not X.shape[1] or len(np.unique(positions)) < len(positions):
            return None
        with np.errstate(over="ignore"):
            values = as_float32(X)
        classes, codes = np.unique(y[positions], return_inverse=True)
        # those that are asked too
        if not np.isfinite(values).all() or len(classes) >= MOST_CLASSES:
            return None
        return cls(positions, _table(values[positions], codes), classes)

    @property
    def width(self) -> int:
        """How many features they have."""
        return len(self.table.codes)

    def classes_of(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.intp]:
        """Return which of the classes some rows have."""
        return np.flatnonzero(np.bincount(self.table.labels[rows], minlength=len(self.classes)))


def _table(values: npt.NDArray[np.float32], codes: npt.NDArray[np.integer[Any]]) -> Table:
    columns = [np.unique(column, return_inverse=True) for column in values.T]
    distinct = [of for of, _ in columns]
    few = max(map(len, distinct)) <= 2**16
    return Table(
        codes=np.stack([ranks for _, ranks in columns]).astype(np.uint16 if few else np.uint32),
        values=np.concatenate(distinct),
        offsets=np.cumsum([0, *map(len, distinct)], dtype=np.int64),
        close=np.array([bool((of[1:] <= of[:-1] + nearest()).any()) for of in distinct]),
        labels=codes.astype(np.int64),
        near=nearest(),
    )
