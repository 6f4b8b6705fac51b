"""The versions of one tree, each from the original and what changes."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import (
    ALL,
    LEAF,
    MOST_CLASSES,
    NEW_NODES,
    PLACE_ROW,
    PLACE_WEIGHT,
    SPLIT,
    SPLIT_IS_KNOWN,
    Found,
    Halves,
    Ints,
    Replay,
    Tree,
    Versions,
)
from unlearn_audit.models.cart.kernel.changes import change, differing, forget, part
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point
from unlearn_audit.models.cart.kernel.frontier import grow_best_first, write_preorder
from unlearn_audit.models.cart.kernel.grow import begin, grow
from unlearn_audit.models.cart.kernel.reorder import is_same, note_leaf, note_threshold, replay_best_first
from unlearn_audit.models.cart.kernel.ties import redraw, take_back, wins
from unlearn_audit.models.cart.kernel.verify import find_split

_CLASS = MOST_CLASSES - 1


@entry_point
def replay_versions(
    replay: Replay, drawn: Halves, versions: Versions, fragile: bool, most: int, fresh: Tree, found: Found, done: int
) -> int:
    """Fill in what differs in each version of a tree but for the first ``done``, and return how many are done then.

    They are all, or as many as there was room for.

    Parameters
    ----------
    drawn
        See `differing`.
    fragile
        Whether the total weight may decide about nodes that no change reaches, see `grow`.
    most
        With more changes than that a version is grown anew.
    fresh, found
        Where new nodes go, and what differs.
    """
    changes, waiting, ends = replay.changes, replay.scratch.waiting, found.ends
    differing(drawn, versions, changes)
    for version in range(done, len(versions.size)):
        count = change(drawn, versions, version, changes)
        whole = changes.sizes[1, versions.size[version]]
        for of in range(len(ends)):
            ends[of, version + 1] = ends[of, version]
        node, replay.scratch.split[SPLIT_IS_KNOWN] = ends[NEW_NODES, version], 0
        anew = count > most or (fragile and count > 0)
        if not anew and replay.rules.max_leaf_nodes > 0:
            anew = not replay_best_first(replay, count, version, whole, found)
        elif not anew:
            node = _replay_version(replay, count, version, whole, fresh, node, found)
        if anew:
            waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, 0, count
            node = _grow_anew(replay, waiting[0], version, whole, np.bool_(True), fresh, node, found)
        forget(changes, count)
        if node < 0:
            return version
        ends[NEW_NODES, version + 1] = node
    return len(versions.size)


@compiled
def _replay_version(replay: Replay, count: int, version: int, whole: int, fresh: Tree, node: int, found: Found) -> int:
    """Replay one version, and return the first new node that is free; -1 if there is no room."""
    tree, waiting = replay.tree, replay.scratch.waiting
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, 0, count
    n_waiting, astray = 1, np.bool_(False)
    every = np.bool_(replay.rules.max_features >= len(tree.order[0]))
    while n_waiting > 0:
        n_waiting -= 1
        at, first, last = waiting[n_waiting, 0], waiting[n_waiting, 1], waiting[n_waiting, 2]
        astray = astray and not _agrees(replay, at)
        if first == last and not astray:
            continue
        record, same, low, high = tree.nodes[at], np.bool_(False), np.int64(0), np.int64(0)
        if every or not astray:
            same, low, high = _stays(replay, at, first, last, astray)
        if same and record.kind == SPLIT:
            if not note_threshold(replay, found, version, at, low, high):
                return -1
            middle = part(replay.changes, first, last, replay.table, record.feature, record.low, low)
            waiting[n_waiting, 0], waiting[n_waiting, 1] = record.right, middle
            waiting[n_waiting + 1, 0], waiting[n_waiting + 1, 1] = at + 1, first
            waiting[n_waiting + 1, 2] = middle
            n_waiting += 2
        elif same:
            if first < last and not note_leaf(found, version, record.place, replay.scratch.sums[ALL]):
                return -1
        else:
            node = _grow_anew(replay, waiting[n_waiting], version, whole, not astray, fresh, node, found)
            if node < 0:
                return -1
            astray = np.bool_(True)
    return node


@compiled
def _stays(replay: Replay, at: int, first: int, last: int, astray: bool) -> tuple[bool, int, int]:
    """Return whether a node is to be as it was, and the ranks on both sides of its threshold.

    If the draws do not stand as in the original, they go on as that node takes them, and stay if it does not stay. Then
    ``scratch.split`` may get how it is split.
    """
    record, redrawn = replay.tree.nodes[at], np.bool_(astray and replay.tree.nodes[at].kind != LEAF)
    if redrawn:
        redraw(replay, at)
    same, low, high = np.bool_(True), record.low, record.high
    if first < last:
        same, low, high = is_same(replay, at, first, last, redrawn)
    elif redrawn:
        same = wins(replay, at)
    if redrawn and not same:
        take_back(replay.scratch)
    if not same:
        find_split(replay, at, first, last, redrawn)
    return same, low, high


@compiled
def _agrees(replay: Replay, node: int) -> bool:
    """Return whether the draws stand as they stood in the original before a node."""
    tree, features = replay.tree, replay.scratch.features
    same, i = tree.nodes[node].state == replay.scratch.draws[0], 0
    while same and i < features.shape[1]:
        same = tree.order[node, i] == features[0, i]
        i += 1
    return same


@compiled
def _grow_anew(
    replay: Replay, of: Ints, version: int, whole: int, from_original: bool, fresh: Tree, node: int, found: Found
) -> int:
    """Grow what is below a node anew, and return the first new node that is free; -1 if there is no room.

    Parameters
    ----------
    of
        The node, and which changes are in it.
    from_original
        Whether the draws start as they stood in the original, not as they stand.
    """
    scratch, changes, record = replay.scratch, replay.changes, replay.tree.nodes[of[0]]
    places, placed, n = replay.tree.places, scratch.places[1], np.int64(0)
    for p in range(record.start, record.stop):
        place = places[p]
        mark = changes.mark[place >> PLACE_ROW]
        if mark > 1:
            place = (place >> PLACE_ROW << PLACE_ROW) + ((mark - 1) << PLACE_WEIGHT) + (place & _CLASS)
        placed[n] = place
        n += np.int64(mark != 1)
    for i in range(of[1], of[2]):
        change = changes.rows[i]
        if change.old == 0:
            placed[n] = (change.row << PLACE_ROW) + (change.new << PLACE_WEIGHT) + replay.table.labels[change.row]
            n += 1
    if from_original:
        scratch.draws[0] = record.state
        for i in range(scratch.features.shape[1]):
            scratch.features[0, i] = replay.tree.order[of[0], i]
    if scratch.split[SPLIT_IS_KNOWN]:
        redraw(replay, of[0])
    entry = found.ends[1, version + 1]
    if entry == len(found.roots):
        return -1
    found.roots[entry].node, found.roots[entry].fresh = of[0], node
    found.ends[1, version + 1] += 1
    begin(placed, n, record.depth, record.known, scratch)
    if replay.rules.max_leaf_nodes > 0:
        made, _ = grow_best_first(replay.table, replay.rules, placed, whole, scratch, scratch.frontier)
        return write_preorder(scratch, scratch.frontier, made, fresh, node)
    return grow(replay.table, replay.rules, placed, whole, scratch, fresh, node, np.bool_(False))[0]
