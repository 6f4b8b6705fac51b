"""Growing a tree best-first: of all nodes that may be split, the one whose split gains most comes next."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    BELOW,
    LEAF,
    MOST_CLASSES,
    MOST_WEIGHT,
    PLACE_WEIGHT,
    SPLIT,
    Ints,
    Records,
    Rules,
    Scratch,
    Table,
    Tree,
)
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.grow import EPSILON, divide, gained, is_leaf, middle_of, wait
from unlearn_audit.models.cart.kernel.search import search

_CLASS, _WEIGHT = MOST_CLASSES - 1, MOST_WEIGHT - 1


@compiled
def grow_best_first(
    table: Table, rules: Rules, places: Ints, whole: int, scratch: Scratch, tree: Tree, node: int
) -> int:
    """Grow a whole tree from the first node of the stack, and write it into a tree in preorder from a node on.

    Returns
    -------
    The first node that is free then, -1 if there is no room.
    """
    first = scratch.stack[0]
    start, stop = first.start, first.stop
    zero, one = np.int64(0), np.int64(1)
    scratch.frontier[0].depth = first.depth
    _add(table, rules, places, whole, scratch, zero, start, stop)
    heap, nodes, made, waiting, splits = scratch.waiting, scratch.frontier, one, one, rules.max_leaf_nodes - one
    heap[0, 0] = 0
    while waiting > 0:
        best = _pop(heap, waiting, nodes)
        waiting -= 1
        record = nodes[best]
        if record.kind == LEAF or splits <= 0:
            record.feature = -1
            continue
        splits -= 1
        record.left, record.right = made, made + 1
        for child in range(2):
            nodes[made + child].depth = record.depth + 1
        _add(table, rules, places, whole, scratch, made, record.start, record.middle)
        _add(table, rules, places, whole, scratch, made + one, record.middle, record.stop)
        _push(heap, waiting, made, nodes)
        _push(heap, waiting + one, made + one, nodes)
        waiting += 2
        made += 2
    return _write(scratch, tree, node, made)


@compiled
def _add(
    table: Table, rules: Rules, places: Ints, whole: int, scratch: Scratch, at: int, start: int, stop: int
) -> None:
    """Put a node into the frontier, and search it."""
    nodes, counts, sums = scratch.frontier, scratch.frontier_counts, scratch.sums
    record, weight, zero, none = nodes[at], np.int64(0), np.int64(0), np.int64(-1)
    record.kind, record.feature, record.start, record.stop, record.gain = LEAF, -1, start, stop, 0.0
    for c in range(rules.n_classes):
        sums[ALL, c] = 0
    for p in range(start, stop):
        sums[ALL, places[p] & _CLASS] += (places[p] >> PLACE_WEIGHT) & _WEIGHT
    for c in range(rules.n_classes):
        counts[at, c] = sums[ALL, c]
        weight += sums[ALL, c]
    if is_leaf(stop - start, weight, record.depth, sums[ALL], rules):
        return
    wait(scratch.stack, zero, start, stop, zero, zero, none)
    feature, low, high, _, _, _, _ = search(
        table, rules, places, scratch.stack[0], weight, scratch, scratch.unwritten, none
    )
    if feature < 0:
        return
    record.middle = divide(table, feature, low, places, start, stop, scratch)
    gain = np.float64(weight) / np.float64(whole) * gained(weight, sums[BELOW], rules, sums)
    if gain + EPSILON < rules.min_impurity_decrease:
        return
    first = table.offsets[feature]
    record.kind, record.feature, record.gain = SPLIT, feature, gain
    record.threshold = middle_of(table.values[first + low], table.values[first + high])


@compiled
def _push(heap: Ints, n: int, value: int, nodes: Records) -> None:
    """Put a node on a heap of ``n``; where two gain the same, as the C++ library of GCC does."""
    _rise(heap, n, value, nodes)


@compiled
def _rise(heap: Ints, hole: int, value: int, nodes: Records) -> None:
    parent = (hole - 1) // 2
    while hole > 0 and nodes[heap[parent, 0]].gain < nodes[value].gain:
        heap[hole, 0] = heap[parent, 0]
        hole = parent
        parent = (hole - 1) // 2
    heap[hole, 0] = value


@compiled
def _pop(heap: Ints, n: int, nodes: Records) -> int:
    """Take the node that gains most off a heap of ``n``; where two gain the same, as the C++ library of GCC does."""
    best, value, n = heap[0, 0], heap[n - 1, 0], n - 1
    if n == 0:
        return best
    hole, child = np.int64(0), np.int64(0)
    while child < (n - 1) // 2:
        child = 2 * (child + 1)
        if nodes[heap[child, 0]].gain < nodes[heap[child - 1, 0]].gain:
            child -= 1
        heap[hole, 0] = heap[child, 0]
        hole = child
    if n % 2 == 0 and child == (n - 2) // 2:
        child = 2 * (child + 1)
        heap[hole, 0] = heap[child - 1, 0]
        hole = child - 1
    _rise(heap, hole, value, nodes)
    return best


@compiled
def _write(scratch: Scratch, tree: Tree, node: int, made: int) -> int:
    """Write the nodes of the frontier into a tree in preorder, and return the first node that is free."""
    if node + made + 1 > len(tree.nodes):
        return np.int64(-1)
    stack, nodes, waiting = scratch.waiting, scratch.frontier, np.int64(1)
    stack[0, 0], stack[0, 1] = 0, -1
    while waiting > 0:
        waiting -= 1
        of, parent = nodes[stack[waiting, 0]], stack[waiting, 1]
        if parent >= 0:
            tree.nodes[parent].right = node
        tree.nodes[node].feature, tree.nodes[node].threshold = of.feature, of.threshold
        for c in range(tree.counts.shape[1]):
            tree.counts[node, c] = scratch.frontier_counts[stack[waiting, 0], c]
        if of.feature >= 0:
            stack[waiting, 0], stack[waiting, 1] = of.right, node
            stack[waiting + 1, 0], stack[waiting + 1, 1] = of.left, -1
            waiting += 2
        node += 1
    return node
