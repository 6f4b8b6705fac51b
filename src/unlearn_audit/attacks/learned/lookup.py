"""A forest's answers on many rows, from tables of which leaves a value leaves open; the same bits as tree by tree.

Walking a tree asks one value after the other, and what comes next depends on each answer. Here every value of a row is
placed once among all thresholds of the forest. A table of each tree and feature then holds, for each place, the leaves
that can still be reached, a bit each; their intersection over the features is the leaf (after QuickScorer, Lucchese et
al., SIGIR 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array, Integers

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
class _Trees:
    """What some trees ask, whose leaves together have a bit each in one number.

    Attributes
    ----------
    open
        By feature, (places,) which leaves each place leaves open, of all trees.
    first
        The first bit of each tree, descending.
    values
        (leaves, 2) of each tree.
    """

    open: Mapping[int, Bits]
    first: Sequence[int]
    values: Sequence[Array]


def mean_by_lookup(trees: Sequence[Any], X: npt.NDArray[np.float32]) -> Array:
    """Return (m, 2) what `unlearn_audit.models.trees.mean_of` does, for two classes and trees of few leaves.

    Parameters
    ----------
    trees
        scikit-learn's, of at most 64 leaves each.
    X
        (m, features) finite numbers.
    """
    thresholds, asked = _thresholds(trees, X.shape[1])
    tables = [_table(some, thresholds) for some in sharing_a_number(zip(trees, asked, strict=True))]
    total = np.zeros((len(X), 2))
    for start in range(0, len(X), _ROWS_AT_ONCE):
        rows = X[start : start + _ROWS_AT_ONCE]
        places = [np.searchsorted(of, rows[:, feature].astype(np.float64)) for feature, of in enumerate(thresholds)]
        _add(tables, places, total[start : start + _ROWS_AT_ONCE])
    total /= len(trees)
    return total


def _thresholds(trees: Sequence[Any], width: int) -> tuple[list[Array], list[Integers]]:
    """Return by feature all thresholds, ascending, and by tree the first place of each node that goes right."""
    features, limits = (np.concatenate([getattr(tree, name) for tree in trees]) for name in ("feature", "threshold"))
    found, places = [], np.zeros(len(features), dtype=np.int64)
    for feature in range(width):
        at = np.flatnonzero(features == feature)
        known, place = np.unique(limits[at], return_inverse=True)
        found.append(known)
        places[at] = place + 1  # a value at or below the threshold goes left
    return found, np.split(places, np.cumsum([tree.node_count for tree in trees])[:-1])


_Asked = tuple[Any, Integers]
"""A tree, and the place of each of its nodes."""


def sharing_a_number(trees: Iterable[_Asked]) -> Iterator[list[_Asked]]:
    """Yield the trees in their order, as many at once as have leaves for the bits of a number."""
    some: list[_Asked] = []
    free = _MOST_LEAVES
    for tree, places in trees:
        if _bits(tree) > free:
            yield some
            some, free = [], _MOST_LEAVES
        some.append((tree, places))
        free -= _bits(tree)
    yield some


def _bits(tree: Any) -> int:
    """Return how many bits a tree takes: two at least, so that one of them is 0 whichever leaf is reached."""
    return max(int(tree.n_leaves), 2)


def _add(tables: Sequence[_Trees], places: Sequence[npt.NDArray[np.intp]], total: Array) -> None:
    """Add the answers of every tree, in their order, to the (m, 2) total of some rows."""
    m = len(total)
    reached, opened, answers = np.empty(m, np.uint64), np.empty(m, np.uint64), np.empty((m, 2))
    for trees in tables:
        reached.fill(np.iinfo(np.uint64).max)
        for feature, of_place in trees.open.items():
            np.take(of_place, places[feature], out=opened, mode="clip")
            reached &= opened
        for first, values in zip(trees.first, trees.values, strict=True):
            # one leaf of each tree is left, and the floating-point form of a number holds the place of its highest bit;
            # rounding changes no power of two, since it would take 53 bits in a row
            leaf = (reached.astype(np.float64).view(np.int64) >> 52) - (1023 + first)
            np.take(values, leaf, axis=0, out=answers, mode="clip")
            total += answers
            reached &= np.uint64((1 << first) - 1)


def _table(trees: Sequence[_Asked], thresholds: Sequence[Array]) -> _Trees:
    """Return the table of trees of at most 64 leaves together; the first has the highest bits."""
    found: dict[int, Bits] = {}
    bits = [_bits(tree) for tree, _ in trees]
    firsts = [sum(bits[at + 1 :]) for at in range(len(bits))]
    every = sum((1 << int(tree.n_leaves)) - 1 << first for (tree, _), first in zip(trees, firsts, strict=True))
    for (tree, places), first in zip(trees, firsts, strict=True):
        for feature, place, left, right in _questions(tree, places, first):
            if feature not in found:
                found[feature] = np.full(len(thresholds[feature]) + 1, every, dtype=np.uint64)
            found[feature][:place] &= np.uint64(every & ~right)
            found[feature][place:] &= np.uint64(every & ~left)
    if not found:
        found[0] = np.full(len(thresholds[0]) + 1, every, dtype=np.uint64)
    values = [np.ascontiguousarray(tree.value[tree.children_left == _NO_LEAF, 0, :2]) for tree, _ in trees]
    return _Trees(found, firsts, values)


def _questions(tree: Any, places: Integers, first: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield of each inner node its feature, its place, and the leaves on its left and on its right.

    Parameters
    ----------
    tree
        Whose leaves have the bits from ``first`` on, in the order of their nodes.
    places
        (nodes,) the first place that goes right.
    first
        The first bit.
    """
    left, right, features = (of.tolist() for of in (tree.children_left, tree.children_right, tree.feature))
    leaves = [0] * len(left)
    bits = iter(range(first, first + _MOST_LEAVES))
    for node, child in enumerate(left):
        if child == _NO_LEAF:
            leaves[node] = 1 << next(bits)
    # a node's children come after it
    for node in reversed(range(len(left))):
        if left[node] != _NO_LEAF:
            leaves[node] = leaves[left[node]] | leaves[right[node]]
            yield features[node], int(places[node]), leaves[left[node]], leaves[right[node]]
