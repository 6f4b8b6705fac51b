"""A bounded sample of shadow rows, for attack models whose fitting takes longer than what more rows teach is worth."""

from __future__ import annotations

import numpy as np

from unlearn_audit.observations import Observations
from unlearn_audit.utils.codes import codes_of
from unlearn_audit.utils.typing import Mask

FIT_ROWS = 2000
"""On how many rows attack models are fitted where the tables are files and nothing else is asked."""


def sample_by_world(rows: Mask, positive: Mask, table: Observations, most: int | None, seed: int) -> Mask:
    """Return at most so many of some rows: as many of each role where there are, and of every world.

    The order of the rows in their file decides nothing.

    Parameters
    ----------
    rows, positive
        (n,) which rows there are to choose from, and the truth of each.
    table
        The rows' worlds and records.
    most
        How many; None for all.
    seed
        Of the draw.
    """
    if most is None or rows.sum() <= most:
        return rows
    columns = [table.rows[name].to_numpy() for name in ("query", "record", "request", "world")]
    order = np.lexsort(columns)
    draw = np.empty(len(order))
    draw[order] = np.random.default_rng(seed).random(len(order))
    of_roles = [np.flatnonzero(rows & (positive == role)) for role in (True, False)]
    n_positive = min(len(of_roles[0]), max(most // 2, most - len(of_roles[1])))
    chosen = np.zeros(len(rows), dtype=bool)
    for places, n in zip(of_roles, (n_positive, most - n_positive), strict=True):
        worlds = codes_of(table.worlds[places])
        by_world = np.lexsort((draw[places], worlds))
        turn = np.empty(len(places), dtype=np.int64)
        turn[by_world] = np.arange(len(places)) - np.searchsorted(worlds[by_world], worlds[by_world])
        # every world gives its first row, then its second, until there are enough
        chosen[places[np.lexsort((draw[places], turn))[:n]]] = True
    return chosen
