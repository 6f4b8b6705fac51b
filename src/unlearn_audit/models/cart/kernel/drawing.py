"""The order in which scikit-learn draws the features of a node."""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import Halves, Ints, Rules, Scratch
from unlearn_audit.models.cart.kernel.compiled import compiled

_ORDER, _PREFIX = 0, 1
_KNOWN, _DRAWN, _FOUND, _END, _VISITED = range(5)


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
def begin_draws(scratch: Scratch, known: int) -> None:
    """Begin to draw the features of a node, of which the first ``known`` are known to be constant."""
    order, prefix, drawing = scratch.features[_ORDER], scratch.features[_PREFIX], scratch.drawing
    for i in range(known):
        prefix[i] = order[i]
    drawing[_KNOWN], drawing[_END] = known, len(order)
    drawing[_DRAWN], drawing[_FOUND], drawing[_VISITED] = 0, 0, 0


@compiled
def draw_feature(scratch: Scratch, rules: Rules) -> int:
    """Return where the next feature to search stands in the order, to be put away then; -1 if there is none."""
    order, drawing = scratch.features[_ORDER], scratch.drawing
    known, end, found, drawn = drawing[_KNOWN], drawing[_END], drawing[_FOUND], drawing[_DRAWN]
    visited = drawing[_VISITED]
    j = np.int64(-1)
    while j < 0 and end > known + found and (visited < rules.max_features or visited <= found + drawn):
        visited += 1
        j = drawn + draw(scratch.draws, end - found - drawn)
        if j < known:
            _swap(order, drawn, j)
            drawn += 1
            j = -1
        else:
            j += found
    drawing[_DRAWN], drawing[_VISITED] = drawn, visited
    return j


@compiled
def put_away(scratch: Scratch, j: int, constant: bool) -> None:
    """Put a feature that was drawn behind those that will be drawn; before them if it is constant."""
    drawing = scratch.drawing
    if constant:
        _swap(scratch.features[_ORDER], drawing[_KNOWN] + drawing[_FOUND], j)
        drawing[_FOUND] += 1
    else:
        drawing[_END] -= 1
        _swap(scratch.features[_ORDER], drawing[_END], j)


@compiled
def end_draws(scratch: Scratch) -> int:
    """Put the features that were known to be constant in their order again, and return how many are known now."""
    order, prefix, drawing = scratch.features[_ORDER], scratch.features[_PREFIX], scratch.drawing
    for i in range(drawing[_KNOWN]):
        order[i] = prefix[i]
    return drawing[_KNOWN] + drawing[_FOUND]


@compiled
def _swap(order: Halves, one: int, other: int) -> None:
    order[one], order[other] = order[other], order[one]
