"""The features of the paper: what its attack models read (Chen et al., CCS 2021, section 3).

Notation: P_o, P_u are the posteriors of the original and the unlearned model, k classes; the permutation
that sorts P_o ascending is applied to both. Ties are broken by class order, always the same way.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.views import View, ViewName
from unlearn_audit.utils.typing import Array


def direct_concat(view: View) -> Array:
    """(n, 2k) [P_o ; P_u]; over a sequence, all versions."""
    return _flat(_float(view.posteriors))


def sorted_concat(view: View) -> Array:
    """(n, 2k) [P_o sorted ; P_u in the same order]; over a sequence, all versions in that order."""
    return _flat(_sorted(view))


def direct_diff(view: View) -> Array:
    """(n, k) P_o - P_u; over a sequence, each version minus the next."""
    return _flat(_steps(_float(view.posteriors)))


def sorted_diff(view: View) -> Array:
    """(n, k) P_o - P_u in the order that sorts P_o; over a sequence, each version minus the next."""
    return _flat(_steps(_sorted(view)))


def euclidean_distance(view: View) -> Array:
    """(n, 1) length of P_o - P_u; over a sequence, of each step."""
    return np.asarray(np.linalg.norm(_steps(_float(view.posteriors)), axis=2))


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

DIFFERENCES = ("direct-diff", "sorted-diff", "euclidean-distance")
"""Those of them that are 0 where answers did not change."""

CLASSICAL: dict[str, Callable[[View], Array]] = {"classical": classical, "classical-sorted": classical_sorted}
"""The two features of the classical attack, which sees the original alone."""

SEQUENCE = "-sequence"
"""What the name of a paper's feature ends with where it reads every version of a chain, not the first and last."""

FEATURES = PAPER_FEATURES | CLASSICAL | {name + SEQUENCE: feature for name, feature in PAPER_FEATURES.items()}
"""Every feature by name."""


def feature_view(name: str) -> ViewName:
    """Return which versions a feature reads."""
    if name in CLASSICAL:
        return "original"
    return "sequence" if name.endswith(SEQUENCE) else "pair"


def shows_labels(name: str) -> bool:
    """Return whether a feature differs between labels that are given alone: sorted, they are all the same.

    Examples
    --------
    >>> shows_labels("direct-diff"), shows_labels("classical-sorted")
    (True, False)
    """
    return "sorted" not in name


def _float(posteriors: npt.NDArray[np.float32]) -> Array:
    return posteriors.astype(np.float64)


def _sorted(view: View) -> Array:
    """(n, versions, k) every version in the order that sorts the original ascending."""
    order = np.argsort(view.original, axis=1, kind="stable")
    return np.take_along_axis(_float(view.posteriors), order[:, None, :], axis=2)


def _steps(versions: Array) -> Array:
    """(n, versions - 1, k) each version minus the next."""
    return versions[:, :-1] - versions[:, 1:]


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1)
