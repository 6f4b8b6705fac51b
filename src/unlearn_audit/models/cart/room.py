"""Room for the compiled functions to work in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.kernel.arrays import (
    CHANGE,
    FEW,
    MOVED,
    NODE,
    ROOT,
    SEARCH,
    WAITING,
    Changes,
    Found,
    Pool,
    Rules,
    Scratch,
    Table,
    Tally,
    Tree,
    Versions,
)

_POOLED = 2**19
"""Numbers that histograms of one tree may take."""


def whole(*shape: int) -> npt.NDArray[np.int64]:
    """Return zeros."""
    return np.zeros(shape, dtype=np.int64)


def half(*shape: int) -> npt.NDArray[np.int32]:
    """Return zeros of half the size."""
    return np.zeros(shape, dtype=np.int32)


def scratch_for(table: Table, rules: Rules) -> Scratch:
    """Return room to grow trees of some records in, none deeper than there are records."""
    width, n = table.codes.shape
    most, k, deep = int(np.diff(table.offsets).max()), rules.n_classes, n + 2
    present, words = (np.zeros((most + per - 1) // per, dtype=np.uint64) for per in (64, 64 * 64))
    tally = Tally(whole(most * k), present, words, half(most), whole(most * k))
    stack: npt.NDArray[Any] = np.zeros(deep, WAITING)
    best_first = min(2 * rules.max_leaf_nodes, 2 * n) if rules.max_leaf_nodes else 0
    return Scratch(
        tally,
        whole(6, k),
        whole(2, n),
        half(4, width),
        whole(2),
        whole(5),
        whole(FEW, 5),
        whole(5),
        stack,
        whole(deep, k),
        whole(2 * deep, 3),
        room_for_tree(best_first + 2, 0, 0, rules, width),
    )


def room_for_tree(nodes: int, searches: int, n: int, rules: Rules, width: int) -> Tree:
    """Return room for a tree; without searches it keeps no order of features either."""
    k, order = rules.n_classes, half(nodes, width) if searches else half(1, width)
    return Tree(whole(n), np.zeros(nodes, NODE), half(nodes, k), half(nodes, k), order, np.zeros(searches, SEARCH))


def room_for_changes(n: int, slots: int, sizes: int) -> Changes:
    """Return room for the changes of one version."""
    return Changes(whole(slots * sizes), whole(2, sizes + 1), np.zeros(n, CHANGE), whole(max(n, slots)))


def room_for_pool(rules: Rules) -> Pool:
    """Return room for histograms."""
    most = _POOLED // rules.n_classes
    return Pool(whole(1), half(most), whole(most * rules.n_classes), whole(most, 4))


def room_for_found(versions: Versions, entries: int, rules: Rules) -> Found:
    """Return room for what differs in the versions of a tree."""
    return Found(
        whole(4, len(versions.size) + 1),
        half(entries),
        half(entries, rules.n_classes),
        np.zeros(entries, ROOT),
        np.zeros(entries, MOVED),
    )


def doubled(room: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return twice as much room, with what is in it."""
    return np.concatenate([room, np.zeros_like(room)])
