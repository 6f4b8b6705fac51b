"""The search for the best split of a node, with the draws of scikit-learn."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import CELL_SIZE, Ints, Record, Records, Rules, Scratch, Table
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.drawing import begin_draws, draw_feature, end_draws, put_away
from unlearn_audit.models.cart.kernel.splits import judge, tally


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
    k, ranks, cells = rules.n_classes, scratch.tally.ranks, scratch.tally.cells
    feature, best, low, high, n_low, n_high = -1, -np.inf, 0, 0, 0, 0
    begin_draws(scratch, of.known)
    drawn = draw_feature(scratch, rules)
    while drawn >= 0:
        f = np.int64(scratch.features[0, drawn])
        values = tally(table, f, places, of.start, of.stop, k, scratch.tally)
        reach, value, at, second = judge(table, f, values, rules, scratch, of.stop - of.start, weight)
        if log >= 0:
            search = searches[log]
            search.feature, search.reach, search.level, search.stored = f, reach, ranks[0], -1
            search.value, search.second = value, second
            log += 1
        if value > best:
            best, feature = value, f
            low, high = np.int64(ranks[at - 1]), np.int64(ranks[at])
            n_low, n_high = 0, 0
            for c in range(k):
                n_low += cells[(at - 1) * k + c] & CELL_SIZE
                n_high += cells[at * k + c] & CELL_SIZE
        put_away(scratch, drawn, reach < 0)
        drawn = draw_feature(scratch, rules)
    return feature, low, high, n_low, n_high, end_draws(scratch), log
