"""Which records a version of a tree draws more or less often than the original."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import Changes, Halves, Table, Versions
from unlearn_audit.models.cart.kernel.compiled import compiled


@compiled
def differing(drawn: Halves, versions: Versions, changes: Changes) -> None:
    """List, for each number of slots, those drawn another number of times than in the original.

    Parameters
    ----------
    drawn
        (1 + sizes, slots) how often each slot was drawn: by the original, and with each number of slots.
    """
    found, sizes = 0, changes.sizes
    for size in range(len(versions.slots)):
        whole = 0
        for slot in range(versions.slots[size]):
            whole += drawn[1 + size, slot]
            if drawn[0, slot] != drawn[1 + size, slot]:
                changes.slots[found] = slot
                found += 1
        sizes[0, size + 1] = found
        sizes[1, size] = whole


@compiled
def change(drawn: Halves, versions: Versions, version: int, changes: Changes) -> int:
    """Fill in what changes in a version, and return how many rows that are; see `differing`."""
    size, found, mark, starts = versions.size[version], np.int64(0), changes.mark, versions.starts
    now = drawn[1 + size]
    for i in range(starts[0, version], starts[0, version + 1]):
        slot, row = versions.moved[i, 0], versions.moved[i, 1]
        found = _note(changes, found, drawn[0], row, np.int64(now[slot]))
        # until all are noted: these slots hold another row than that of their number
        mark[slot] -= 2**40
    for i in range(starts[1, version], starts[1, version + 1]):
        found = _note(changes, found, drawn[0], versions.gone[i], np.int64(0))
    for i in range(changes.sizes[0, size], changes.sizes[0, size + 1]):
        slot = changes.slots[i]
        if mark[slot] >= 0:
            found = _note(changes, found, drawn[0], slot, np.int64(now[slot]))
    for i in range(starts[0, version], starts[0, version + 1]):
        mark[versions.moved[i, 0]] += 2**40
    return found


@compiled
def _note(changes: Changes, found: int, before: Halves, row: int, new: int) -> int:
    old = np.int64(before[row]) if row < len(before) else 0
    if old == new:
        return found
    record = changes.rows[found]
    record.row, record.old, record.new = row, old, new
    changes.mark[row] += 1 + new
    return found + 1


@compiled
def forget(changes: Changes, found: int) -> None:
    """Let no row be marked any more."""
    for i in range(found):
        changes.mark[changes.rows[i].row] = 0


@compiled
def part(changes: Changes, first: int, last: int, table: Table, f: int, low_before: int, low: int) -> int:
    """Let the changes of a node that go left come first, and return where the others start.

    A record that is gone lies where the original's threshold put it, any other where the version's does.
    """
    rows, at = changes.rows, first
    for i in range(first, last):
        one, other = rows[i], rows[at]
        if np.int64(table.codes[f, one.row]) <= (low_before if one.new == 0 else low):
            row, old, new = one.row, one.old, one.new
            one.row, one.old, one.new = other.row, other.old, other.new
            other.row, other.old, other.new = row, old, new
            at += 1
    return at
