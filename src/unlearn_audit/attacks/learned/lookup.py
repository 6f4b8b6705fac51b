"""A forest's answers on many rows, from tables of which leaves a value leaves open; the same bits as tree by tree.

Walking a tree asks one value after the other, and what comes next depends on each answer. Here every value of a row is
placed once among all thresholds of the forest. A table of each tree and feature then holds, for each place, the leaves
that can still be reached, a bit each; their intersection over the features is the leaf (after QuickScorer, Lucchese et
al., SIGIR 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array

FEWEST_ROWS = 20_000
"""Rows below which the tables take longer than the walk."""

_MOST_LEAVES = 64
"""The bits of a number."""

_ROWS_AT_ONCE = 16384
_NO_LEAF = -1

Bits = npt.NDArray[np.uint64]


def can_look_up(trees: Sequence[Any], n_rows: int) -> bool:
    """Return whether a forest has tables, and there are enough rows for them."""
    return n_rows >= FEWEST_ROWS and max(tree.n_leaves for tree in trees) <= _MOST_LEAVES


@dataclass(frozen=True, eq=False)
class _Tree:
    """What a tree asks: the features, what each of their places leaves open, and (leaves, 2) values of the leaves."""

    features: tuple[int, ...]
    open: tuple[Bits, ...]
    values: Array


def mean_by_lookup(trees: Sequence[Any], X: npt.NDArray[np.float32]) -> Array:
    """Return (m, 2) what `unlearn_audit.models.trees.mean_of` does, for two classes and trees of few leaves.

    Parameters
    ----------
    trees
        scikit-learn's, of at most 64 leaves each.
    X
        (m, features) finite numbers.
    """
    thresholds = [
        np.unique(np.concatenate([tree.threshold[tree.feature == feature] for tree in trees]))
        for feature in range(X.shape[1])
    ]
    tables = [_table(tree, thresholds) for tree in trees]
    total = np.zeros((len(X), 2))
    for start in range(0, len(X), _ROWS_AT_ONCE):
        rows = X[start : start + _ROWS_AT_ONCE]
        places = [np.searchsorted(of, rows[:, feature].astype(np.float64)) for feature, of in enumerate(thresholds)]
        _add(tables, places, total[start : start + _ROWS_AT_ONCE])
    total /= len(trees)
    return total


def _add(tables: Sequence[_Tree], places: Sequence[npt.NDArray[np.intp]], total: Array) -> None:
    """Add the answers of every tree, in their order, to the (m, 2) total of some rows."""
    m = len(total)
    reached, opened, answers = np.empty(m, np.uint64), np.empty(m, np.uint64), np.empty((m, 2))
    for tree in tables:
        reached.fill(np.iinfo(np.uint64).max)
        for feature, of_place in zip(tree.features, tree.open, strict=True):
            np.take(of_place, places[feature], out=opened, mode="clip")
            reached &= opened
        # one leaf is left: a power of two, of which the floating-point form holds the exponent
        leaf = (reached.astype(np.float64).view(np.int64) >> 52) - 1023
        np.take(tree.values, leaf, axis=0, out=answers, mode="clip")
        total += answers


def _table(tree: Any, thresholds: Sequence[Array]) -> _Tree:
    left, right = tree.children_left, tree.children_right
    leaves = np.flatnonzero(left == _NO_LEAF)
    bit = dict(zip(leaves.tolist(), range(len(leaves)), strict=True))
    below: dict[int, int] = {}

    def leaves_of(node: int) -> int:
        if node not in below:
            below[node] = 1 << bit[node] if node in bit else leaves_of(int(left[node])) | leaves_of(int(right[node]))
        return below[node]

    every = leaves_of(0) if len(leaves) > 1 else 1
    found: dict[int, Bits] = {}
    for node in np.flatnonzero(left != _NO_LEAF).tolist():
        feature = int(tree.feature[node])
        known = thresholds[feature]
        allowed = found.setdefault(feature, np.full(len(known) + 1, every, dtype=np.uint64))
        # a value at or below the threshold goes left
        first_right = int(np.searchsorted(known, tree.threshold[node])) + 1
        allowed[:first_right] &= np.uint64(every & ~leaves_of(int(right[node])))
        allowed[first_right:] &= np.uint64(every & ~leaves_of(int(left[node])))
    if not found:
        found[0] = np.full(len(thresholds[0]) + 1, every, dtype=np.uint64)
    return _Tree(tuple(found), tuple(found.values()), np.ascontiguousarray(tree.value[leaves, 0, :2]))
