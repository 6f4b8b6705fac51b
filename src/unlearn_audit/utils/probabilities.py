"""Probabilities as models answer them: what counts as such, and the margin of a record.

The margin is what the statistics of the literature rest on: the logit-scaled confidence φ = log p_y - log Σ_{k≠y} p_k
of the true label y of Carlini et al., "Membership Inference Attacks From First Principles" (S&P 2022), equation 3. For
two classes it is the label's logit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.typing import Array

SUM_TOLERANCE = 1e-3
"""How far the probabilities of one row may be from summing to 1."""

FLOOR = 1e-12
"""Below this a probability counts as this: a larger floor would hide changes of confident networks."""

_ROWS_AT_ONCE = 1 << 16
"""Rows that are computed at once, which bounds the memory that it takes."""


def check_labels(labels: npt.NDArray[np.int64]) -> None:
    """Raise an `AuditError` if a label is not known (-1)."""
    if len(labels) and labels.min() < 0:
        raise AuditError("the margin of a record needs its label, and some rows have none; add the column 'label'")


def probability(posteriors: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> Array:
    """Return (n,) the probability that (n, classes) posteriors give to the label.

    Raises
    ------
    AuditError
        If a label is not known (-1).

    Examples
    --------
    >>> probability(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0])).tolist()
    [0.75, 0.5]
    """
    check_labels(labels)
    return np.take_along_axis(posteriors, labels[:, None], axis=1)[:, 0].astype(np.float64)


def moved(posteriors: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether any of (n, versions, classes) answers changed from the first version to the last.

    Examples
    --------
    >>> moved(np.array([[[0.25, 0.75], [0.25, 0.75]], [[0.5, 0.5], [0.6, 0.4]]])).tolist()
    [False, True]
    """
    return np.asarray((posteriors[:, 0] != posteriors[:, -1]).any(axis=1))


def loss(margins: Array) -> Array:
    """Return the cross-entropy of the label, log(1 + exp(-φ)): of float32 posteriors near 1, -log p_y would be 0.

    Examples
    --------
    >>> loss(np.array([0.0, 40.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    return np.logaddexp(0.0, -margins)


def margin(posteriors: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> Array:
    """Return φ = log p_y - log Σ_{k≠y} p_k of every posterior.

    The sum runs over the other classes and is never 1 - p_y, which loses all digits where p_y is near 1.

    Parameters
    ----------
    posteriors
        (n, ..., classes) probabilities.
    labels
        (n,) class index of each record.

    Returns
    -------
    (n, ...) margins.

    Raises
    ------
    AuditError
        If a label is not known (-1).

    Examples
    --------
    >>> margin(np.array([[0.5, 0.5], [0.8, 0.2]]), np.array([0, 1])).round(3).tolist()
    [0.0, -1.386]
    """
    check_labels(labels)
    blocks = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(labels), _ROWS_AT_ONCE)] or [slice(0)]
    return np.concatenate([_margin(np.asarray(posteriors)[block], labels[block]) for block in blocks])


def _margin(posteriors: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    p = posteriors.astype(np.float64)  # a copy in any case
    index = np.broadcast_to(labels.reshape((-1,) + (1,) * (p.ndim - 1)), (*p.shape[:-1], 1))
    right = np.take_along_axis(p, index, axis=-1)[..., 0]
    np.put_along_axis(p, index, 0.0, axis=-1)
    rest = p.sum(axis=-1)
    return np.asarray(np.log(np.maximum(right, FLOOR)) - np.log(np.maximum(rest, FLOOR)))
