"""The draws of ``numpy.random.RandomState``, the Mersenne Twister as NumPy seeds it and reads it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import Floats, Halves, Ints
from unlearn_audit.models.cart.kernel.compiled import compiled, entry_point

_MOST = np.iinfo(np.int32).max

WORDS = 624
"""Words of a state; one more place says which of them is read next."""

_MIDDLE, _ALL = 397, 0xFFFFFFFF


class Drawn(NamedTuple):
    """What the trees of a forest draw, and room for it.

    Attributes
    ----------
    seeds
        (trees,) the seed of each.
    cumulative
        (rows,) how probable it is that one of the rows so far is drawn; none where all rows are equally probable.
    first
        (rows,) for each of as many equal parts of the numbers from 0 to 1, a row that is not behind the one drawn.
    state, times
        The state of the draws, and (rows,) zeros.
    """

    seeds: Ints
    cumulative: Floats
    first: Ints
    state: Ints
    times: Ints


@entry_point
def seed(state: Ints, value: int) -> None:
    """Start from a seed."""
    word = value & _ALL
    for i in range(WORDS):
        state[i] = word
        word = (1812433253 * (word ^ (word >> 30)) + i + 1) & _ALL
    state[WORDS] = WORDS


@compiled
def _twist(state: Ints) -> None:
    for i in range(WORDS):
        after, other = i + 1, i + _MIDDLE
        if after == WORDS:
            after = 0
        if other >= WORDS:
            other -= WORDS
        word = (state[i] & 0x80000000) | (state[after] & 0x7FFFFFFF)
        state[i] = state[other] ^ (word >> 1) ^ (-(word & 1) & 0x9908B0DF)
    state[WORDS] = 0


@compiled
def next_word(state: Ints) -> int:
    """Return 32 random bits."""
    if state[WORDS] == WORDS:
        _twist(state)
    word = state[state[WORDS]]
    state[WORDS] += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C5680
    word ^= (word << 15) & 0xEFC60000
    return word ^ (word >> 18)


@entry_point
def below(state: Ints, n: int) -> int:
    """Return a random number from 0 to n - 1; n is at most 2^32 - 1."""
    most = n - 1
    mask = most
    for by in (1, 2, 4, 8, 16):
        mask |= mask >> by
    if most == 0:
        return most
    found = next_word(state) & mask
    while found > most:
        found = next_word(state) & mask
    return found


@entry_point
def share(state: Ints) -> float:
    """Return a random number of at least 0 and below 1."""
    high = next_word(state) >> 5
    low = next_word(state) >> 6
    return (high * 67108864.0 + low) / 9007199254740992.0


@entry_point
def first_draw(state: Ints, value: int) -> int:
    """Return with which state the splits of a tree of a seed are drawn; other draws start where this one did."""
    seed(state, value)
    first = below(state, _MOST)
    state[WORDS] = 0
    return first


@entry_point
def draw_slots(state: Ints, value: int, n: int, times: Halves) -> None:
    """Add to ``times`` how often each of ``n`` equally probable slots is drawn by a tree of a seed."""
    seed(state, value)
    for _ in range(n):
        times[below(state, n)] += 1


@compiled
def draw_rows(drawn: Drawn) -> None:
    """Add to ``times`` how often each row is drawn."""
    state, times, n = drawn.state, drawn.times, len(drawn.times)
    for _ in range(n):
        if len(drawn.first) == 0:
            times[below(state, n)] += 1
            continue
        value = share(state)
        row = drawn.first[int(value * n)]
        while drawn.cumulative[row] <= value:
            row += 1
        times[row] += 1
