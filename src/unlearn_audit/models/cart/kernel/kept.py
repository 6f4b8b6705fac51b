"""Histograms of the original's searches, kept while its versions are replayed, each as sums over all lower values.

What a few changes do to a split then takes a few operations, however many classes there are.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    CELL_SIZE,
    CELL_WEIGHT,
    FEW,
    MORE_LEFT,
    MORE_RIGHT,
    Replay,
    Sums,
)
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.splits import gini, tally

_SIZE, _WEIGHT, _SQUARES, _SQUARES_RIGHT = range(4)
_PLACE, _CLASS, _BY, _RECORDS, _DISTINCT = range(5)


@compiled
def keep(replay: Replay, node: int, at: int) -> tuple[bool, int]:
    """Return whether the histogram of a search is kept from now on, and how many values it has.

    If there is no room, these are in the lists of ``scratch.tally``.
    """
    search, record, pool, tallied = replay.tree.searches[at], replay.tree.nodes[node], replay.pool, replay.scratch.tally
    if search.stored >= 0:
        return True, np.int64(search.size)
    k, start, counts = replay.rules.n_classes, pool.free[0], replay.tree.counts[node]
    found = tally(replay.table, np.int64(search.feature), replay.tree.places, record.start, record.stop, k, tallied)
    if start + found + 1 > len(pool.ranks):
        return False, found
    search.stored, search.size = start, found
    pool.free[0] += found + 1
    for c in range(k):
        pool.cells[start * k + c] = 0
    for i in range(found + 1):
        here, of = start + i, pool.sums[start + i]
        for part in range(4):
            of[part] = 0
        for c in range(k):
            cell = pool.cells[here * k + c]
            weight, rest = cell >> CELL_WEIGHT, counts[c] - (cell >> CELL_WEIGHT)
            of[_SIZE] += cell & CELL_SIZE
            of[_WEIGHT] += weight
            of[_SQUARES] += weight * weight
            of[_SQUARES_RIGHT] += rest * rest
            if i < found:
                pool.cells[(here + 1) * k + c] = cell + tallied.cells[i * k + c]
        if i < found:
            pool.ranks[here] = tallied.ranks[i]
    return True, found


@compiled
def unfold(replay: Replay, node: int, at: int) -> None:
    """Fill the histogram of a search of the original."""
    kept, found = keep(replay, node, at)
    pool, tallied, k = replay.pool, replay.scratch.tally, replay.rules.n_classes
    start = np.int64(replay.tree.searches[at].stored)
    for i in range(found):
        rank = np.int64(pool.ranks[start + i] if kept else tallied.ranks[i])
        tallied.present[rank >> 6] |= np.uint64(1) << np.uint64(rank & 63)
        for c in range(k):
            if kept:
                cell = pool.cells[(start + i + 1) * k + c] - pool.cells[(start + i) * k + c]
            else:
                cell = tallied.cells[i * k + c]
            tallied.histogram[rank * k + c] = cell


@compiled
def list_moves(replay: Replay, node: int, at: int, first: int, last: int, of_best: bool) -> int:
    """List the changes of a node by their values in a search's kept histogram, and return how many classes they have.

    It is -1 if it has not all of their values, or in any other case in which `judge_kept` cannot tell.

    Parameters
    ----------
    of_best
        Whether the values next to a threshold matter too: then none may go.
    """
    search, moves, classes = replay.tree.searches[at], replay.scratch.moves, np.int64(0)
    if replay.rules.entropy or replay.table.close[search.feature] or last - first > FEW:
        return np.int64(-1)
    kept, found = keep(replay, node, at)
    if not kept:
        return np.int64(-1)
    pool, start = replay.pool, np.int64(search.stored)
    for c in range(replay.rules.n_classes):
        replay.scratch.sums[MORE_LEFT, c] = replay.scratch.sums[MORE_RIGHT, c] = 0
    for i in range(first, last):
        change = replay.changes.rows[i]
        rank, c = np.int64(replay.table.codes[search.feature, change.row]), replay.table.labels[change.row]
        low, high = start, start + found
        while low < high:
            middle = (low + high) // 2
            if pool.ranks[middle] < rank:
                low = middle + 1
            else:
                high = middle
        if low == start + found or pool.ranks[low] != rank:
            return np.int64(-1)
        if of_best and change.new == 0 and pool.sums[low + 1, _SIZE] - pool.sums[low, _SIZE] <= last - first:
            return np.int64(-1)
        slot = i - first
        while slot > 0 and moves[slot - 1, _PLACE] > low:
            for part in range(_DISTINCT):
                moves[slot, part] = moves[slot - 1, part]
            slot -= 1
        moves[slot, _PLACE], moves[slot, _CLASS], moves[slot, _BY] = low, c, change.new - change.old
        moves[slot, _RECORDS] = np.int64(change.old == 0) - np.int64(change.new == 0)
        seen = False
        for other in range(classes):
            seen = seen or moves[other, _DISTINCT] == c
        if not seen:
            moves[classes, _DISTINCT] = c
            classes += 1
        replay.scratch.sums[MORE_RIGHT, c] += change.new - change.old
    return classes


@compiled
def judge_kept(replay: Replay, at: int, n_moves: int, classes: int, sums: Sums) -> tuple[int, float, int]:
    """Return what `judge` says of a kept histogram with the changes of `list_moves`: reach, best, and its place there.

    Parameters
    ----------
    n_moves, classes
        How many changes there are, and classes of them.
    """
    search, pool, scratch, k = replay.tree.searches[at], replay.pool, replay.scratch, replay.rules.n_classes
    moves, total, left, right = scratch.moves, scratch.sums[ALL], scratch.sums[MORE_LEFT], scratch.sums[MORE_RIGHT]
    best, place, reach, size_by, weight_by = -np.inf, np.int64(-1), np.int64(0), np.int64(0), np.int64(0)
    here, end = np.int64(search.stored) + 1, np.int64(search.stored + search.size)
    for move in range(n_moves + 1):
        stop = moves[move, _PLACE] + 1 if move < n_moves else end
        while here < min(stop, end):
            n_left = pool.sums[here, _SIZE] + size_by
            smaller = min(n_left, sums[0] - n_left)
            reach = max(reach, smaller)
            if smaller >= replay.rules.min_samples_leaf:
                squares_left, squares_right = pool.sums[here, _SQUARES], pool.sums[here, _SQUARES_RIGHT]
                for one in range(classes):
                    c = moves[one, _DISTINCT]
                    by, by_right, weight = left[c], right[c], pool.cells[here * k + c] >> CELL_WEIGHT
                    rest = total[c] - by - by_right - weight
                    squares_left += by * (2 * weight + by)
                    squares_right += by_right * (2 * rest + by_right)
                weight_left = pool.sums[here, _WEIGHT] + weight_by
                weight_right = sums[1] - weight_left
                on_left, on_right = gini(squares_left, weight_left), gini(squares_right, weight_right)
                gain = -np.float64(weight_right) * on_right - np.float64(weight_left) * on_left
                if gain > best:
                    best, place = gain, here
            here += 1
        if move < n_moves:
            c, by = moves[move, _CLASS], moves[move, _BY]
            left[c] += by
            right[c] -= by
            weight_by += by
            size_by += moves[move, _RECORDS]
    return reach if reach > 0 else np.int64(-1), best, place
