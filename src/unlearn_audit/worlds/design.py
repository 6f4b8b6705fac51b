"""Worlds on two disjoint sides: what each original deletes, adds and is asked, in every scenario of the paper.

All scenarios are one shape: each original has several *chains* of updates that start from it; each update
deletes some units and, in online learning, adds as many records. A single deletion is a chain of one update
that deletes one unit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import SIDES, Kind, generator
from unlearn_audit.worlds.split import SidePool, Split
from unlearn_audit.worlds.units import Positions, Units

if TYPE_CHECKING:
    from unlearn_audit.config import ScenarioConfig, WorldsConfig


@dataclass(frozen=True)
class Request:
    """What one update asks: the positions of the records deleted and, in online learning, added."""

    deleted: Positions
    added: Positions


Chain = tuple[Request, ...]
"""Updates one after another, from the original on."""


_NOBODY: Positions = np.empty(0, dtype=np.int64)
_DELETED, _UNSEEN = 0, 1
"""Who takes turns, in the keys of what is drawn."""


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


@dataclass(frozen=True)
class WorldPlan:
    """What was decided for one side of one dataset, sizes adjusted to what the records allow.

    Attributes
    ----------
    side, pool, references
        Whose worlds, their records, and the records known never to be trained on.
    sizes
        How many of everything.
    scenario
        What an update does, ``size`` as a number.
    units
        Which records belong together.
    seed
        The seed of the audit.
    """

    side: str
    pool: SidePool
    references: Positions
    sizes: WorldsConfig
    scenario: ScenarioConfig
    units: Units
    seed: int

    @property
    def n_worlds(self) -> int:
        """How many worlds this side has."""
        return self.sizes.shadow if self.side == "shadow" else self.sizes.target

    @property
    def n_trainings(self) -> int:
        """How many models this side trains, counting every update as one."""
        return self.n_worlds * (1 + self.sizes.deletions * self.scenario.versions)

    @cached_property
    def _trainable(self) -> npt.NDArray[np.int64]:
        """The units that may be trained on."""
        return np.unique(self.units.codes[self.pool.train])

    @cached_property
    def unseen(self) -> Positions:
        """The records that may be asked as unseen: the reference records are never among them."""
        return np.setdiff1d(self.pool.unseen, self.references)

    @property
    def n_unseen_asked(self) -> int:
        """How many unseen records are asked of a pair."""
        return min(int(self.scenario.size) * self.scenario.versions + self.sizes.unseen, len(self.unseen))

    @property
    def candidates(self) -> Positions:
        """Every record of the side that may be trained on or is never seen, without the references; ascending."""
        return np.setdiff1d(np.concatenate([self.pool.train, self.pool.unseen]), self.references)

    def audited_in_any(self) -> Positions:
        """Return the records that are deleted or asked as unseen in any world; ascending."""
        queries = [query for index in range(self.n_worlds) for query in self.world(index).queries]
        return np.unique(
            np.concatenate([query.positions[np.isin(query.roles, ("deleted", "unseen"))] for query in queries])
        )

    def world(self, index: int) -> World:
        """Draw world ``index``; it depends on nothing but the seed, the side, the pool and the sizes of one world."""
        rng = generator(self.seed, Kind.WORLD, SIDES[self.side], index)
        members = self._draw_members(index, rng)
        _check_members(len(members), self, f"world {index} of the {self.side} side")
        training = rng.permutation(self.units.rows(members))
        # a world that asks more than there are asks all equally often, and some once more: those have a turn
        asked = self.sizes.deletions * self.n_unseen_asked % len(self.unseen)
        unseen = self._by_turns(self.unseen, asked, index, rng, _UNSEEN)
        arriving = rng.permutation(self.pool.replacement)
        gone, staying = self._draw_chains(members, index)
        retained = self.units.first_rows(staying)
        chains = tuple(self._chain(steps, arriving, j) for j, steps in enumerate(gone))
        queries = tuple(self._query(chain, unseen, retained[j], j) for j, chain in enumerate(chains))
        return World(self.side, index, training, chains, queries)

    def _by_turns(
        self, values: npt.NDArray[np.int64], n: int, index: int, rng: np.random.Generator, what: int
    ) -> npt.NDArray[np.int64]:
        """Return values in random order, the ``n`` whose turn it is in world ``index`` before all others."""
        due = turn(values, min(n, len(values)), index, self.seed, SIDES[self.side], what)
        return np.concatenate([rng.permutation(due), rng.permutation(np.setdiff1d(values, due, assume_unique=True))])

    def members(self, index: int) -> npt.NDArray[np.int64]:
        """Return the units that world ``index`` trains on."""
        return self._draw_members(index, generator(self.seed, Kind.WORLD, SIDES[self.side], index))

    def most_deleted(self) -> int:
        """Return the most records that any chain of any world deletes."""
        chains = (self._draw_chains(self.members(index), index)[0] for index in range(self.n_worlds))
        return max(int(self.units.sizes(of.reshape(len(of), -1)).sum(axis=1).max()) for of in chains)

    def _draw_members(self, index: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        width = int(self.scenario.size) * self.scenario.versions
        deleted = min(self.sizes.deletions * width, self.sizes.train_size)
        everyone = self._by_turns(self._trainable, deleted, index, rng, _DELETED)
        return self.units.take(everyone, self.sizes.train_size)

    def _draw_chains(
        self, members: npt.NDArray[np.int64], index: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the units that each update of each chain deletes, and those to ask of that each chain leaves.

        Chains take stretches from the front of the shuffled units and ask the retained from the back, so
        none depends on how many chains there are. When the units are used up they are shuffled anew.

        Returns
        -------
        (chains, versions, size) and (chains, retained) units.
        """
        size, versions = int(self.scenario.size), self.scenario.versions
        width = size * versions
        cycle, place = np.divmod(np.arange(self.sizes.deletions)[:, None], len(members) // width)
        shuffled = [
            generator(self.seed, Kind.WORLD, SIDES[self.side], index, again).permutation(members)
            for again in range(1, int(cycle[-1, 0]) + 1)
        ]
        everyone = np.stack([members, *shuffled])
        gone = everyone[cycle, place * width + np.arange(width)]
        n_staying = len(members) - width
        asked = (place * self._n_retained + np.arange(min(self._n_retained, n_staying))) % n_staying
        # from the back, over the stretch that is deleted
        asked = n_staying - 1 - asked
        asked += width * (asked >= place * width)
        return gone.reshape(-1, versions, size), everyone[cycle, asked]

    @property
    def _n_retained(self) -> int:
        return self.sizes.retained or 1

    def _chain(self, steps: npt.NDArray[np.int64], arriving: Positions, j: int) -> Chain:
        requests = []
        for t, units in enumerate(steps):
            deleted = self.units.rows(units)
            added = _NOBODY
            if self.scenario.name == "online":
                at = (j * len(steps) + t) * len(deleted)
                added = stretch(arriving, at, len(deleted))
            requests.append(Request(deleted, added))
        return tuple(requests)

    def _query(self, chain: Chain, unseen: Positions, retained: Positions, j: int) -> Query:
        deleted = np.concatenate([request.deleted for request in chain]) if len(chain) > 1 else chain[0].deleted
        firsts = self._one_a_unit(deleted)
        n = len(deleted) if firsts is None else int(np.count_nonzero(firsts))
        wanted = n + self.sizes.unseen
        width = min(wanted, len(unseen))
        asked = stretch(unseen, j * width, width)
        positions = np.concatenate([deleted, asked, retained, self.references])
        counts = len(deleted), len(asked), len(retained), len(self.references)
        roles, deleted_at = roles_of(counts, tuple(len(request.deleted) for request in chain))
        # the paper's rows: one record of each unit deleted, as many unseen ones and, where there are, retained ones
        paper = leading((n, min(n, len(asked)), 1 if self.scenario.name == "retained" else n), counts)
        if firsts is not None:
            paper = np.concatenate([firsts, paper[len(deleted) :]])
        return Query(positions, roles, deleted_at, paper)

    def _one_a_unit(self, positions: Positions) -> npt.NDArray[np.bool_] | None:
        """(m,) true at the first record of each unit; None where each is of a unit of its own."""
        if len(positions) == 1 or self.units.single:
            return None
        first = np.zeros(len(positions), dtype=bool)
        first[np.unique(self.units.codes[positions], return_index=True)[1]] = True
        return first


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


def plan_worlds(
    split: Split,
    units: Units,
    sizes: WorldsConfig,
    scenario: ScenarioConfig,
    seed: int,
    where: str,
    sides: tuple[str, ...],
) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Fit the sizes asked for to the records there are.

    Parameters
    ----------
    split, units
        The sides, and which records belong together.
    sizes, scenario
        What was asked for.
    seed
        The seed of the audit.
    where
        The dataset's name, for messages.
    sides
        The sides to plan on this dataset: both, or one of them under transfer.

    Returns
    -------
    plans, notes
        One plan a side, all of the same sizes; and a sentence for each size that had to give way.

    Raises
    ------
    AuditError
        If no sizes would work.
    """
    notes: list[str] = []
    pools = [split.side(side) for side in sides]
    most = min(len(pool.train) for pool in pools) // 2
    if sizes.train_size > most:
        notes.append(
            f"{where}: {sizes.train_size:,} training records a world were asked for; {most:,} are used, half of "
            "what a side may train on, so that the originals are not copies of each other"
        )
        sizes = sizes.model_copy(update={"train_size": most})
    if isinstance(scenario.size, str):
        share = float(scenario.size.removesuffix("%")) / 100
        size = max(1, round(share * sizes.train_size * len(units.values) / len(units.codes)))
        what = "records" if len(units.values) == len(units.codes) else "units"
        notes.append(f"{where}: {scenario.size} of {sizes.train_size:,} training records are {size:,} {what} an update")
        scenario = scenario.model_copy(update={"size": size})
    references, fitting, more = _share_unseen(split, pools, sizes, scenario, units, seed, where)
    plans = {s: WorldPlan(s, split.side(s), references, fitting, scenario, units, seed) for s in sides}
    notes += _check_deletions(plans.values(), most, where)
    return plans, (*notes, *more)


def _check_deletions(plans: Collection[WorldPlan], largest: int, where: str) -> list[str]:
    """Raise unless every world keeps as many units as a chain deletes; say where chains share records.

    Units differ in size, so how many a world has depends on which it draws.
    """
    notes = []
    for plan in plans:
        sizes, width = plan.sizes, int(plan.scenario.size) * plan.scenario.versions
        fewest = _fewest_members(plan)
        _check_members(
            fewest, plan, where, largest, _deletions_allowed(plans) if fewest < 2 * sizes.deletions else None
        )
        if fewest < width * sizes.deletions:
            notes.append(
                f"{where}: {sizes.deletions:,} chains of {width:,} deletions share records within a world of "
                f"{sizes.train_size:,}; each starts from the original"
            )
        if plan.scenario.name == "online" and len(plan.pool.replacement) < (most := plan.most_deleted()):
            raise AuditError(
                f"{where} keeps {len(plan.pool.replacement):,} records to add, fewer than the {most:,} that one chain "
                "of updates deletes; delete fewer or audit more records"
            )
    return notes[:1]


def _fewest_members(plan: WorldPlan) -> int:
    """Return the fewest units of any world."""
    return min(len(plan.members(index)) for index in range(1 if plan.units.single else plan.n_worlds))


def _deletions_allowed(plans: Collection[WorldPlan]) -> int:
    """Return how many single deletions every world allows; which units it draws depends on how many are asked for."""
    allowed, asked = next(iter(plans)).sizes.deletions, -1
    while allowed != asked:
        asked = allowed
        sized = (replace(plan, sizes=plan.sizes.model_copy(update={"deletions": asked})) for plan in plans)
        allowed = min(asked, *(_fewest_members(plan) // 2 for plan in sized))
    return allowed


def _check_members(
    count: int, plan: WorldPlan, where: str, largest: int | None = None, allowed: int | None = None
) -> None:
    """Raise unless a world of so many units can lose those that it has to and keep as many.

    Parameters
    ----------
    count
        Its units.
    plan, where
        Its plan, and what messages call it.
    largest
        The most training records that a world may have; None where that is not known.
    allowed
        The deletions that would do, if single ones are asked for; None for half of its units.
    """
    sizes, width = plan.sizes, int(plan.scenario.size) * plan.scenario.versions
    needed = sizes.deletions if width == 1 else width
    if count >= 2 * needed:
        return
    asked = f"for {needed:,} deletions each" if width == 1 else f"to delete {needed:,} of them in one chain of updates"
    units = "" if plan.units.single else f", with as few as {count:,} unit{'' if count == 1 else 's'}"
    most = count // 2 if allowed is None or width > 1 else allowed
    fewer = f"ask for at most {most:,} deletions{'' if width == 1 else ' a chain'}, or " if most else ""
    enough = largest is None or largest * max(count, 1) >= sizes.train_size * 2 * needed
    upto = "" if largest is None else f", here at most {largest:,}"
    raise AuditError(
        f"{where} allows worlds of {sizes.train_size:,} training records{units}, too few {asked} (as many must "
        f"remain); {fewer}{f'for larger worlds (--train-size{upto})' if enough else 'audit more records'}"
    )


def _share_unseen(
    split: Split,
    pools: list[SidePool],
    sizes: WorldsConfig,
    scenario: ScenarioConfig,
    units: Units,
    seed: int,
    where: str,
) -> tuple[Positions, WorldsConfig, list[str]]:
    """Set reference records apart from the shadow side's unseen ones, leaving enough to ask about."""
    notes: list[str] = []
    asked = int(scenario.size) * scenario.versions + sizes.unseen
    available = len(split.shadow.unseen)
    # the attacker's own records: at most half of those that are never trained on
    most = available // 2
    rng = generator(seed, Kind.SPLIT, 1)
    people = rng.permutation(np.unique(units.codes[split.shadow.unseen]))
    chosen = units.take(people, min(sizes.references, most))
    references = np.sort(units.rows(chosen))
    if len(references) < sizes.references:
        notes.append(f"{where}: {sizes.references:,} reference records were asked for; {len(references):,} are there")
    left = min(len(np.setdiff1d(pool.unseen, references)) for pool in pools)
    if left < 1:
        raise AuditError(f"{where} leaves no unseen record to ask about; audit more records")
    if left < asked:
        notes.append(f"{where}: {asked:,} unseen records a pair were asked for; {left:,} are there and are used")
    update = {"references": len(references), "unseen": min(sizes.unseen, max(left - (asked - sizes.unseen), 0))}
    return references, sizes.model_copy(update=update), notes
