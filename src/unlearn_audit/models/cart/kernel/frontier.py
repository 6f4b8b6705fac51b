"""Growing a tree best-first: of all nodes that may be split, the one whose split gains most comes next."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    BELOW,
    LEAF,
    LEAF_SEARCHED,
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
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point
from unlearn_audit.models.cart.kernel.grow import EPSILON, divide, gained, is_leaf, middle_of, wait
from unlearn_audit.models.cart.kernel.search import search

_CLASS, _WEIGHT = MOST_CLASSES - 1, MOST_WEIGHT - 1


@entry_point
def grow_best_first(
    table: Table, rules: Rules, places: Ints, whole: int, scratch: Scratch, tree: Tree
) -> tuple[int, bool]:
    """Grow a whole tree from the first node of the stack, its nodes in the order in which they are made.

    What was searched is written down if the tree has room for searches.

    Returns
    -------
    made, fragile
        How many nodes there are, -1 if there is no room; and whether rounding, or a limit on what a split gains,
        decides about a node.
    """
    first, zero, one = scratch.stack[0], np.int64(0), np.int64(1)
    heap, nodes, made, waiting, splits = scratch.waiting, tree.nodes, one, one, rules.max_leaf_nodes - one
    nodes[0].depth, nodes[0].searches, heap[0, 0] = first.depth, zero, zero
    fragile = _add(table, rules, places, whole, scratch, tree, zero, first.stop)
    while waiting > 0:
        best = pop(heap, waiting, nodes)
        waiting -= 1
        record = nodes[best]
        record.left = -1
        if record.kind != SPLIT or splits <= 0:
            continue
        if made + 3 > len(nodes):
            return np.int64(-1), fragile
        splits -= 1
        record.left, record.right = made, made + 1
        nodes[made].depth = nodes[made + 1].depth = record.depth + 1
        nodes[made].start, nodes[made + 1].start = record.start, record.middle
        fragile = _add(table, rules, places, whole, scratch, tree, made, record.middle) or fragile
        fragile = _add(table, rules, places, whole, scratch, tree, made + one, record.stop) or fragile
        push(heap, waiting, made, nodes)
        push(heap, waiting + one, made + one, nodes)
        waiting += 2
        made += 2
    nodes[0].end = made
    return made, fragile


@compiled
def _add(
    table: Table, rules: Rules, places: Ints, whole: int, scratch: Scratch, tree: Tree, at: int, stop: int
) -> bool:
    """Search a node that begins at its start, and return whether rounding, or a limit, decides about it."""
    sums, record, weight, zero, none = scratch.sums, tree.nodes[at], np.int64(0), np.int64(0), np.int64(-1)
    start, following = record.start, tree.nodes[at + 1]
    record.kind, record.feature, record.stop, record.gain = LEAF, -1, stop, 0.0
    following.searches = record.searches
    for c in range(rules.n_classes):
        sums[ALL, c] = 0
    for p in range(start, stop):
        sums[ALL, places[p] & _CLASS] += (places[p] >> PLACE_WEIGHT) & _WEIGHT
    for c in range(rules.n_classes):
        tree.counts[at, c] = sums[ALL, c]
        weight += sums[ALL, c]
    if is_leaf(stop - start, weight, record.depth, sums[ALL], rules):
        return np.bool_(False)
    record.kind = LEAF_SEARCHED
    wait(scratch.stack, zero, start, stop, zero, zero, none)
    log = record.searches if len(tree.searches) > 0 else none
    feature, low, high, n_low, n_high, _, log = search(
        table, rules, places, scratch.stack[0], weight, scratch, tree.searches, log
    )
    following.searches = log
    if feature < 0:
        return np.bool_(False)
    record.middle = divide(table, feature, low, places, start, stop, scratch)
    record.gain = gained(weight, sums[BELOW], rules, sums)
    fragile = record.gain < -EPSILON / 2 or rules.min_impurity_decrease > 0
    record.gain, record.n_left = np.float64(weight) / np.float64(whole) * record.gain, record.middle - start
    if record.gain + EPSILON < rules.min_impurity_decrease:
        return fragile
    record.kind, record.feature, first = SPLIT, feature, table.offsets[feature]
    record.threshold = middle_of(table.values[first + low], table.values[first + high])
    record.low, record.high, record.n_low, record.n_high = low, high, n_low, n_high
    for c in range(rules.n_classes):
        tree.below[at, c] = sums[BELOW, c]
    return fragile


@compiled
def push(heap: Ints, n: int, value: int, nodes: Records) -> None:
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
def pop(heap: Ints, n: int, nodes: Records) -> int:
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


@entry_point
def write_preorder(scratch: Scratch, made: Tree, n: int, tree: Tree, node: int) -> int:
    """Write ``n`` nodes into a tree in preorder from a node on, and return the first that is free then.

    It is -1 if there is no room.
    """
    if node + n + 1 > len(tree.nodes):
        return np.int64(-1)
    stack, waiting, first = scratch.waiting, np.int64(1), node
    stack[0, 0], stack[0, 1] = 0, -1
    while waiting > 0:
        waiting -= 1
        at, parent = stack[waiting, 0], stack[waiting, 1]
        of, record = made.nodes[at], tree.nodes[node]
        if parent >= 0:
            tree.nodes[parent].right = node
        of.place = node - first
        record.feature, record.threshold = np.int64(of.feature if of.left >= 0 else -1), of.threshold
        for c in range(tree.counts.shape[1]):
            tree.counts[node, c] = made.counts[at, c]
        if of.left >= 0:
            stack[waiting, 0], stack[waiting, 1] = of.right, node
            stack[waiting + 1, 0], stack[waiting + 1, 1] = of.left, -1
            waiting += 2
        node += 1
    return node
