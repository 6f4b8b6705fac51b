"""Defences on outputs: formulas on arrays of posteriors, (..., classes) in and out, and how each is written."""

from __future__ import annotations

import numpy as np

from unlearn_audit.defenses.base import DefenseKind, Parameter
from unlearn_audit.utils.typing import Posteriors

SMALLEST = 1e-12
"""Where logarithms of probabilities are cut off."""


def top_k(posteriors: Posteriors, k: int) -> Posteriors:
    """Release the k largest probabilities and 0 for the rest (Chen et al., CCS 2021, section 7).

    Ties are broken by class order.

    Examples
    --------
    >>> top_k(np.array([0.2, 0.5, 0.3], dtype=np.float32), 1).round(3).tolist()
    [0.0, 0.5, 0.0]
    """
    order = np.argsort(-posteriors, axis=-1, kind="stable")
    kept = np.zeros(posteriors.shape, dtype=bool)
    np.put_along_axis(kept, order[..., :k], True, axis=-1)
    return np.asarray(np.where(kept, posteriors, np.float32(0)), dtype=np.float32)


def label_only(posteriors: Posteriors) -> Posteriors:
    """Release the most probable class alone: 1 for it, 0 for the rest."""
    return np.asarray(np.eye(posteriors.shape[-1], dtype=np.float32)[posteriors.argmax(axis=-1)])


def temperature(posteriors: Posteriors, t: float) -> Posteriors:
    """Divide the log-posteriors by ``t`` and normalise: a softmax with its logits scaled down.

    It has an inverse, ``temperature(..., 1 / t)``, up to the precision released.

    Examples
    --------
    >>> temperature(np.array([0.9, 0.1], dtype=np.float32), 2.0).round(3).tolist()
    [0.75, 0.25]
    """
    logits = np.log(np.maximum(posteriors.astype(np.float64), SMALLEST)) / t
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float32)


def rounding(posteriors: Posteriors, decimals: int) -> Posteriors:
    """Release probabilities rounded to this many decimals; they need not sum to 1 any more."""
    return np.round(posteriors.astype(np.float64), decimals).astype(np.float32)


def _fewer_classes(k: float, n_classes: int) -> str | None:
    return f"use top-k below {n_classes}" if k >= n_classes else None


OUTPUTS: dict[str, DefenseKind] = {
    "top-k": DefenseKind(
        top_k, Parameter(int, "K", 1), "only the k largest probabilities", partial=True, remedy=_fewer_classes
    ),
    "label-only": DefenseKind(label_only, None, "only the most probable class"),
    "temperature": DefenseKind(temperature, Parameter(float, "T", 1e-6), "log-posteriors divided by T"),
    "rounding": DefenseKind(
        rounding, Parameter(int, "D", 0, most=12), "probabilities rounded to this many decimals", partial=True
    ),
}
"""Name to kind; a new one is one function and one entry here."""
