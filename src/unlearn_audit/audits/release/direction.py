"""Whether the deleted fit the version after better than the version before, as they do if the two were exchanged.

A model fits a record better while it trains on it. So if the deleted fit better after the deletion than before, by
more than chance, the two versions were probably exchanged, or those named as deleted were in fact added.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from unlearn_audit.audits.release.pair import Pair, Rows
from unlearn_audit.audits.release.scores import DEFAULT, SCORES
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Array

DOUBTFUL = 0.01
"""The p-value from which on a release is said to look exchanged."""

_DRAWS = 4999


def exchanged(pair: Pair, seed: int) -> float | None:
    """Return the p-value of the deleted fitting better after than before; None if they don't, or labels are unknown.

    One record of each person is compared with one of each reference person, within kinds: the mean rank of the deleted
    among them by the fall of the margin, against that of as many drawn at random from all. The p-value is valid
    whatever the scores, if the deleted of a kind are like the references of that kind and the update revealed nothing.
    """
    if not pair.labelled:
        return None
    drawn = generator(seed, Kind.RELEASE)
    sides = [_one_each(rows, drawn) for rows in (pair.deleted, pair.references)]
    falls = np.concatenate([SCORES[DEFAULT].score(rows.view()) for rows in sides])
    kind = np.concatenate([rows.kind_of_each for rows in sides])
    gone = np.arange(len(falls)) < len(sides[0])
    of_kinds = [kind == of for of in np.unique(kind[gone])]
    ranks = [np.asarray(pd.Series(falls[of]).rank(pct=True), dtype=np.float64) for of in of_kinds]
    counts = [int(gone[of].sum()) for of in of_kinds]
    total = sum(float(of[gone[at]].sum()) for of, at in zip(ranks, of_kinds, strict=True))
    if total >= sum(count * of.mean() for of, count in zip(ranks, counts, strict=True)):
        return None
    by_chance = np.sum([_sums(of, count, drawn) for of, count in zip(ranks, counts, strict=True)], axis=0)
    return float((1 + (by_chance <= total + 1e-9).sum()) / (1 + _DRAWS))


def _one_each(rows: Rows, drawn: np.random.Generator) -> Rows:
    """Return one record of each person, drawn at random."""
    order = drawn.permutation(len(rows))
    first = order[np.unique(rows.person[order], return_index=True)[1]]
    return rows.take(first)


def _sums(ranks: Array, count: int, drawn: np.random.Generator) -> Array:
    """Return (draws,) the sum of as many of the ranks, drawn at random without replacement."""
    if count == 1:
        return np.asarray(ranks[drawn.integers(len(ranks), size=_DRAWS)])
    sums = (ranks[drawn.choice(len(ranks), count, replace=False, shuffle=False)].sum() for _ in range(_DRAWS))
    return np.fromiter(sums, dtype=np.float64, count=_DRAWS)
