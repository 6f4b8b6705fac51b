"""The leaves that records fall into, and the mean of what trees say of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.kernel.arrays import Floats, Grown, Halves, Ints, Overlay
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point

Values = npt.NDArray[np.float32]


@entry_point
def find_leaves(grown: Grown, X: Values, leaves: Halves) -> None:
    """Fill in the (trees, records) leaves that records fall into, each as a node of its tree."""
    for t in range(len(grown.starts) - 1):
        start = grown.starts[t]
        for i in range(len(X)):
            node = np.int64(0)
            while grown.feature[start + node] >= 0:
                goes = np.float64(X[i, grown.feature[start + node]]) <= grown.threshold[start + node]
                node = node + 1 if goes else np.int64(grown.right[start + node])
            leaves[t, i] = node


@entry_point
def mean_of_originals(grown: Grown, leaves: Halves, at: Ints, total: Floats) -> None:
    """Fill in the (records, classes) mean answer of the original's trees; see `mean_of_version`."""
    n_trees, k = len(grown.starts) - 1, total.shape[1]
    for t in range(n_trees):
        for i in range(len(at)):
            value = grown.right[grown.starts[t] + leaves[t, at[i]]]
            for c in range(k):
                total[i, c] += grown.values[value, c]
    for i in range(len(at)):
        for c in range(k):
            total[i, c] /= n_trees


@entry_point
def mean_of_version(
    grown: Grown, overlay: Overlay, version: int, X: Values, leaves: Halves, at: Ints, where: Halves, total: Floats
) -> None:
    """Fill in the (records, classes) mean answer of the trees of a version.

    Parameters
    ----------
    grown, overlay, version
        The original, in what its versions differ from it, and which one is asked.
    X
        (records, features).
    leaves, at
        (trees, any) leaves of the original, and which of them are those of each record.
    where
        Zeros, as many as the largest tree has nodes.
    total
        (records, classes) zeros.
    """
    n_trees, k, ends = len(grown.starts) - 1, total.shape[1], overlay.ends
    for t in range(n_trees):
        start = grown.starts[t]
        for entry in range(ends[0, t, version], ends[0, t, version + 1]):
            where[overlay.leaves[entry]] = 1 + entry - ends[0, t, version]
        first, last = ends[1, t, version], ends[1, t, version + 1]
        moves = ends[2, t, version] < ends[2, t, version + 1]
        for i in range(len(at)):
            leaf = np.int64(_moved(grown, overlay, t, version, X[i]) if moves else leaves[t, at[i]])
            root, after = first, last
            while root < after:
                middle = (root + after) // 2
                if grown.end[start + overlay.roots[middle, 0]] <= leaf:
                    root = middle + 1
                else:
                    after = middle
            if root < last and overlay.roots[root, 0] <= leaf:
                value = _below(overlay, overlay.roots[root, 1], X[i])
                for c in range(k):
                    total[i, c] += overlay.values[value, c]
            elif where[leaf] > 0:
                entry = ends[0, t, version] + where[leaf] - 1
                for c in range(k):
                    total[i, c] += overlay.leaf_values[entry, c]
            else:
                value = np.int64(grown.right[start + leaf])
                for c in range(k):
                    total[i, c] += grown.values[value, c]
        for entry in range(ends[0, t, version], ends[0, t, version + 1]):
            where[overlay.leaves[entry]] = 0
    for i in range(len(at)):
        for c in range(k):
            total[i, c] /= n_trees


@compiled
def _moved(grown: Grown, overlay: Overlay, t: int, version: int, x: Values) -> int:
    """Return the leaf of the original's tree that a record falls into where some thresholds differ."""
    node, start = np.int64(0), grown.starts[t]
    while grown.feature[start + node] >= 0:
        threshold = grown.threshold[start + node]
        for entry in range(overlay.ends[2, t, version], overlay.ends[2, t, version + 1]):
            if overlay.moved[entry] == node:
                threshold = overlay.moved_to[entry]
        goes = np.float64(x[grown.feature[start + node]]) <= threshold
        node = node + 1 if goes else np.int64(grown.right[start + node])
    return node


@compiled
def _below(overlay: Overlay, root: int, x: Values) -> int:
    """Return the place of the values of the leaf that a record falls into below a new node."""
    node = np.int64(root)
    while overlay.feature[node] >= 0:
        goes = np.float64(x[overlay.feature[node]]) <= overlay.threshold[node]
        node = node + 1 if goes else np.int64(overlay.right[node])
    return np.int64(overlay.right[node])
