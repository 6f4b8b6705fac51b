"""Which numbers are posteriors, what rounding does to them, and what other numbers probably are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.probabilities import SUM_TOLERANCE

_MOST_DECIMALS = 5
_FLOAT32 = 2 * float(np.finfo(np.float32).eps)
"""By so much a number may miss its decimals, since many systems export single precision."""

_FARTHEST = 0.5
"""How far from 1 rounding may take the sum of a row: of a row that is farther little is left."""

_ROWS_AT_FIRST = 1000

_ROWS_AT_ONCE = 1 << 16
"""Rows that are checked at once, which bounds the memory that checks take."""


def check_posteriors(array: npt.NDArray[Any], classes: Sequence[str], partial: bool, where: str) -> int | None:
    """Check that every row of every version is a probability distribution.

    Parameters
    ----------
    array
        (n, versions, classes) numbers.
    classes
        (classes,) names.
    partial
        Whether rows hold only some of the probabilities, and may sum to less than 1.
    where
        What messages call the source.

    Returns
    -------
    The decimals to which all of them are rounded, where rounding alone explains sums that are not 1; else None.

    Raises
    ------
    AuditError
        If one is none, with what the numbers look like instead.
    """
    n, _, k = array.shape
    if n == 0:
        raise AuditError(NO_ROWS.format(where))
    check = Check(classes, partial, where, k)
    for start in range(0, n, _ROWS_AT_ONCE):
        check.add(array[start : start + _ROWS_AT_ONCE])
    return check.decimals()


NO_ROWS = "{} has no rows; export at least one deleted and one unseen record"


class Check:
    """Checks posteriors block by block, as `check_posteriors` does of all at once.

    Parameters
    ----------
    classes, partial, where
        As of `check_posteriors`.
    width
        How many numbers a version has.

    Raises
    ------
    AuditError
        If there are not as many classes, at least two, each once.
    """

    def __init__(self, classes: Sequence[str], partial: bool, where: str, width: int) -> None:
        if width < 2 or len(classes) != width or len(set(classes)) != width:
            raise AuditError(
                f"{where} has {width} probabilities per row for the classes {', '.join(map(str, classes))}"
            )
        self.rows = 0
        self._classes, self._partial, self._where = classes, partial, where
        self._possible = list(range(1, _MOST_DECIMALS + 1))
        self._off = False
        # by the decimals that would explain sums, the first row that they don't explain
        self._wrong: dict[int | None, tuple[int, int, float]] = {}

    def add(self, block: npt.NDArray[Any]) -> None:
        """Check (n, versions, classes) further rows.

        Raises
        ------
        AuditError
            If a number is none of a probability.
        """
        _check_block(block, self.rows, self._classes, self._where)
        tolerance = SUM_TOLERANCE
        total = block.sum(axis=2, dtype=np.float64)
        off = (total - 1 > tolerance) | (1 - total > (np.inf if self._partial else tolerance))
        if off.any():
            self._off = True
            for decimals in (None, *self._possible):
                self._note(total, decimals)
        if self._possible:
            for part in (block[:_ROWS_AT_FIRST], block):
                self._possible = [
                    decimals for decimals in self._possible if _multiples(part, decimals, _FLOAT32 * 10**decimals)
                ]
        self.rows += len(block)

    def _note(self, total: npt.NDArray[np.float64], decimals: int | None) -> None:
        """Note the first row whose sum so many decimals do not explain."""
        if decimals in self._wrong:
            return
        slack = 0.0 if decimals is None else min(0.5 * len(self._classes) * 10.0**-decimals, _FARTHEST)
        # halves are rounded up: all of them can add that much, and cannot take it away
        under = np.inf if self._partial else max(slack - SUM_TOLERANCE, SUM_TOLERANCE)
        wrong = (total - 1 > slack + SUM_TOLERANCE) | (1 - total > under)
        if wrong.any():
            row, version = (int(i) for i in np.argwhere(wrong)[0])
            self._wrong[decimals] = (self.rows + row, version, float(total[row, version]))

    def decimals(self) -> int | None:
        """Return what `check_posteriors` does, of all blocks.

        Raises
        ------
        AuditError
            If a row is no probability distribution.
        """
        if not self._off:
            return None
        decimals = min(self._possible, default=None)
        if decimals in self._wrong:
            row, version, total = self._wrong[decimals]
            advice = (
                "export whole probabilities"
                if self._partial
                else "export whole probabilities, or mark the file partial"
            )
            rounded = "" if decimals is None else f" (more than rounding to {decimals} decimals explains)"
            raise AuditError(
                f"{self._where}: the posteriors in row {row}, version {version} sum to {total:.4f}, not 1{rounded}; "
                f"{advice}"
            )
        return decimals


def _check_block(array: npt.NDArray[Any], start: int, classes: Sequence[str], where: str) -> None:
    """Raise unless the numbers of a block, which begins at some row, lie between 0 and 1."""
    for wrong, what in (
        (~np.isfinite(array), "is not a finite number"),
        ((array < 0) | (array > 1), "is outside [0, 1]"),
    ):
        if wrong.any():
            row, version, column = (int(i) for i in np.argwhere(wrong)[0])
            raise AuditError(
                f"{where}: the posterior of class '{classes[column]}' in row {start + row}, version {version} is "
                f"{array[row, version, column]}, which {what}; {_looks_like(array)}"
            )


def rounding_note(what: str, decimals: int) -> str:
    """Return what to know of posteriors that are rounded.

    Examples
    --------
    >>> rounding_note("the target file", 2)
    'the target file holds posteriors rounded to 2 decimals, so rows do not sum to 1; they are used unchanged'
    """
    unit = "decimal" if decimals == 1 else "decimals"
    return f"{what} holds posteriors rounded to {decimals} {unit}, so rows do not sum to 1; they are used unchanged"


def _multiples(array: npt.NDArray[Any], decimals: int, tolerance: float) -> bool:
    scaled = array.astype(np.float64) * 10**decimals
    return bool((np.abs(scaled - np.rint(scaled)) <= tolerance).all())


def _looks_like(array: npt.NDArray[Any]) -> str:
    """Return what numbers that are no probabilities look like, and what to do."""
    flat = array.reshape(-1, array.shape[-1]).astype(np.float64)
    if not np.isfinite(flat).all():
        return "export probabilities"
    outside = ((flat < 0) | (flat > 1)).any(axis=1)
    with np.errstate(over="ignore"):
        total = flat.sum(axis=1)
        # by the share of rows, since a few may be wrong in another way
        if _mostly((flat >= 0).all(axis=1) & (np.abs(total - 100) <= max(1.0, 0.05 * array.shape[-1]))):
            return "these look like percentages, since rows sum to 100; divide them by 100, or say --values percentages"
        if _mostly((flat <= 0).all(axis=1) & (np.abs(np.exp(flat).sum(axis=1) - 1) <= 0.01)):
            return (
                "these look like logarithms of probabilities; export their exponentials, or say --values "
                "log-probabilities"
            )
        if _mostly((flat >= 0).all(axis=1) & (np.rint(flat) == flat).all(axis=1) & (total > 1)):
            return "these look like counts; divide each row by its sum"
    if _mostly(outside):
        return "these look like logits; export their softmax, or say --values logits"
    return "export probabilities"


def _mostly(rows: Any) -> bool:
    return bool(np.mean(rows) > 0.5)
