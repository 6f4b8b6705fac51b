"""Growing all trees of a forest of which no version is needed, their draws included."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    PLACE_ROW,
    PLACE_WEIGHT,
    Grown,
    Halves,
    Rules,
    Scratch,
    Table,
    Tree,
)
from unlearn_audit.models.cart.kernel.bootstrap import Drawn, draw_rows, first_draw
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point
from unlearn_audit.models.cart.kernel.grow import begin, grow


@entry_point
def grow_forest(table: Table, rules: Rules, drawn: Drawn, scratch: Scratch, tree: Tree, grown: Grown) -> int:
    """Grow a tree from each seed, and return how many leaves they have.

    Parameters
    ----------
    tree
        Room for the largest tree that there can be.
    grown
        What is filled in.
    """
    node, leaf, zero, n = np.int64(0), np.int64(0), np.int64(0), np.int64(len(table.labels))
    keep = n < 0
    for t in range(len(drawn.seeds)):
        n_places = _draw(table, drawn, drawn.seeds[t], scratch, tree)
        begin(tree.places, n_places, zero, zero, scratch)
        n_nodes, _ = grow(table, rules, tree.places, n, scratch, tree, zero, keep)
        leaf = _write(tree, n_nodes, node, leaf, grown)
        node += n_nodes
        grown.starts[t + 1] = node
    return leaf


@compiled
def _draw(table: Table, drawn: Drawn, of: int, scratch: Scratch, tree: Tree) -> int:
    """Draw the records of a tree and with which state its splits are drawn, and return how many places it has."""
    scratch.draws[0] = first_draw(drawn.state, of)
    draw_rows(drawn)
    times, found = drawn.times, 0
    for row in range(len(times)):
        if times[row]:
            tree.places[found] = (row << PLACE_ROW) + (times[row] << PLACE_WEIGHT) + table.labels[row]
            times[row] = 0
            found += 1
    for i in range(scratch.features.shape[1]):
        scratch.features[0, i] = i
    return found


@compiled
def _write(tree: Tree, n_nodes: int, node: int, leaf: int, grown: Grown) -> int:
    """Write a tree from a node and a leaf on, and return the first leaf that is free then."""
    for i in range(n_nodes):
        record = tree.nodes[i]
        is_leaf = record.feature < 0
        grown.feature[node + i] = record.feature
        grown.threshold[node + i] = 0.0 if is_leaf else record.threshold
        grown.right[node + i] = leaf if is_leaf else record.right
        if is_leaf:
            weight = np.int64(0)
            for c in range(tree.counts.shape[1]):
                weight += tree.counts[i, c]
            for c in range(tree.counts.shape[1]):
                grown.values[leaf, c] = np.float64(tree.counts[i, c]) / np.float64(weight)
            leaf += 1
    write_ends(grown.feature[node : node + n_nodes], grown.right[node : node + n_nodes], grown.end[node:])
    return leaf


@entry_point
def write_ends(feature: Halves, right: Halves, end: Halves) -> None:
    """Write down the first node that is not below each of the nodes of a tree."""
    for node in range(len(feature) - 1, -1, -1):
        end[node] = node + 1 if feature[node] < 0 else end[right[node]]
