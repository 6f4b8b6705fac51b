"""The features of the paper: what its attack models read (Chen et al., CCS 2021, section 3).

Notation: P_o, P_u are the posteriors of the original and the unlearned model, k classes; the permutation
that sorts P_o ascending is applied to both. Ties are broken by class order, always the same way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.views import View, ViewName

Array = npt.NDArray[np.float64]


def direct_concat(view: View) -> Array:
    """(n, 2k) [P_o ; P_u]."""
    return np.concatenate([_float(view.original), _float(view.unlearned)], axis=1)


def sorted_concat(view: View) -> Array:
    """(n, 2k) [P_o sorted ; P_u in the same order]."""
    return np.concatenate(_sorted_pair(view), axis=1)


def direct_diff(view: View) -> Array:
    """(n, k) P_o - P_u."""
    return _float(view.original) - _float(view.unlearned)


def sorted_diff(view: View) -> Array:
    """(n, k) P_o - P_u in the order that sorts P_o."""
    original, unlearned = _sorted_pair(view)
    return original - unlearned


def euclidean_distance(view: View) -> Array:
    """(n, 1) length of P_o - P_u."""
    return np.asarray(np.linalg.norm(direct_diff(view), axis=1, keepdims=True))


def classical(view: View) -> Array:
    """(n, k) P_o: classical membership inference on the original alone."""
    return _float(view.original)


def classical_sorted(view: View) -> Array:
    """(n, k) P_o sorted ascending: the paper's classical baseline."""
    return np.sort(_float(view.original), axis=1)


PAPER_FEATURES: dict[str, Callable[[View], Array]] = {
    "direct-concat": direct_concat,
    "sorted-concat": sorted_concat,
    "direct-diff": direct_diff,
    "sorted-diff": sorted_diff,
    "euclidean-distance": euclidean_distance,
}
"""The five features of the two-model attack."""

CLASSICAL: dict[str, Callable[[View], Array]] = {"classical": classical, "classical-sorted": classical_sorted}
"""The two features of the classical attack, which sees the original alone."""

FEATURES = PAPER_FEATURES | CLASSICAL
"""Every feature by name."""


def feature_view(name: str) -> ViewName:
    """Return which versions a feature reads."""
    return "original" if name in CLASSICAL else "pair"


def _float(posteriors: npt.NDArray[np.float32]) -> Array:
    return posteriors.astype(np.float64)


def _sorted_pair(view: View) -> tuple[Array, Array]:
    order = np.argsort(view.original, axis=1, kind="stable")
    return (
        np.take_along_axis(_float(view.original), order, axis=1),
        np.take_along_axis(_float(view.unlearned), order, axis=1),
    )
