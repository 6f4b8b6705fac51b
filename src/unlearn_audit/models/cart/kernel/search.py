"""The search for the best split of a node, with the draws of scikit-learn."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import CELL_SIZE, Ints, Record, Records, Rules, Scratch, Table
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.splits import judge, tally


@compiled
def draw(draws: Ints, n: int) -> int:
    """Return a random number from 0 to n - 1, of the 32-bit xorshift generator."""
    x = draws[0]
    if x == 0:
        x = 1
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    draws[0] = x
    return np.int64(np.uint32(x & 0x7FFFFFFF) % np.uint32(n))


@compiled
def search(
    table: Table, rules: Rules, places: Ints, of: Record, weight: int, scratch: Scratch, searches: Records, log: int
) -> tuple[int, int, int, int, int, int, int]:
    """Search a node of which ``scratch.sums`` has the weights; its draws go on from ``scratch``.

    Parameters
    ----------
    of
        The node as it waits; the features that are known to be constant come first in ``scratch.features``.
    searches, log
        Where it is written down what was searched, from which place on; -1 for nowhere.

    Returns
    -------
    feature, low, high, n_low, n_high, constants, log
        The split's feature, -1 for none; the ranks on both sides of the threshold, and how many records have them; how
        many features are known to be constant below; and the first search that is free then.
    """
    features, prefix, known, k = scratch.features[0], scratch.features[1], of.known, rules.n_classes
    ranks, cells = scratch.tally.ranks, scratch.tally.cells
    feature, best, low, high, n_low, n_high = -1, -np.inf, 0, 0, 0, 0
    for i in range(known):
        prefix[i] = features[i]
    end, visited, found, drawn, constants = len(features), 0, 0, 0, known
    while end > constants and (visited < rules.max_features or visited <= found + drawn):
        visited += 1
        j = drawn + draw(scratch.draws, end - found - drawn)
        if j < known:
            features[drawn], features[j] = features[j], features[drawn]
            drawn += 1
            continue
        j += found
        f = np.int64(features[j])
        values = tally(table, f, places, of.start, of.stop, k, scratch.tally)
        reach, value, at, second = judge(table, f, values, rules, scratch, of.stop - of.start, weight)
        if log >= 0:
            search = searches[log]
            search.feature, search.reach, search.level, search.stored = f, reach, ranks[0], -1
            search.upper, search.second = max(value, second), second
            log += 1
        if reach < 0:
            features[j], features[constants] = features[constants], features[j]
            found += 1
            constants += 1
            continue
        end -= 1
        features[end], features[j] = features[j], features[end]
        if value > best:
            best, feature = value, f
            low, high = np.int64(ranks[at - 1]), np.int64(ranks[at])
            n_low, n_high = 0, 0
            for c in range(k):
                n_low += cells[(at - 1) * k + c] & CELL_SIZE
                n_high += cells[at * k + c] & CELL_SIZE
    for i in range(known):
        features[i] = prefix[i]
    return feature, low, high, n_low, n_high, constants, log
