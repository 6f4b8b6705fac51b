"""How shadow rows are split, so that every row is scored by an attack that was not fitted on it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations import Observations
from unlearn_audit.utils.typing import Mask
from unlearn_audit.worlds.per_record import ROLES as WORLDS_OF_A_DRAW

FOLDS = 5
"""Folds of the cross-validation over shadow worlds (fewer where there are fewer worlds)."""

FEWEST_PER_ROLE = 2
"""Pairs in each role from which on something is learned of a record by itself."""

FEWEST_IN_A_FOLD = 6
"""Positives and negatives below which a fold of the cross-validation is not made smaller still."""

Split = tuple[Mask, Mask]
"""Which rows a fold is fitted on, and which it scores."""


def cross_validation_splits(shadow: Observations, positive: Mask, fitted_on: Mask) -> list[Split]:
    """Return the cross-validation's pairs of rows to fit on and rows to score; together the latter are all rows.

    Worlds are held out whole. Records recur across worlds, an unseen one always with the same answer, so an
    attack that recognised them would look better than it is: rows of held-out records are never fitted on.
    Where that would leave too little, as in small tables, halves of the records are held out in turn too.
    """
    if audits_by_record(shadow, shadow, positive):
        # who has every role in turn is recognised for nothing; but the roles of a block of worlds are drawn together,
        # so that the others would tell which role a record has in one that is held out
        folds = _folds(shadow, positive, shadow.worlds // WORLDS_OF_A_DRAW)
        return [(~(folds == fold) & fitted_on, folds == fold) for fold in np.unique(folds)]
    folds = _folds(shadow, positive)
    records = np.unique(shadow.records, return_inverse=True)[1].reshape(-1)
    by_world = [(~(folds == fold) & fitted_on, folds == fold) for fold in np.unique(folds)]
    disjoint = [(train & ~np.isin(records, records[held]), held) for train, held in by_world]
    if all(
        _answers(t, positive) >= _answers(w, positive) // 2 for (t, _), (w, _) in zip(disjoint, by_world, strict=True)
    ):
        return disjoint
    half = np.random.default_rng(0).permutation(records.max() + 1)[records] % 2
    crossed = [(train & (half != h), held & (half == h)) for train, held in by_world for h in (0, 1)]
    crossed = [(train, held) for train, held in crossed if held.any()]
    if all(_answers(train, positive) >= FEWEST_IN_A_FOLD for train, _ in crossed):
        return crossed
    return by_world


def audits_by_record(shadow: Observations, target: Observations, positive: Mask) -> bool:
    """Return whether shadow rows show every record of the target in both roles, in at least two pairs each."""
    records = shadow.rows["record"].to_numpy()
    asked = np.unique(target.rows["record"].to_numpy())
    counts = [np.unique(records[rows], return_counts=True) for rows in (positive, ~positive)]
    return all(np.isin(asked, names[n >= FEWEST_PER_ROLE]).all() for names, n in counts)


def _answers(rows: Mask, positive: Mask) -> int:
    """Return how many rows the rarer answer has."""
    return min(int((rows & positive).sum()), int((rows & ~positive).sum()))


def _folds(
    shadow: Observations, positive: npt.NDArray[np.bool_], blocks: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """Assign shadow rows to folds: by block of worlds if given, by world, by pair in a single world, or by record.

    Every fold has both answers, or cross-validation could not judge an attack.
    """
    for groups in (*(() if blocks is None else (blocks,)), shadow.worlds, shadow.pairs):
        rank = np.unique(groups, return_inverse=True)[1].reshape(-1)
        n = min(FOLDS, int(rank.max()) + 1)
        folds = rank % n
        if n > 1 and all(0 < positive[folds == f].sum() < (folds == f).sum() for f in range(n)):
            return folds.astype(np.int64)
    # within each answer by record id, so that the order of rows in a file decides nothing
    folds = np.empty(len(positive), dtype=np.int64)
    for answer in (True, False):
        where = np.flatnonzero(positive == answer)
        ids = shadow.rows["record"].to_numpy()[where]
        folds[where[np.argsort(ids, kind="stable")]] = np.arange(len(where)) % FOLDS
    return folds
