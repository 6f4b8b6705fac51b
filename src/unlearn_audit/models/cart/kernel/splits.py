"""The best split of one feature, from the number of records and the weights of classes at each of its values."""

from __future__ import annotations

import math

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    CELL_SIZE,
    CELL_WEIGHT,
    LEFT,
    MARGIN,
    MOST_CLASSES,
    MOST_WEIGHT,
    PLACE_ROW,
    PLACE_WEIGHT,
    Ints,
    Rules,
    Scratch,
    Table,
    Tally,
)
from unlearn_audit.models.cart.kernel.compiled import compiled

_CLASS, _WEIGHTS = MOST_CLASSES - 1, (MOST_WEIGHT - 1) << PLACE_WEIGHT
_LN_2 = math.log(2.0)
_ROUNDING = 1e-12
_LOWEST = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    _LOWEST[((1 << _bit) * 0x03F79D71B4CB0A89 & (2**64 - 1)) >> 58] = _bit
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)


@compiled
def tally(table: Table, f: int, places: Ints, start: int, stop: int, n_classes: int, tallied: Tally) -> int:
    """Fill the histogram of a feature over some places, and return how many values there are."""
    codes, histogram, present, words = table.codes, tallied.histogram, tallied.present, tallied.words
    for p in range(start, stop):
        place = places[p]
        rank = np.int64(codes[f, place >> PLACE_ROW])
        at = rank * n_classes + (place & _CLASS)
        there = histogram[at]
        histogram[at] = there + ((place & _WEIGHTS) << (CELL_WEIGHT - PLACE_WEIGHT)) + 1
        if there == 0:
            present[rank >> 6] |= np.uint64(1) << np.uint64(rank & 63)
            words[rank >> 12] |= np.uint64(1) << np.uint64((rank >> 6) & 63)
    found = np.int64(0)
    for at in range((table.offsets[f + 1] - table.offsets[f] + 4095) >> 12):
        left = words[at]
        words[at] = np.uint64(0)
        while left != np.uint64(0):
            lowest = left & (~left + np.uint64(1))
            left ^= lowest
            found = _empty((at << 6) + _place_of(lowest), found, n_classes, tallied)
    return found


@compiled
def collect(table: Table, f: int, n_classes: int, tallied: Tally) -> int:
    """Empty the histogram of a feature into a list of its values in ascending order, and return how many there are."""
    found = np.int64(0)
    for word in range((table.offsets[f + 1] - table.offsets[f] + 63) >> 6):
        found = _empty(word, found, n_classes, tallied)
    return found


@compiled
def _empty(word: int, found: int, n_classes: int, tallied: Tally) -> int:
    """Empty the histogram of 64 values into the list, and return how many there are then."""
    histogram, ranks, cells, left = tallied.histogram, tallied.ranks, tallied.cells, tallied.present[word]
    tallied.present[word] = np.uint64(0)
    while left != np.uint64(0):
        lowest = left & (~left + np.uint64(1))
        left ^= lowest
        rank = (word << 6) + _place_of(lowest)
        ranks[found] = rank
        some = 0
        for c in range(n_classes):
            some |= histogram[rank * n_classes + c]
            cells[found * n_classes + c] = histogram[rank * n_classes + c]
            histogram[rank * n_classes + c] = 0
        found += some != 0
    return found


@compiled
def _place_of(bit: int) -> int:
    """Return which of 64 bits a number has, of those that have one."""
    return _LOWEST[np.int64((bit * _DE_BRUIJN) >> np.uint64(58))]


@compiled
def gini(squares: int, weight: int) -> float:
    """Return Gini's impurity of a weight, given the sum of the squared weights of its classes."""
    w = np.float64(weight)
    return 1.0 - np.float64(squares) / (w * w)


@compiled
def entropy(weights: Ints, weight: int) -> float:
    """Return the entropy of the (classes,) weights whose sum is ``weight``."""
    total = 0.0
    for c in range(len(weights)):
        if weights[c] > 0:
            share = np.float64(weights[c]) / np.float64(weight)
            total -= share * (math.log(share) / _LN_2)
    return total


@compiled
def impurity(weights: Ints, weight: int, rules: Rules) -> float:
    """Return the impurity of the (classes,) weights whose sum is ``weight``."""
    if rules.entropy:
        return entropy(weights, weight)
    squares = np.int64(0)
    for c in range(len(weights)):
        squares += weights[c] * weights[c]
    return gini(squares, weight)


@compiled
def judge(
    table: Table, f: int, found: int, rules: Rules, scratch: Scratch, n: int, weight: int
) -> tuple[int, float, int, float]:
    """Return what a feature can do for a node, given the histogram of its ``found`` values in ``scratch``.

    Parameters
    ----------
    n, weight
        Of the whole node, of which ``scratch.sums`` has the weight of each class.

    Returns
    -------
    reach, best, at, second
        How many records the smaller side of its most even split has, -1 of a constant feature; scikit-learn's measure
        of the best split that is allowed, and the value above its threshold; and that of all but the best, of those
        too that a few records more would allow. Minus infinity where there is none.
    """
    ranks, cells, total, left = scratch.tally.ranks, scratch.tally.cells, scratch.sums[ALL], scratch.sums[LEFT]
    values, first, k, least = table.values, table.offsets[f], rules.n_classes, rules.min_samples_leaf
    best, second, at, reach = -np.inf, -np.inf, -1, 0
    before = values[first + ranks[0]]
    if values[first + ranks[found - 1]] <= before + table.near:
        return -1, best, at, second
    squares_left, squares_right = np.int64(0), np.int64(0)
    for c in range(k):
        squares_right += total[c] * total[c]
        left[c] = 0
    n_left, weight_left, one, other, bar = np.int64(0), np.int64(0), np.int64(0), np.int64(0), -np.inf
    for i in range(found):
        value = values[first + ranks[i]]
        if i > 0 and not value <= before + table.near:
            smaller = min(n_left, n - n_left)
            reach = max(reach, smaller)
            if smaller >= least - MARGIN:
                if k == 2:
                    weight_left = one + other
                    squares_left = one * one + other * other
                    squares_right = (total[0] - one) ** 2 + (total[1] - other) ** 2
                weight_right = weight - weight_left
                if rules.entropy or may_exceed(bar, squares_left, weight_left, squares_right, weight_right):
                    if rules.entropy:
                        on_left = entropy(left, weight_left)
                        on_right = _entropy_of_rest(left, total, weight_right)
                    else:
                        on_left, on_right = gini(squares_left, weight_left), gini(squares_right, weight_right)
                    gain = -np.float64(weight_right) * on_right - np.float64(weight_left) * on_left
                    if smaller >= least and gain > best:
                        second, best, at = max(second, best), gain, i
                    elif gain > second:
                        second = gain
                    bar = min(best, second)
        before = value
        if k == 2:
            first_cell, other_cell = cells[2 * i], cells[2 * i + 1]
            one += first_cell >> CELL_WEIGHT
            other += other_cell >> CELL_WEIGHT
            n_left += (first_cell & CELL_SIZE) + (other_cell & CELL_SIZE)
            if rules.entropy:
                left[0], left[1] = one, other
            continue
        for c in range(k):
            cell = cells[i * k + c]
            if cell:
                w = cell >> CELL_WEIGHT
                n_left += cell & CELL_SIZE
                weight_left += w
                squares_left += w * (2 * left[c] + w)
                squares_right -= w * (2 * (total[c] - left[c]) - w)
                left[c] += w
    return reach, best, at, second


@compiled
def may_exceed(bar: float, squares_left: int, weight_left: int, squares_right: int, weight_right: int) -> bool:
    """Return whether Gini's measure of a split may exceed a bar; without a division, most of the time of a search."""
    left, right = np.float64(weight_left), np.float64(weight_right)
    weight = left + right
    reached = np.float64(squares_left) * right + np.float64(squares_right) * left
    return reached >= (bar + weight - _ROUNDING * weight) * (left * right)


@compiled
def _entropy_of_rest(left: Ints, total: Ints, weight: int) -> float:
    sum_ = 0.0
    for c in range(len(total)):
        rest = total[c] - left[c]
        if rest > 0:
            share = np.float64(rest) / np.float64(weight)
            sum_ -= share * (math.log(share) / _LN_2)
    return sum_
