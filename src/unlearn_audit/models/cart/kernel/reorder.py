"""The versions of a tree that grew best-first: each node as it was, and all in the order in which they were split."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import ALL, BELOW, LEAF, SPLIT, Found, Ints, Replay
from unlearn_audit.models.cart.kernel.changes import part
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.frontier import pop, push
from unlearn_audit.models.cart.kernel.grow import EPSILON, gained, is_leaf, middle_of
from unlearn_audit.models.cart.kernel.verify import add_up_left, holds, summed


@compiled
def replay_best_first(replay: Replay, count: int, version: int, whole: int, found: Found) -> bool:
    """Note what differs in a version, and return True; False if it has to be grown anew."""
    same = _nodes_hold(replay, count, version, whole, found) and _order_holds(replay)
    if not same:
        for of in range(3):
            found.ends[of, version + 1] = found.ends[of, version]
    return same


@compiled
def _nodes_hold(replay: Replay, count: int, version: int, whole: int, found: Found) -> bool:
    """Return whether each node is to be as it was; what their splits gain goes into the frontier."""
    tree, spans, now, k = replay.tree, replay.scratch.waiting, replay.scratch.frontier.nodes, replay.rules.n_classes
    sums = replay.scratch.sums
    spans[0, 1], spans[0, 2] = 0, count
    for at in range(replay.tree.nodes[0].end):
        record, first, last = tree.nodes[at], spans[at, 1], spans[at, 2]
        gain, weight, low, middle = 0.0, np.int64(0), record.low, last
        for c in range(k):
            weight += tree.counts[at, c]
        if first < last:
            same, low, high = is_same(replay, at, first, last, np.bool_(False))
            if not same:
                return False
            weight = np.int64(0)
            for c in range(k):
                weight += sums[ALL, c]
            if record.left < 0 and not note_leaf(found, version, record.place, sums[ALL]):
                return False
            if record.kind == SPLIT:
                add_up_left(replay, at, first, last, low)
                gain = gained(weight, sums[BELOW], replay.rules, sums)
            if record.left >= 0:
                if not note_threshold(replay, found, version, at, low, high):
                    return False
                middle = part(replay.changes, first, last, replay.table, record.feature, record.low, low)
        elif record.kind == SPLIT:
            for c in range(k):
                sums[ALL, c], sums[BELOW, c] = tree.counts[at, c], tree.below[at, c]
            gain = gained(weight, sums[BELOW], replay.rules, sums)
        now[at].gain = 0.0
        if record.kind == SPLIT:
            now[at].gain = np.float64(weight) / np.float64(whole) * gain
            if now[at].gain + EPSILON < replay.rules.min_impurity_decrease:
                return False
        if record.left >= 0:
            spans[record.left, 1], spans[record.left, 2] = first, middle
            spans[record.left + 1, 1], spans[record.left + 1, 2] = middle, last
    return True


@compiled
def _order_holds(replay: Replay) -> bool:
    """Return whether nodes are split in the order in which they were, by what their splits gain in the frontier."""
    tree, heap, now = replay.tree, replay.scratch.waiting, replay.scratch.frontier.nodes
    zero, one = np.int64(0), np.int64(1)
    waiting, made, splits = one, one, replay.rules.max_leaf_nodes - one
    heap[0, 0] = zero
    while waiting > 0:
        best = pop(heap, waiting, now)
        waiting -= 1
        record = tree.nodes[best]
        if record.kind != SPLIT or splits <= 0:
            if record.left >= 0:
                return False
            continue
        if record.left != made:
            return False
        splits -= 1
        push(heap, waiting, made, now)
        push(heap, waiting + one, made + one, now)
        waiting += 2
        made += 2
    return True


@compiled
def is_same(replay: Replay, at: int, first: int, last: int, redrawn: bool) -> tuple[bool, int, int]:
    """Return whether a node is to be as it was but for its weights, and the ranks on both sides of its threshold."""
    record = replay.tree.nodes[at]
    sums = summed(replay, at, first, last)
    leaf = is_leaf(sums[0], sums[1], record.depth, replay.scratch.sums[ALL], replay.rules)
    if leaf or record.kind == LEAF:
        return leaf and record.kind == LEAF, 0, 0
    return holds(replay, at, first, last, sums, redrawn)


@compiled
def note_leaf(found: Found, version: int, node: int, total: Ints) -> bool:
    """Note the weights of classes in a leaf, and return whether there was room."""
    entry = found.ends[0, version + 1]
    if entry == len(found.leaves):
        return False
    found.leaves[entry] = node
    for c in range(len(total)):
        found.leaf_counts[entry, c] = total[c]
    found.ends[0, version + 1] += 1
    return True


@compiled
def note_threshold(replay: Replay, found: Found, version: int, node: int, low: int, high: int) -> bool:
    """Note the threshold of a node if it moved, and return whether there was room."""
    record, table = replay.tree.nodes[node], replay.table
    if low == record.low and high == record.high:
        return True
    entry, first = found.ends[2, version + 1], table.offsets[record.feature]
    if entry == len(found.moved):
        return False
    found.moved[entry].node = record.place
    found.moved[entry].threshold = middle_of(table.values[first + low], table.values[first + high])
    found.ends[2, version + 1] += 1
    return True
