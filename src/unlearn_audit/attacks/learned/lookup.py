"""A forest's answers on many rows, from tables of which leaves a value leaves open; the same bits as tree by tree.

Walking a tree asks one value after the other, and what comes next depends on each answer. Here every value of a row is
placed once among all thresholds of the forest. A table of each tree and feature then holds, for each place, the leaves
that can still be reached, a bit each; their intersection over the features is the leaf (after QuickScorer, Lucchese et
al., SIGIR 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart import CartModel
from unlearn_audit.models.cart.kernel.arrays import Grown
from unlearn_audit.models.trees import Trees
from unlearn_audit.utils.typing import Array, Integers

FEWEST_ROWS = 4_000
"""Rows below which the tables take longer than the walk."""

_MOST_LEAVES = 64
"""The bits of a number."""

_ROWS_AT_ONCE = 16384

Bits = npt.NDArray[np.uint64]


def can_look_up(forest: CartModel | Trees, n_rows: int) -> bool:
    """Return whether a forest has tables, and there are enough rows for them."""
    return n_rows >= FEWEST_ROWS and int(_leaves_of(forest.grown).max()) <= _MOST_LEAVES


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


@dataclass(frozen=True, eq=False)
class Lookup:
    """The tables of a forest for two classes with trees of at most 64 leaves.

    Attributes
    ----------
    thresholds
        By feature, all that the forest asks, ascending.
    tables
        Of its trees in their order, some at once.
    n_trees
        How many there are.
    """

    thresholds: Sequence[Array]
    tables: Sequence[_Trees]
    n_trees: int

    @classmethod
    def of(cls, grown: Grown, width: int) -> Lookup:
        """Return the tables of trees on so many features."""
        thresholds, trees = asked_by(grown, width)
        return cls(thresholds, [_table(some, thresholds) for some in sharing_a_number(trees)], len(trees))

    def mean(self, X: npt.NDArray[np.float32]) -> Array:
        """Return (m, 2) what `unlearn_audit.models.trees.mean_of` does of (m, features) finite numbers."""
        total = np.zeros((len(X), 2))
        for start in range(0, len(X), _ROWS_AT_ONCE):
            rows = X[start : start + _ROWS_AT_ONCE]
            places = [np.searchsorted(of, rows[:, at].astype(np.float64)) for at, of in enumerate(self.thresholds)]
            _add(self.tables, places, total[start : start + _ROWS_AT_ONCE])
        total /= self.n_trees
        return total


@dataclass(frozen=True, eq=False)
class Asked:
    """What a tree asks, node by node in preorder.

    Attributes
    ----------
    feature, right
        (nodes,) as of `Grown`.
    places
        (nodes,) the first place of the node's feature that goes right.
    values
        (leaves, 2) shares of the classes.
    """

    feature: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    places: Integers
    values: Array

    @property
    def bits(self) -> int:
        """How many bits it takes: two at least, so that one of them is 0 whichever leaf is reached."""
        return max(len(self.values), 2)


def asked_by(grown: Grown, width: int) -> tuple[list[Array], list[Asked]]:
    """Return by feature all thresholds, ascending, and what each tree asks."""
    found, places = [], np.zeros(len(grown.feature), dtype=np.int64)
    for feature in range(width):
        at = np.flatnonzero(grown.feature == feature)
        known, place = np.unique(grown.threshold[at], return_inverse=True)
        found.append(known)
        places[at] = place + 1  # a value at or below the threshold goes left
    parts = [np.split(of, grown.starts[1:-1]) for of in (grown.feature, grown.right, places)]
    values = np.split(grown.values, np.cumsum(_leaves_of(grown))[:-1])
    return found, [Asked(*of) for of in zip(*parts, values, strict=True)]


def _leaves_of(grown: Grown) -> Integers:
    """Return (trees,) how many leaves each tree has."""
    return np.add.reduceat(grown.feature < 0, grown.starts[:-1], dtype=np.int64)


def sharing_a_number(trees: Iterable[Asked]) -> Iterator[list[Asked]]:
    """Yield the trees in their order, as many at once as have leaves for the bits of a number."""
    some: list[Asked] = []
    free = _MOST_LEAVES
    for tree in trees:
        if tree.bits > free:
            yield some
            some, free = [], _MOST_LEAVES
        some.append(tree)
        free -= tree.bits
    yield some


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


def _table(trees: Sequence[Asked], thresholds: Sequence[Array]) -> _Trees:
    """Return the table of trees of at most 64 leaves together; the first has the highest bits."""
    found: dict[int, Bits] = {}
    bits = [tree.bits for tree in trees]
    firsts = [sum(bits[at + 1 :]) for at in range(len(bits))]
    every = sum((1 << len(tree.values)) - 1 << first for tree, first in zip(trees, firsts, strict=True))
    for tree, first in zip(trees, firsts, strict=True):
        for feature, place, left, right in _questions(tree, first):
            if feature not in found:
                found[feature] = np.full(len(thresholds[feature]) + 1, every, dtype=np.uint64)
            found[feature][:place] &= np.uint64(every & ~right)
            found[feature][place:] &= np.uint64(every & ~left)
    if not found:
        found[0] = np.full(len(thresholds[0]) + 1, every, dtype=np.uint64)
    return _Trees(found, firsts, [np.ascontiguousarray(tree.values) for tree in trees])


def _questions(tree: Asked, first: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield of each inner node its feature, its place, and the leaves on its left and on its right.

    Parameters
    ----------
    tree
        Whose leaves have the bits from ``first`` on, in the order of their nodes.
    first
        The first bit.
    """
    features, rights, places = (of.tolist() for of in (tree.feature, tree.right, tree.places))
    leaves = [0] * len(features)
    bits = iter(range(first, first + _MOST_LEAVES))
    for node, feature in enumerate(features):
        if feature < 0:
            leaves[node] = 1 << next(bits)
    # a node's children come after it, the left one at once
    for node in reversed(range(len(features))):
        if features[node] >= 0:
            left, right = leaves[node + 1], leaves[rights[node]]
            leaves[node] = left | right
            yield features[node], places[node], left, right
