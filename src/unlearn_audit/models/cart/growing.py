"""Growing the trees of a model, each with what its versions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.bootstraps import Bootstraps, seeds_of
from unlearn_audit.models.cart.kernel.arrays import PLACE_ROW, PLACE_WEIGHT, Grown, Rules, Scratch, Table, Tree
from unlearn_audit.models.cart.room import half, room_for_tree, scratch_for, whole
from unlearn_audit.models.cart.rows import Rows
from unlearn_audit.models.cart.settings import CartSettings

if TYPE_CHECKING:
    from unlearn_audit.models.cart.kernel.bootstrap import Drawn

_NODES, _MOST_TOGETHER = 1024, 2**24


@dataclass(frozen=True)
class OneTree:
    """A tree of a model, in room that the next one takes.

    Attributes
    ----------
    tree, preorder, n_nodes
        The tree, the same in preorder, and how many nodes it has.
    times
        (sizes, slots) how often each slot was drawn, for each number of slots, the original's first.
    fragile
        See `kernel.grow.grow`.
    """

    tree: Tree
    preorder: Tree
    n_nodes: int
    times: npt.NDArray[np.int32]
    fragile: bool


class Grower:
    """Grows the trees of one model, one after another.

    Parameters
    ----------
    settings, seed
        Of the model.
    rows, n
        The records; it is trained on the first ``n``.
    """

    def __init__(self, settings: CartSettings, seed: int, rows: Rows, n: int) -> None:
        self.rows, self.n = rows, n
        self.rules: Rules = settings.rules(n, rows.width, len(rows.classes))
        self.scratch = scratch_for(rows.table, self.rules)
        self.seeds = seeds_of(settings, seed)
        self._bootstraps = Bootstraps(settings)
        self._drawn = settings.bootstrap and not self.rules.max_leaf_nodes
        self._tree = self._preorder = self._room(_NODES)
        if self.rules.max_leaf_nodes:
            most = len(self.scratch.frontier.nodes)
            self._tree = room_for_tree(most, most * rows.width, len(rows.positions), self.rules, rows.width)
            self._preorder = room_for_tree(most, 0, 0, self.rules, rows.width)

    def grown(self) -> Grown:
        """Return all trees."""
        if self._drawn and 2 * _most_leaves(self.rules, self.n) * len(self.seeds) <= _MOST_TOGETHER:
            from unlearn_audit.models.cart.kernel.bootstrap import WORDS, Drawn

            drawn = Drawn(np.array(self.seeds), np.zeros(0), whole(0), whole(WORDS + 1), whole(self.n))
            return grow_together(self.rows.table, self.rules, drawn, self.scratch)
        growth = Growth()
        for t in range(len(self.seeds)):
            growth.add(self.grow(t))
        return growth.grown()

    def _room(self, nodes: int) -> Tree:
        n, width = len(self.rows.positions), self.rows.width
        return room_for_tree(nodes, max(nodes, 4 * width), n, self.rules, width)

    def grow(self, t: int, sizes: Sequence[int] = ()) -> OneTree:
        """Grow a tree, and draw its bootstraps with other numbers of slots too."""
        from unlearn_audit.models.cart.kernel.grow import begin

        seed, scratch = self.seeds[t], self.scratch
        times = self._bootstraps.times(seed, (self.n, *sizes))
        drawn = np.flatnonzero(times[0, : self.n])
        labels = self.rows.table.labels[drawn]
        places = (drawn << PLACE_ROW) + (times[0, drawn].astype(np.int64) << PLACE_WEIGHT) + labels
        while True:
            scratch.draws[0] = self._bootstraps.draws(seed)
            scratch.features[0] = np.arange(self.rows.width)
            self._tree.places[: len(places)] = places
            begin(self._tree.places, len(places), 0, 0, scratch)
            n_nodes, fragile = self._grown(int(times[0].sum()))
            if n_nodes >= 0:
                return OneTree(self._tree, self._preorder, n_nodes, times, fragile)
            self._tree = self._preorder = self._room(2 * len(self._tree.nodes))

    def _grown(self, whole: int) -> tuple[int, bool]:
        """Grow the tree that waits, and return how many nodes it has and whether it is fragile."""
        from unlearn_audit.models.cart.kernel.frontier import grow_best_first, write_preorder
        from unlearn_audit.models.cart.kernel.grow import grow

        table, rules, tree, scratch = self.rows.table, self.rules, self._tree, self.scratch
        if not rules.max_leaf_nodes:
            return grow(table, rules, tree.places, whole, scratch, tree, 0, True)
        tree.nodes[0] = 0
        tree.nodes[0]["state"] = scratch.draws[0]
        tree.order[0] = scratch.features[0]
        made, fragile = grow_best_first(table, rules, tree.places, whole, scratch, tree)
        return write_preorder(scratch, tree, made, self._preorder, 0), fragile


def grow_together(table: Table, rules: Rules, drawn: Drawn, scratch: Scratch) -> Grown:
    """Return the trees of a forest that grows depth-first, all grown in one call."""
    from unlearn_audit.models.cart.kernel.forest import grow_forest

    trees, leaves = len(drawn.seeds), _most_leaves(rules, len(table.labels))
    n = 2 * leaves * trees
    room = Grown(whole(trees + 1), half(n), np.zeros(n), half(n), half(n), np.zeros((leaves * trees, rules.n_classes)))
    tree = room_for_tree(2 * leaves, 0, len(table.labels), rules, len(table.codes))
    used = grow_forest(table, rules, drawn, scratch, tree, room)
    nodes = int(room.starts[-1])
    return room._replace(
        feature=room.feature[:nodes].copy(),
        threshold=room.threshold[:nodes].copy(),
        right=room.right[:nodes].copy(),
        end=room.end[:nodes].copy(),
        values=room.values[:used].copy(),
    )


def _most_leaves(rules: Rules, n: int) -> int:
    return max(1, n // rules.min_samples_leaf)


class Growth:
    """Collects the trees of a model as they are asked."""

    def __init__(self) -> None:
        self._parts: list[tuple[npt.NDArray[Any], ...]] = []
        self._values = 0

    def add(self, one: OneTree) -> None:
        """Add a tree."""
        from unlearn_audit.models.cart.kernel.forest import write_ends

        nodes, counts = one.preorder.nodes[: one.n_nodes], one.preorder.counts[: one.n_nodes]
        right, values = children_and_values(nodes, counts, self._values)
        self._values += len(values)
        feature, end = nodes["feature"].astype(np.int32), np.empty_like(right)
        write_ends(feature, right, end)
        self._parts.append((feature, nodes["threshold"].copy(), right, end, values))

    def grown(self) -> Grown:
        """Return all trees."""
        feature, threshold, right, end, values = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        starts = np.cumsum([0, *(len(part[0]) for part in self._parts)], dtype=np.int64)
        return Grown(starts, feature, threshold, right, end, values)


def children_and_values(
    nodes: npt.NDArray[Any], counts: npt.NDArray[np.int32], before: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return the right child of each node, of a leaf the place of its values, and the values of the leaves.

    Parameters
    ----------
    nodes, counts
        Nodes in preorder, and their weights of classes.
    before
        How many values come before.
    """
    leaves = nodes["feature"] < 0
    of_leaves = before + np.cumsum(leaves) - 1
    right = np.where(leaves, of_leaves, nodes["right"]).astype(np.int32)
    return right, shares(counts[leaves])


def shares(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Return weights of classes as shares of their sum."""
    weights = counts.astype(np.float64)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
