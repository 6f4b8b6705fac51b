"""Who owns which records: the attacker's (shadow) side and the model owner's (target) side.

Chen et al., CCS 2021: half of the records each; inside a side 80 % may be trained on and 20 % are never
seen by its models, of which 15 % are kept aside to replace deleted records (online learning).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.persons import Persons

TRAIN_SHARE = 0.8
REPLACEMENT_SHARE = 0.15
SMALLEST_TABLE = 40


@dataclass(frozen=True)
class SidePool:
    """Positions of the records of one side, by what may happen to them.

    Attributes
    ----------
    train
        May be trained on (and then deleted or retained).
    unseen
        Never trained on by this side's models; queried as negatives.
    replacement
        Never queried; kept to replace deleted records in online learning.
    """

    train: Positions
    unseen: Positions
    replacement: Positions

    @property
    def all(self) -> Positions:
        """All records of the side, ascending."""
        return np.sort(np.concatenate([self.train, self.unseen, self.replacement]))


@dataclass(frozen=True)
class Split:
    """The two sides of one dataset."""

    shadow: SidePool
    target: SidePool

    def side(self, name: str) -> SidePool:
        """Return the pool called ``shadow`` or ``target``."""
        return {"shadow": self.shadow, "target": self.target}[name]


def split_records(persons: Persons, seed: int) -> Split:
    """Split records into sides and pools, never a person across two of them.

    Parameters
    ----------
    persons
        The person of every record.
    seed
        The seed of the audit.

    Raises
    ------
    AuditError
        If there are too few records to split at all.
    """
    n = len(persons.codes)
    if n < SMALLEST_TABLE or len(persons.values) < SMALLEST_TABLE:
        what = "records" if n < SMALLEST_TABLE else "people"
        count = min(n, len(persons.values))
        raise AuditError(
            f"the data has {count:,} {what}, fewer than the {SMALLEST_TABLE} that worlds need at least; audit a larger "
            "table"
        )
    rng = generator(seed, Kind.SPLIT)
    order = rng.permutation(persons.values)
    shadow = persons.take(order, n // 2)
    return Split(shadow=_pool(persons, shadow), target=_pool(persons, order[len(shadow) :]))


def _pool(persons: Persons, side: Positions) -> SidePool:
    """Cut the (already shuffled) people of a side into its pools."""
    n_side = int(persons.sizes(side).sum())
    train = persons.take(side, int(n_side * TRAIN_SHARE))
    rest = side[len(train) :]
    replacement = persons.take(rest, int((n_side - persons.sizes(train).sum()) * REPLACEMENT_SHARE))
    unseen = rest[len(replacement) :]
    train_rows, unseen_rows, replacement_rows = (np.sort(persons.rows(u)) for u in (train, unseen, replacement))
    return SidePool(train_rows, unseen_rows, replacement_rows)
