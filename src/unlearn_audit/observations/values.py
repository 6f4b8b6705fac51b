"""What the numbers of a file are: probabilities, or what becomes probabilities where that is certain or was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError

ValuesName = Literal["probabilities", "percentages", "log-probabilities", "logits"]
"""What the numbers of a file can be."""

VALUES: tuple[ValuesName, ...] = get_args(ValuesName)

_LOG_TOLERANCE = 0.01
"""How far the exponentials of a row of logarithms may be from summing to 1: by so much two decimals round them."""

_PERCENT_TOLERANCE = 1.0

Block = npt.NDArray[np.float64]


def proven(block: Block, *, whole: bool = True) -> ValuesName | None:
    """Return what the numbers of some rows can only be; None where several readings or none would do.

    Parameters
    ----------
    block
        (n, versions, numbers a version).
    whole
        Whether a version has a number for each class, whose sum tells.

    Examples
    --------
    >>> proven(np.array([[[90.0, 10.0], [70.5, 29.5]]])), proven(np.array([[[2.5, -1.0], [0.3, 0.4]]]))
    ('percentages', None)
    >>> proven(np.log([[[0.25, 0.75], [0.5, 0.5]]])), proven(np.array([[[0.9, 0.1], [0.7, 0.3]]]))
    ('log-probabilities', 'probabilities')
    """
    if not block.size or np.isnan(block).any():
        return None
    if (block >= 0).all() and (block <= 1).all():
        return "probabilities"
    if not whole:
        return None
    if (block >= 0).all():
        sums = np.abs(block.sum(axis=-1) - 100) <= _PERCENT_TOLERANCE
        return "percentages" if bool(sums.all()) else None
    if (block <= 0).all():
        return None if len(_no_logarithms(block)) else "log-probabilities"
    return None


def as_probabilities(block: Block, kind: ValuesName, start: int, where: str) -> Block:
    """Return the probabilities that some rows stand for.

    Parameters
    ----------
    block
        (n, versions, classes) numbers; with one number a version, that of the second of two classes.
    kind
        What they are.
    start
        Where the first of these rows stands in the file, for messages.
    where
        What messages call the file.

    Returns
    -------
    (n, versions, classes) numbers, which are checked like any others.

    Raises
    ------
    AuditError
        If they can't be that.
    """
    single = block.shape[-1] == 1
    if kind != "probabilities" and (missing := np.argwhere(np.isnan(block))).size:
        row, version, at = (int(of) for of in missing[0])
        raise AuditError(
            f"{where}: a number is missing in row {start + row}, version {version}, class {at} (all counted from 0); "
            "fill it in, or leave the row out"
        )
    if kind == "logits":
        # an infinite one has no softmax, and is refused as no finite number
        return _softmax(np.concatenate([np.zeros_like(block), block], axis=-1) if single else block)
    if kind == "log-probabilities" and not single:
        wrong = _no_logarithms(block)
        if len(wrong):
            row, version = wrong[0]
            raise AuditError(
                f"{where}: the numbers in row {start + row}, version {version} are not logarithms of probabilities: "
                f"their exponentials sum to {np.exp(np.minimum(block[row, version], 700)).sum():.4g}, not 1"
            )
        return _softmax(block)
    if kind == "percentages":
        block = block / 100
    elif kind == "log-probabilities":
        block = np.exp(np.minimum(block, 1))
    return np.concatenate([1 - block, block], axis=-1) if single else block


def probabilities_of(
    posteriors: npt.NDArray[Any], stated: ValuesName | None, path: Path
) -> tuple[npt.NDArray[Any], list[str]]:
    """Return numbers as probabilities, and what to say of it; what is not of three axes is refused later."""
    if posteriors.ndim != 3 or posteriors.dtype.kind not in "fiu" or not posteriors.size:
        return posteriors, []
    block = posteriors.astype(np.float64)
    found = proven(block)
    kind = found if found == "probabilities" or stated is None else stated
    if kind is None or kind == "probabilities":
        return posteriors, []
    return as_probabilities(block, kind, 0, str(path)), [conversion_note(kind, stated=stated is not None)]


def _no_logarithms(block: Block) -> npt.NDArray[Any]:
    """Return which (row, version) hold no natural logarithms of probabilities."""
    total = np.exp(np.minimum(block, 1)).sum(axis=-1)
    return np.argwhere(~(np.abs(total - 1) <= _LOG_TOLERANCE) | (block > 0).any(axis=-1))


def _softmax(block: Block) -> Block:
    with np.errstate(invalid="ignore"):
        weights = np.exp(block - block.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def conversion_note(kind: ValuesName, *, stated: bool) -> str:
    """Return how numbers became probabilities, in words.

    Examples
    --------
    >>> conversion_note("percentages", stated=False)
    'its numbers are percentages, since every row sums to 100, and were divided by 100'
    """
    why = ", as --values says," if stated else ""
    return {
        "probabilities": "its numbers are probabilities",
        "percentages": f"its numbers are percentages{why or ', since every row sums to 100,'} and were divided by 100",
        "log-probabilities": f"its numbers are logarithms of probabilities{why or ', since none is above 0 and their '}"
        f"{'' if why else 'exponentials sum to 1,'} and became their exponentials",
        "logits": f"its numbers are logits{why} and became their softmax",
    }[kind]
