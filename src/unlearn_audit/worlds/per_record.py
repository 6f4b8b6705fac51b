"""Per-record worlds: every audited record is deleted in a third of the worlds, kept in a third, never seen in a third.

In the paper's layout a record has one answer: whoever is deleted on one side is never seen on the other. Here the same
records are audited in every world, in roles drawn anew and in balance, so that an attack can learn of each record by
itself how models answer that were trained on it, unlearned it, or never saw it (Carlini et al., S&P 2022). Worlds of
the shadow side are learned from and worlds of the target side are scored: they differ in all that is drawn, and in the
records that fill up the training sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import SIDES, Kind, generator
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Query, Request, World, leading, roles_of, stretch
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.plan import WorldPlan
from unlearn_audit.worlds.strata import fewest_of_each, with_each_class

if TYPE_CHECKING:
    from unlearn_audit.config import WorldsConfig

ROLES = 3
"""Deleted, retained, unseen: in so many worlds in a row each audited record has each role once."""


def fewest_pairs(sizes: WorldsConfig, role: str) -> int:
    """Return in how many pairs of the shadow side every audited record has a role, at least.

    Examples
    --------
    >>> from unlearn_audit.config import WorldsConfig
    >>> sizes = WorldsConfig(layout="per-record", shadow=6, deletions=5, unseen=3)
    >>> [fewest_pairs(sizes, role) for role in ("deleted", "retained", "unseen")]
    [2, 2, 8]
    >>> fewest_pairs(WorldsConfig(shadow=6), "deleted")  # in the paper's layout each record has one role for good
    0
    """
    if sizes.layout != "per-record":
        return 0
    of_a_world = {"deleted": 1, "retained": sizes.retained or 1, "unseen": 1 + sizes.unseen}
    return sizes.shadow // ROLES * min(of_a_world[role], sizes.deletions)


@dataclass(frozen=True)
class PerRecordPlan(WorldPlan):
    """The per-record worlds of one side.

    Attributes
    ----------
    audited
        The records audited in every world of both sides, three for each deletion of a world.
    """

    audited: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @cached_property
    def _background(self) -> Positions:
        """The records that fill up this side's training sets."""
        return np.setdiff1d(self.pool.train, self.audited)

    def audited_in_any(self) -> Positions:
        """Return the audited records: whoever is kept in one world is deleted in another."""
        return self.audited

    @property
    def n_unseen_asked(self) -> int:
        """How many unseen records are asked of a pair."""
        return min(1 + self.sizes.unseen, self.sizes.deletions)

    def world(self, index: int) -> World:
        """Draw world ``index``: three worlds in a row share a draw of who is deleted, kept and unseen in which."""
        n = self.sizes.deletions
        block, turn = divmod(index, ROLES)
        groups = generator(self.seed, Kind.PLACEMENT, SIDES[self.side], block).permutation(self.audited)
        deleted, kept, unseen = (groups.reshape(ROLES, n)[(turn + role) % ROLES] for role in range(ROLES))
        rng = generator(self.seed, Kind.WORLD, SIDES[self.side], index)
        background = rng.permutation(self._background)
        filling = background[: self.sizes.train_size - 2 * n]
        training = np.concatenate([deleted, kept, self._filled(filling, background[len(filling) :], rng)])
        training = rng.permutation(training)
        unseen, kept = rng.permutation(unseen), rng.permutation(kept)
        chains = tuple((Request(deleted[[j]], np.empty(0, dtype=np.int64)),) for j in range(n))
        queries = tuple(self._query_of(deleted[[j]], unseen, kept, j) for j in range(n))
        return World(self.side, index, training, chains, queries)

    def _filled(self, filling: Positions, others: Positions, rng: np.random.Generator) -> Positions:
        """Return what fills up a training set, with some of each class where that is asked for.

        The audited records come and go, so that they are not counted; those that fill up are taken one by one.
        """
        if self.classes is None:
            return filling
        alone = Persons(np.arange(len(self.persons.codes)))
        fewest = fewest_of_each(self.classes, self._background, 0, f"the {self.side} side")
        return with_each_class(filling, others, alone, self.classes, fewest, len(filling), rng)

    def _query_of(self, deleted: Positions, unseen: Positions, kept: Positions, j: int) -> Query:
        """Ask of pair j its deleted record and, from the j-th on, unseen and kept ones."""
        asked = stretch(unseen, j, self.n_unseen_asked)
        staying = stretch(kept, j, min(self._n_retained, len(kept)))
        positions = np.concatenate([deleted, asked, staying, self.references])
        counts = 1, len(asked), len(staying), len(self.references)
        roles, deleted_at = roles_of(counts, (1,))
        return Query(positions, roles, deleted_at, leading((1, 1, 1), counts))


def per_record_plans(plans: dict[str, WorldPlan], where: str) -> dict[str, WorldPlan]:
    """Turn the plans of two sides of one dataset into plans of per-record worlds.

    Raises
    ------
    AuditError
        If the scenario deletes more than one record at once, records belong together, or there are too few.
    """
    first = next(iter(plans.values()))
    n, sizes = 3 * first.sizes.deletions, first.sizes
    if first.scenario.name != "single":
        raise AuditError(f"per-record worlds delete one record at a time, and the scenario is {first.scenario.name}")
    if 2 * 2 * sizes.deletions > sizes.train_size:
        raise AuditError(
            f"{sizes.deletions:,} deletions put {2 * sizes.deletions:,} audited records into training sets of "
            f"{sizes.train_size:,}; use at most {sizes.train_size // 4:,} deletions or more training records"
        )
    everyone = np.sort(np.concatenate([plan.pool.train for plan in plans.values()]))
    # whoever has several records could not be deleted by one of them
    alone = everyone[first.persons.sizes(first.persons.codes[everyone]) == 1]
    audited = np.sort(generator(first.seed, Kind.PLACEMENT).permutation(alone)[:n])
    # a world trains on at most half of what its side may train on, so that there is always enough to fill it up
    if len(audited) < n:
        raise AuditError(
            f"{where} has {len(alone):,} people of one record, too few for {n:,} audited records; use at most "
            f"{len(alone) // 3:,} deletions"
        )
    return {
        side: PerRecordPlan(
            plan.side,
            plan.pool,
            plan.references,
            plan.sizes,
            plan.scenario,
            plan.persons,
            plan.seed,
            plan.classes,
            audited,
        )
        for side, plan in plans.items()
    }
