"""Whether a node of the original splits a version's records as it splits the original's.

For a feature that was searched, let S be the sum, over both sides of a split, of the squared weights of the classes
divided by the weight of the side: scikit-learn takes the split of the greatest S. By a change of one unit of weight, S
changes by at most one. So where the best split's new S, which takes a few operations, exceeds another feature's
greatest former S by more than all changes together, that feature cannot win, and its histogram is not looked at.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    BELOW,
    CELL_WEIGHT,
    LEAF,
    MARGIN,
    REST,
    SPLIT,
    SPLIT_CONSTANTS,
    SPLIT_FEATURE,
    SPLIT_HIGH,
    SPLIT_IS_KNOWN,
    SPLIT_LOW,
    Ints,
    Replay,
    Rules,
    Sums,
)
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.grow import EPSILON, gained, is_leaf
from unlearn_audit.models.cart.kernel.kept import judge_kept, list_moves, unfold
from unlearn_audit.models.cart.kernel.splits import collect, impurity, judge
from unlearn_audit.models.cart.kernel.ties import came_before

_ROUNDING = 1e-10

_WORTH_KEEPING = 32
"""Of smaller nodes it takes longer to keep their histograms than to search them."""


@compiled
def measure(weight: int, left: Ints, rules: Rules, sums: Ints) -> float:
    """Return scikit-learn's measure of a split of a node of which ``sums`` has the weights."""
    weight_left = np.int64(0)
    for c in range(rules.n_classes):
        weight_left += left[c]
        sums[REST, c] = sums[ALL, c] - left[c]
    weight_right = weight - weight_left
    on_left, on_right = impurity(left, weight_left, rules), impurity(sums[REST], weight_right, rules)
    return -np.float64(weight_right) * on_right - np.float64(weight_left) * on_left


@compiled
def examine(
    replay: Replay, node: int, at: int, first: int, last: int, sums: Sums, of_best: bool
) -> tuple[int, float, int, int]:
    """Return what `judge` says of a search with the changes of a node: reach, best, and the ranks of its threshold.

    The ranks may be wrong if it is not of the best split of a node.
    """
    classes = list_moves(replay, node, at, first, last, of_best)
    if classes < 0:
        return _examine_all(replay, node, at, first, last, sums)
    reach, best, place = judge_kept(replay, at, last - first, classes, sums)
    if place < 0:
        return reach, best, 0, 0
    return reach, best, np.int64(replay.pool.ranks[place - 1]), np.int64(replay.pool.ranks[place])


@compiled
def _examine_all(replay: Replay, node: int, at: int, first: int, last: int, sums: Sums) -> tuple[int, float, int, int]:
    """Return the same in any case."""
    unfold(replay, node, at)
    table, tallied, f, k = (
        replay.table,
        replay.scratch.tally,
        np.int64(replay.tree.searches[at].feature),
        replay.rules.n_classes,
    )
    for i in range(first, last):
        change = replay.changes.rows[i]
        rank = np.int64(table.codes[f, change.row])
        tallied.present[rank >> 6] |= np.uint64(1) << np.uint64(rank & 63)
        by = ((change.new - change.old) << CELL_WEIGHT) + np.int64(change.old == 0) - np.int64(change.new == 0)
        tallied.histogram[rank * k + table.labels[change.row]] += by
    found = collect(table, f, k, tallied)
    reach, best, place, _ = judge(table, f, found, replay.rules, replay.scratch, sums[0], sums[1])
    if place < 0:
        return reach, best, 0, 0
    return reach, best, np.int64(tallied.ranks[place - 1]), np.int64(tallied.ranks[place])


@compiled
def summed(replay: Replay, node: int, first: int, last: int) -> Sums:
    """Return of a node: records, weight, slack, and how many records come and go; the slack is what `holds` needs.

    ``scratch.sums`` gets the new weight of each class.
    """
    total, k, record = replay.scratch.sums[ALL], replay.rules.n_classes, replay.tree.nodes[node]
    zero = np.int64(0)
    weight, slack, come, gone = zero, zero, zero, zero
    for c in range(k):
        total[c] = replay.tree.counts[node, c]
        weight += total[c]
    for i in range(first, last):
        change = replay.changes.rows[i]
        by = change.new - change.old
        total[replay.table.labels[change.row]] += by
        weight += by
        slack += abs(by) - by
        come += np.int64(change.old == 0)
        gone += np.int64(change.new == 0)
    return np.int64(record.stop) - record.start + come - gone, weight, slack, come, gone


@compiled
def _slack(sums: Sums) -> float:
    """Return by how much a measure may rise against that of the original; measures lack the weight, which changes."""
    return np.float64(sums[2]) + _ROUNDING * np.float64(sums[1] + sums[2])


@compiled
def holds(replay: Replay, node: int, first: int, last: int, sums: Sums, redrawn: bool) -> tuple[bool, int, int]:
    """Return whether a node that was searched is to be as it was, and the ranks on both sides of its threshold.

    Parameters
    ----------
    first, last
        Which changes are of records in this node.
    sums
        Of `summed`.
    redrawn
        Whether its features were drawn again, see `redraw`.
    """
    table, tree = replay.table, replay.tree
    best_at, value, low, high = np.int64(-1), -np.inf, np.int64(0), np.int64(0)
    if tree.nodes[node].kind == SPLIT:
        best_at, value, low, high = _of_best(replay, node, first, last, sums)
        if best_at < 0:
            return False, 0, 0
    for at in range(tree.nodes[node].searches, tree.nodes[node + 1].searches):
        search = tree.searches[at]
        same = not table.close[search.feature]
        if search.reach < 0:
            for i in range(first, last):
                change = replay.changes.rows[i]
                there = np.int64(table.codes[search.feature, change.row])
                same = same and (change.old > 0 or there == search.level)
        else:
            same = same and search.reach > sums[4] and sums[3] <= MARGIN
            upper = max(search.value, search.second)
            same = same and (upper == -np.inf or (not replay.rules.entropy and upper + _slack(sums) < value))
        if same or at == best_at:
            continue
        reach, rival, _, _ = examine(replay, node, at, first, last, sums, np.bool_(False))
        if (reach < 0) != (search.reach < 0) or rival > value:
            return False, 0, 0
        if rival == value and rival > -np.inf and (came_before(replay, at, best_at) if redrawn else at < best_at):
            return False, 0, 0
    return True, low, high


@compiled
def find_split(replay: Replay, node: int, first: int, last: int, redrawn: bool) -> None:
    """Find how a node is split that is not to be as it was, and write it into ``scratch.split``.

    Nothing is written where a search is faster, or has to be made.
    """
    rules, tree, split, best, best_at = replay.rules, replay.tree, replay.scratch.split, -np.inf, np.int64(-1)
    sums, record = summed(replay, node, first, last), replay.tree.nodes[node]
    known, low, high, zero = np.int64(record.known), np.int64(0), np.int64(0), np.int64(0)
    leaf = record.kind == LEAF or is_leaf(sums[0], sums[1], record.depth, replay.scratch.sums[ALL], rules)
    if leaf or sums[0] < _WORTH_KEEPING:
        return
    for at in range(record.searches, tree.nodes[node + 1].searches):
        reach, value, _, _ = examine(replay, node, at, first, last, sums, np.bool_(False))
        if (reach < 0) != (tree.searches[at].reach < 0):
            return
        known += np.int64(reach < 0)
        tied = value == best and value > -np.inf
        if value > best or (tied and redrawn and came_before(replay, at, best_at)):
            best, best_at = value, np.int64(at)
    if best_at >= 0:
        _, _, low, high = examine(replay, node, best_at, first, last, sums, np.bool_(True))
    split[SPLIT_FEATURE] = np.int64(tree.searches[best_at].feature) if best_at >= zero else np.int64(-1)
    split[SPLIT_LOW], split[SPLIT_HIGH], split[SPLIT_CONSTANTS], split[SPLIT_IS_KNOWN] = low, high, known, 1


@compiled
def add_up_left(replay: Replay, node: int, first: int, last: int, low: int) -> int:
    """Add up the new weights that go left of a threshold, and return how many records do, for the low rank above."""
    left, record, n = replay.scratch.sums[BELOW], replay.tree.nodes[node], 0
    for c in range(replay.rules.n_classes):
        left[c] = replay.tree.below[node, c]
    for i in range(first, last):
        change = replay.changes.rows[i]
        rank = np.int64(replay.table.codes[record.feature, change.row])
        if rank <= (record.low if change.new == 0 else low):
            left[replay.table.labels[change.row]] += change.new - change.old
            n += np.int64(change.old == 0) - np.int64(change.new == 0)
    return n + record.n_left


@compiled
def _unsplit(replay: Replay, node: int) -> float:
    """Return scikit-learn's measure of a split of the original's node that leaves one side empty."""
    counts, weight = replay.scratch.sums[REST], np.int64(0)
    for c in range(replay.rules.n_classes):
        counts[c] = replay.tree.counts[node, c]
        weight += counts[c]
    return -np.float64(weight) * impurity(counts, weight, replay.rules)


@compiled
def _of_best(replay: Replay, node: int, first: int, last: int, sums: Sums) -> tuple[int, float, int, int]:
    """Return the search of the feature that a node splits by, its best value, and the ranks of its threshold.

    The search is -1 where it now splits otherwise, or what it gains is a matter of rounding.
    """
    table, rules, scratch, record = replay.table, replay.rules, replay.scratch, replay.tree.nodes[node]
    f, low, high = np.int64(record.feature), np.int64(record.low), np.int64(record.high)
    at = np.int64(record.searches)
    while replay.tree.searches[at].feature != f:
        at += 1
    leave_low, leave_high, between = 0, 0, False
    for i in range(first, last):
        change = replay.changes.rows[i]
        rank = np.int64(table.codes[f, change.row])
        between = between or low < rank < high
        leave_low += np.int64(change.new == 0 and rank == low)
        leave_high += np.int64(change.new == 0 and rank == high)
    sure = not (table.close[f] or between or sums[3] > MARGIN or rules.entropy)
    sure = sure and leave_low < record.n_low and leave_high < record.n_high
    n_left = add_up_left(replay, node, first, last, low)
    value = -np.inf
    if sure and min(n_left, sums[0] - n_left) >= rules.min_samples_leaf:
        value = measure(sums[1], scratch.sums[BELOW], rules, scratch.sums)
        rival = replay.tree.searches[at].second
        if sums[3] > 0:
            # one who comes may lie beyond all: that split had all others on one side
            rival = max(rival, _unsplit(replay, node))
        sure = rival + _slack(sums) < value
    else:
        sure = False
    if not sure:
        reach, value, low, high = examine(replay, node, at, first, last, sums, np.bool_(True))
        if reach < 0 or value == -np.inf or max(low, record.low) >= min(high, record.high):
            return -1, value, 0, 0
        add_up_left(replay, node, first, last, low)
    if gained(sums[1], scratch.sums[BELOW], rules, scratch.sums) < -EPSILON / 2:
        return -1, value, 0, 0
    return at, value, low, high
