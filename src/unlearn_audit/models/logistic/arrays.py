"""Types and formulas that all parts of the solver share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array


def is_own(k: int, outputs: int) -> npt.NDArray[np.bool_]:
    """(outputs, classes) whether an output stands for a class: with two classes the only one stands for the second."""
    return np.array([[False, True]]) if outputs == 1 else np.eye(k, dtype=bool)


def spread_of(mean: Array, variance: Array, n: int | npt.NDArray[np.int64]) -> Array:
    """Return what to divide a feature by: 1 where it is constant but for rounding, as scikit-learn's scaler has it."""
    eps = np.finfo(float).eps
    constant = variance <= n * eps * variance + np.square(n * mean * eps)
    return np.sqrt(np.where(constant, 1.0, variance))


def probabilities(logits: Array, by_softmax: bool) -> Array:
    """Return probabilities from (..., outputs) logits; the array is used up."""
    if by_softmax:
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        return logits
    with np.errstate(over="ignore"):  # exp(1000) is infinite and its probability 0, as it should be
        np.exp(np.negative(logits, out=logits), out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)
