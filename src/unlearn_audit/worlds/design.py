"""One world: an original model's training records, its chains of updates, and what all versions are asked.

All scenarios are one shape: each original has several *chains* of updates that start from it; each update
deletes some people and, in online learning, adds as many records. A single deletion is a chain of one update
that deletes one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Positions


@dataclass(frozen=True)
class Request:
    """One update: the positions of the records deleted and, in online learning, added."""

    deleted: Positions
    added: Positions


Chain = tuple[Request, ...]
"""Updates one after another, from the original on."""


@dataclass(frozen=True)
class Query:
    """The records asked of all versions of one chain.

    Attributes
    ----------
    positions
        (m,) which records.
    roles
        (m,) ``deleted``, ``unseen``, ``retained`` or ``reference``.
    deleted_at
        (m,) the first version without the record, -1 if it was not deleted.
    paper
        (m,) true for the rows of the paper's protocol.
    """

    positions: Positions
    roles: npt.NDArray[np.str_]
    deleted_at: npt.NDArray[np.int64]
    paper: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """One original model: its training records in training order, its chains of updates and their queries."""

    side: str
    index: int
    training: Positions
    chains: tuple[Chain, ...]
    queries: tuple[Query, ...]


@lru_cache(maxsize=256)
def roles_of(counts: tuple[int, ...], steps: tuple[int, ...]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """Return the roles of as many deleted, unseen, retained and reference records, and when they were deleted.

    Most queries of an audit share these arrays, so they cannot be written to.
    """
    roles = np.repeat(["deleted", "unseen", "retained", "reference"], counts)
    deleted_at = np.full(len(roles), -1)
    deleted_at[: counts[0]] = np.repeat(np.arange(1, len(steps) + 1), steps)
    roles.flags.writeable = deleted_at.flags.writeable = False
    return roles, deleted_at


@lru_cache(maxsize=256)
def leading(first: tuple[int, ...], counts: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return where the first so many of as many records of each role stand; shared, so it cannot be written to."""
    leading = np.zeros(sum(counts), dtype=bool)
    at = 0
    for count, most in zip(counts, (*first, 0), strict=True):
        leading[at : at + min(most, count)] = True
        at += count
    leading.flags.writeable = False
    return leading


def stretch(values: Positions, at: int, n: int) -> Positions:
    """Return ``n`` values from place ``at`` on, from the front again after the last."""
    at %= len(values)
    return values[at : at + n] if at + n <= len(values) else values[np.arange(at, at + n) % len(values)]


def turn(values: npt.NDArray[np.int64], n: int, index: int, seed: int, *key: int) -> npt.NDArray[np.int64]:
    """Return the ``n`` values whose turn it is at place ``index``: nobody has a second turn before all had one.

    The turns are stretches of one endless sequence, which goes through all values lap by lap, each lap in another
    order. Any one turn can be had without those before it, and no turn holds a value twice.

    Parameters
    ----------
    values
        (m,) distinct values.
    n
        How many have a turn at once, at most m.
    index
        Which turn, from 0 on.
    seed, key
        What the order depends on.

    Examples
    --------
    >>> np.sort(np.concatenate([turn(np.arange(12), 4, index, 0) for index in range(3)])).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    """
    m = len(values)
    order = generator(seed, Kind.TURN, *key).permutation(values)
    # each lap shuffles blocks of m - n: who ends one lap and begins the next has m - n or more others in between
    block = np.arange(m) // max(m - n, 1)
    lap, at = divmod(index * n, m)
    laps = [
        order[np.lexsort([generator(seed, Kind.TURN, *key, again).random(m), block])]
        for again in range(lap, lap + 1 + (at + n > m))
    ]
    return np.concatenate(laps)[at : at + n]
