"""The versions of a model, all from the original's trees, one tree after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.growing import Grower, Growth, OneTree, children_and_values, shares
from unlearn_audit.models.cart.kernel.arrays import NEW_NODES, Found, Overlay, Replay, Tree, Versions
from unlearn_audit.models.cart.room import doubled, room_for_changes, room_for_found, room_for_pool, room_for_tree
from unlearn_audit.utils.typing import Positions

_NODES, _ENTRIES = 4096, 2048


def versions_of(slots: Sequence[Positions], n: int) -> Versions:
    """Return how the records of versions lie in slots.

    Parameters
    ----------
    slots
        For each version, the row in each of its slots.
    n
        How many rows the original has, one a slot.
    """
    sizes, size = np.unique([len(rows) for rows in slots], return_inverse=True)
    moved, gone = [], []
    for rows in slots:
        shared = min(n, len(rows))
        others = np.concatenate([np.flatnonzero(rows[:shared] != np.arange(shared)), np.arange(shared, len(rows))])
        moved.append(np.stack([others, rows[others]], axis=1))
        there = np.zeros(max(n, int(rows.max()) + 1), dtype=np.bool_)
        there[rows] = True
        gone.append(np.flatnonzero(~there[:n]))
    starts = np.zeros((2, len(slots) + 1), dtype=np.int64)
    for row, of in zip(starts, (moved, gone), strict=True):
        row[1:] = np.cumsum([len(part) for part in of])
    joined = np.concatenate(moved).astype(np.int64), np.concatenate(gone).astype(np.int64)
    return Versions(size.astype(np.int64), sizes.astype(np.int64), starts, *joined)


class Deletion:
    """Finds in what versions differ from an original.

    Parameters
    ----------
    grower
        Grows the trees of the original.
    versions
        How the records of the versions lie in slots.
    most
        With more changes than that in a tree it is grown anew.
    """

    def __init__(self, grower: Grower, versions: Versions, most: int) -> None:
        self.grower, self.versions, self.most = grower, versions, most
        self._changes = room_for_changes(
            len(grower.rows.positions), max(grower.n, int(versions.slots.max())), len(versions.slots)
        )
        self._pool = room_for_pool(grower.rules)
        rules, width = grower.rules, grower.rows.width
        self._fresh, self._found = room_for_tree(_NODES, 0, 0, rules, width), room_for_found(versions, _ENTRIES, rules)

    def overlay(self, growth: Growth | None) -> Overlay:
        """Return in what the versions of all trees differ, and add the original's to a growth if there is one."""
        collected = _Collected()
        for t in range(len(self.grower.seeds)):
            one = self.grower.grow(t, self.versions.slots.tolist())
            if growth is not None:
                growth.add(one)
            collected.add(*self._of_tree(one))
        return collected.overlay()

    def _of_tree(self, one: OneTree) -> tuple[Tree, Found]:
        from unlearn_audit.models.cart.kernel.replay import replay_versions

        grower, done = self.grower, 0
        replay = Replay(grower.rows.table, grower.rules, one.tree, self._changes, self._pool, grower.scratch)
        self._pool.free[0] = 0
        one.tree.searches["stored"] = -1
        self._changes.mark[:] = 0
        while True:
            fresh, found = self._fresh, self._found
            done = replay_versions(replay, one.times, self.versions, one.fragile, self.most, fresh, found, done)
            if done == len(self.versions.size):
                return fresh, found
            self._fresh, self._found = Tree(*map(doubled, fresh)), Found(found.ends, *map(doubled, found[1:]))


class _Collected:
    """What differs in all trees so far."""

    def __init__(self) -> None:
        self._ends: list[npt.NDArray[np.int64]] = []
        self._parts: list[tuple[npt.NDArray[Any], ...]] = []
        self._nodes = self._values = 0
        self._before = np.zeros((3, 1), dtype=np.int64)

    def add(self, fresh: Tree, found: Found) -> None:
        """Add what differs in a tree."""
        n_leaves, n_roots, n_moved, used = (int(n) for n in found.ends[:, -1])
        roots, moved = found.roots[:n_roots], found.moved[:n_moved]
        nodes, counts = fresh.nodes[:used], fresh.counts[:used]
        right, values = children_and_values(nodes, counts, self._values)
        right[nodes["feature"] >= 0] += self._nodes
        at = np.stack([roots["node"], roots["fresh"] + self._nodes], axis=1)
        self._ends.append(found.ends[:NEW_NODES] + self._before)
        self._before = self._before + found.ends[:NEW_NODES, -1:]
        self._nodes, self._values = self._nodes + used, self._values + len(values)
        self._parts.append(
            (
                found.leaves[:n_leaves].copy(),
                shares(found.leaf_counts[:n_leaves]),
                at,
                moved["node"].astype(np.int32),
                moved["threshold"].copy(),
                nodes["feature"].astype(np.int32),
                nodes["threshold"].copy(),
                right,
                values,
            )
        )

    def overlay(self) -> Overlay:
        """Return what differs."""
        return Overlay(np.stack(self._ends, axis=1), *(np.concatenate(part) for part in zip(*self._parts, strict=True)))
