"""Types and formulas that all parts of the solver share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array

_NUMBERS_AT_ONCE = 120_000
"""Numbers of records, or of products with them, held at a time: a megabyte, which a core's own cache holds."""


def is_own(k: int, outputs: int) -> npt.NDArray[np.bool_]:
    """(outputs, classes) whether an output stands for a class: with two classes the only one stands for the second."""
    return np.array([[False, True]]) if outputs == 1 else np.eye(k, dtype=bool)


def spread_of(mean: Array, variance: Array, n: int | npt.NDArray[np.int64]) -> Array:
    """Return what to divide a feature by: 1 where it is constant but for rounding, as scikit-learn's scaler has it."""
    eps = np.finfo(float).eps
    constant = variance <= n * eps * variance + np.square(n * mean * eps)
    return np.sqrt(np.where(constant, 1.0, variance))


def probabilities(logits: Array, by_softmax: bool, axis: int = -1) -> Array:
    """Return probabilities from logits, the outputs along an axis; the array is used up."""
    if by_softmax:
        logits -= logits.max(axis=axis, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=axis, keepdims=True)
        return logits
    with np.errstate(over="ignore"):  # exp(1000) is infinite and its probability 0, as it should be
        np.exp(np.negative(logits, out=logits), out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)


def pass_over(Z: Array, W: Array, between: Callable[[Array, slice], Array]) -> Array:
    """Return (any, d) sums of records, each times what becomes of its products with the (any, d) parameters.

    Parameters
    ----------
    Z
        (n, d) records. They are taken few enough at a time to stay in the cache from the one product to the other.
    W
        Parameters.
    between
        What becomes of (any, m) products with the m records of a slice.
    """
    W = np.ascontiguousarray(W)
    sums = np.zeros(W.shape)
    step = max(1, _NUMBERS_AT_ONCE // max(Z.shape[1], len(W)))
    for low in range(0, len(Z), step):
        some = slice(low, low + step)
        sums += between(W @ Z[some].T, some) @ Z[some]
    return sums
