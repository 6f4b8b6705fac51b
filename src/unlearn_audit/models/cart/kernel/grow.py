"""Growing a tree depth-first, whole or from a node on."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    BELOW,
    LEAF,
    LEAF_SEARCHED,
    MOST_CLASSES,
    MOST_WEIGHT,
    PLACE_ROW,
    PLACE_WEIGHT,
    REST,
    SPLIT,
    SPLIT_CONSTANTS,
    SPLIT_FEATURE,
    SPLIT_HIGH,
    SPLIT_IS_KNOWN,
    SPLIT_LOW,
    Ints,
    Record,
    Records,
    Rules,
    Scratch,
    Table,
    Tree,
)
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point
from unlearn_audit.models.cart.kernel.search import search
from unlearn_audit.models.cart.kernel.splits import impurity

EPSILON = float(np.finfo(np.float64).eps)

_CLASS, _WEIGHT = MOST_CLASSES - 1, MOST_WEIGHT - 1


@compiled
def is_leaf(n: int, weight: int, depth: int, counts: Ints, rules: Rules) -> bool:
    """Return whether a node is a leaf without a search; ``counts`` has the weight of each class."""
    if depth >= rules.max_depth or n < rules.min_samples_split or n < 2 * rules.min_samples_leaf:
        return True
    pure = False
    for c in range(rules.n_classes):
        pure = pure or counts[c] == weight
    return pure


@compiled
def middle_of(low: np.float32, high: np.float32) -> float:
    """Return the threshold between two values."""
    return np.float64(low) / 2.0 + np.float64(high) / 2.0


@compiled
def gained(weight: int, left: Ints, rules: Rules, sums: Ints) -> float:
    """Return by how much a split lowers the impurity of a node of which ``sums`` has the weights."""
    total, rest, k = sums[ALL], sums[REST], rules.n_classes
    weight_left = np.int64(0)
    for c in range(k):
        weight_left += left[c]
        rest[c] = total[c] - left[c]
    weight_right = weight - weight_left
    of_all, of_left = impurity(total, weight, rules), impurity(left, weight_left, rules)
    of_right = impurity(rest, weight_right, rules)
    w = np.float64(weight)
    return of_all - np.float64(weight_right) / w * of_right - np.float64(weight_left) / w * of_left


@compiled
def divide(table: Table, f: int, low: int, places: Ints, start: int, stop: int, scratch: Scratch) -> int:
    """Let the places of a node that go left come first, add up their weights, and return where the others start."""
    codes, buffer, left = table.codes, scratch.places[0], scratch.sums[BELOW]
    for c in range(len(left)):
        left[c] = 0
    at, others = start, 0
    for p in range(start, stop):
        place = places[p]
        goes = np.int64(codes[f, place >> PLACE_ROW] <= low)
        places[at] = place
        buffer[others] = place
        at += goes
        others += 1 - goes
        left[place & _CLASS] += goes * ((place >> PLACE_WEIGHT) & _WEIGHT)
    for p in range(others):
        places[at + p] = buffer[p]
    return at


@compiled
def wait(stack: Records, at: int, start: int, stop: int, depth: int, known: int, parent: int) -> None:
    """Put a node on the stack."""
    record = stack[at]
    record.start, record.stop, record.depth, record.known, record.parent = start, stop, depth, known, parent


@entry_point
def begin(places: Ints, n: int, depth: int, known: int, scratch: Scratch) -> None:
    """Put the first node on the stack: ``n`` places, at a depth, and how many features are known to be constant."""
    counts = scratch.stack_counts
    for c in range(counts.shape[1]):
        counts[0, c] = 0
    for p in range(n):
        counts[0, places[p] & _CLASS] += (places[p] >> PLACE_WEIGHT) & _WEIGHT
    zero, none = np.int64(0), np.int64(-1)
    wait(scratch.stack, zero, zero, n, depth, known, none)


@entry_point
def grow(
    table: Table, rules: Rules, places: Ints, whole: int, scratch: Scratch, tree: Tree, node: int, keep: bool
) -> tuple[int, bool]:
    """Grow what the first node of the stack (see `begin`) leads to, and write it into a tree from a node on.

    The draws go on from ``scratch``, where they end too; so they do behind those of the first node if ``scratch.split``
    has how it is split.

    Parameters
    ----------
    whole
        The weight of all records of the tree.
    node
        The first node that is free.
    keep
        Whether everything that a replay needs is written down, and not only nodes.

    Returns
    -------
    node, fragile
        The first node that is free then, -1 if there is no room; and whether rounding, or a limit on what a split
        gains, decides about a node, so that another total weight may change it.
    """
    stack, stack_counts, sums = scratch.stack, scratch.stack_counts, scratch.sums
    n_features, fragile, waiting, split = scratch.features.shape[1], False, np.int64(1), scratch.split
    log, none = np.int64(0 if keep else -1), np.int64(-1)
    while waiting > 0:
        waiting -= 1
        of = stack[waiting]
        start, stop, depth = of.start, of.stop, of.depth
        if node + 2 > len(tree.nodes) or (keep and log + n_features > len(tree.searches)) or waiting + 2 > len(stack):
            return -1, fragile
        weight = np.int64(0)
        for c in range(rules.n_classes):
            sums[ALL, c] = stack_counts[waiting, c]
            tree.counts[node, c] = stack_counts[waiting, c]
            weight += sums[ALL, c]
        if of.parent >= 0:
            tree.nodes[of.parent].right = node
        if keep:
            write_down(tree, node, of, log, scratch)
        record = tree.nodes[node]
        record.kind, record.feature = LEAF, -1
        if not is_leaf(stop - start, weight, depth, sums[ALL], rules):
            record.kind = LEAF_SEARCHED
            if split[SPLIT_IS_KNOWN]:
                split[SPLIT_IS_KNOWN], n_low, n_high = 0, 0, 0
                feature, low, high, known = (
                    split[SPLIT_FEATURE],
                    split[SPLIT_LOW],
                    split[SPLIT_HIGH],
                    split[SPLIT_CONSTANTS],
                )
            else:
                feature, low, high, n_low, n_high, known, log = search(
                    table, rules, places, of, weight, scratch, tree.searches, log
                )
            if feature >= 0:
                middle = divide(table, feature, low, places, start, stop, scratch)
                gain = gained(weight, sums[BELOW], rules, sums)
                fragile = fragile or gain < -EPSILON / 2 or rules.min_impurity_decrease > 0
                if np.float64(weight) / np.float64(whole) * gain + EPSILON >= rules.min_impurity_decrease:
                    record.kind, record.feature, first = SPLIT, feature, table.offsets[feature]
                    record.threshold = middle_of(table.values[first + low], table.values[first + high])
                    record.low, record.high, record.n_low, record.n_high = low, high, n_low, n_high
                    record.n_left = middle - start
                    for c in range(rules.n_classes):
                        stack_counts[waiting, c] = sums[ALL, c] - sums[BELOW, c]
                        stack_counts[waiting + 1, c] = sums[BELOW, c]
                        if keep:
                            tree.below[node, c] = sums[BELOW, c]
                    wait(stack, waiting, middle, stop, depth + 1, known, node)
                    wait(stack, waiting + 1, start, middle, depth + 1, known, none)
                    waiting += 2
        node += 1
    if keep:
        tree.nodes[node].searches = log
    return node, fragile


@compiled
def write_down(tree: Tree, node: int, of: Record, log: int, scratch: Scratch) -> None:
    """Write down how things stand before a node is searched."""
    record = tree.nodes[node]
    record.start, record.stop, record.depth, record.known = of.start, of.stop, of.depth, of.known
    record.state, record.searches, record.place = scratch.draws[0], log, node
    for i in range(scratch.features.shape[1]):
        tree.order[node, i] = scratch.features[0, i]
