"""Which numbers are posteriors, what rounding does to them, and what other numbers probably are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        raise AuditError(f"{where} has no rows; export at least one deleted and one unseen record")
    if k < 2 or len(classes) != k or len(set(classes)) != k:
        raise AuditError(f"{where} has {k} probabilities a row for the classes {', '.join(map(str, classes))}")
    for start, block in _blocks(array):
        _check_block(block, start, classes, where)
    if all(not _off(block, SUM_TOLERANCE, np.inf if partial else SUM_TOLERANCE).any() for _, block in _blocks(array)):
        return None
    decimals = _decimals(array)
    slack = 0.0 if decimals is None else min(0.5 * k * 10.0**-decimals, _FARTHEST)
    # halves are rounded up: all of them can add that much, and cannot take it away
    under = np.inf if partial else max(slack - SUM_TOLERANCE, SUM_TOLERANCE)
    for start, block in _blocks(array):
        wrong = _off(block, slack + SUM_TOLERANCE, under)
        if wrong.any():
            row, version = (int(i) for i in np.argwhere(wrong)[0])
            advice = "export whole probabilities" if partial else "export whole probabilities, or mark the file partial"
            rounded = "" if decimals is None else f" (more than rounding to {decimals} decimals explains)"
            raise AuditError(
                f"{where}: the posteriors in row {start + row}, version {version} sum to "
                f"{block[row, version].sum(dtype=np.float64):.4f}, not 1{rounded}; {advice}"
            )
    return decimals


def _blocks(array: npt.NDArray[Any]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield where each block of rows starts, and the block."""
    for start in range(0, len(array), _ROWS_AT_ONCE):
        yield start, array[start : start + _ROWS_AT_ONCE]


def _off(block: npt.NDArray[Any], over: float, under: float) -> npt.NDArray[np.bool_]:
    """Return (rows, versions) which sums are off 1 by more than so much."""
    total = block.sum(axis=2, dtype=np.float64)
    return np.asarray((total - 1 > over) | (1 - total > under))


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
    'the target file holds posteriors rounded to 2 decimals, so that rows do not sum to 1; they are used as they are'
    """
    unit = "decimal" if decimals == 1 else "decimals"
    return (
        f"{what} holds posteriors rounded to {decimals} {unit}, so that rows do not sum to 1; they are used as they are"
    )


def _decimals(array: npt.NDArray[Any]) -> int | None:
    """Return the fewest decimals with which all numbers can be written, None if they are no short ones."""
    for decimals in range(1, _MOST_DECIMALS + 1):
        tolerance = _FLOAT32 * 10**decimals
        parts = (array[:_ROWS_AT_FIRST], *(block for _, block in _blocks(array)))
        if all(_multiples(part, decimals, tolerance) for part in parts):
            return decimals
    return None


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
            return "these look like percentages, since rows sum to 100; divide them by 100"
        if _mostly((flat <= 0).all(axis=1) & (np.abs(np.exp(flat).sum(axis=1) - 1) <= 0.01)):
            return "these look like logarithms of probabilities; export their exponentials"
        if _mostly((flat >= 0).all(axis=1) & (np.rint(flat) == flat).all(axis=1) & (total > 1)):
            return "these look like counts; divide each row by its sum"
    if _mostly(outside):
        return "these look like logits; export their softmax"
    return "export probabilities"


def _mostly(rows: Any) -> bool:
    return bool(np.mean(rows) > 0.5)
