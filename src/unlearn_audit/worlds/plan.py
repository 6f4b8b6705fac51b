"""The plan of one side: draws each world from the seed, the records of the side and the sizes of one world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import SIDES, Kind, generator
from unlearn_audit.utils.typing import Integers, Positions
from unlearn_audit.worlds.design import Chain, Query, Request, World, leading, roles_of, stretch, turn
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.split import SidePool
from unlearn_audit.worlds.strata import fewest_of_each, with_each_class

if TYPE_CHECKING:
    from unlearn_audit.config import ScenarioConfig, WorldsConfig

_NOBODY: Positions = np.empty(0, dtype=np.int64)
_DELETED, _UNSEEN = 0, 1
"""Who takes turns, in the keys of what is drawn."""


def n_deleted_by_chain(scenario: ScenarioConfig) -> int:
    """Return how many people one chain of updates deletes; the size is a number."""
    return int(scenario.size) * scenario.versions


def n_trainings(worlds: int, sizes: WorldsConfig, scenario: ScenarioConfig) -> int:
    """Return how many models so many worlds train, counting every update as one."""
    return worlds * (1 + sizes.deletions * scenario.versions)


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
    persons
        Which records belong together.
    seed
        The seed of the audit.
    classes
        (n,) the class of each record of the dataset, where every training set has some of each; else None.
    """

    side: str
    pool: SidePool
    references: Positions
    sizes: WorldsConfig
    scenario: ScenarioConfig
    persons: Persons
    seed: int
    classes: Integers | None = None

    @property
    def drawn_from(self) -> dict[str, Any]:
        """What decides its worlds besides sizes, scenario, seed and data, for the store's keys."""
        return {}

    @property
    def n_worlds(self) -> int:
        """How many worlds this side has."""
        return self.sizes.shadow if self.side == "shadow" else self.sizes.target

    @property
    def n_deleted_by_chain(self) -> int:
        """How many people one chain deletes."""
        return n_deleted_by_chain(self.scenario)

    @property
    def n_deletions(self) -> int:
        """How many people this side deletes, counted anew in each chain."""
        return self.n_worlds * self.sizes.deletions * self.n_deleted_by_chain

    @property
    def n_trainings(self) -> int:
        """How many models this side trains, counting every update as one."""
        return n_trainings(self.n_worlds, self.sizes, self.scenario)

    @cached_property
    def _trainable(self) -> npt.NDArray[np.int64]:
        """The people who may be trained on."""
        return np.unique(self.persons.codes[self.pool.train])

    @cached_property
    def unseen(self) -> Positions:
        """The records that may be asked as unseen: the reference records are never among them."""
        return np.setdiff1d(self.pool.unseen, self.references)

    @property
    def n_unseen_asked(self) -> int:
        """How many unseen records are asked of a pair."""
        return min(self.n_deleted_by_chain + self.sizes.unseen, len(self.unseen))

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
        self.check_members(len(members), f"world {index} of the {self.side} side")
        training = rng.permutation(self.persons.rows(members))
        # a world that asks more than there are asks all equally often, and some once more: those have a turn
        asked = self.sizes.deletions * self.n_unseen_asked % len(self.unseen)
        unseen = self._by_turns(self.unseen, asked, index, rng, _UNSEEN)
        arriving = rng.permutation(self.pool.replacement)
        gone, staying = self._draw_chains(members, index)
        retained = self.persons.first_rows(staying)
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
        """Return the people whom world ``index`` trains on."""
        return self._draw_members(index, generator(self.seed, Kind.WORLD, SIDES[self.side], index))

    def most_deleted(self) -> int:
        """Return the most records that any chain of any world deletes."""
        chains = (self._draw_chains(self.members(index), index)[0] for index in range(self.n_worlds))
        return max(int(self.persons.sizes(steps.reshape(len(steps), -1)).sum(axis=1).max()) for steps in chains)

    def _draw_members(self, index: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        deleted = min(self.sizes.deletions * self.n_deleted_by_chain, self.sizes.train_size)
        everyone = self._by_turns(self._trainable, deleted, index, rng, _DELETED)
        members = self.persons.take(everyone, self.sizes.train_size)
        return self._with_each_class(members, everyone[len(members) :], self.sizes.train_size, rng)

    def _with_each_class(self, members: Integers, others: Integers, n_rows: int, rng: np.random.Generator) -> Integers:
        """Return members of which every class has some, where that is asked for."""
        if self.classes is None:
            return members
        return with_each_class(members, others, self.persons, self.classes, self._fewest, n_rows, rng)

    @cached_property
    def _fewest(self) -> Integers:
        """(classes,) how many records of each class a training set has at the least."""
        assert self.classes is not None
        return fewest_of_each(self.classes, self.pool.train, self.n_deleted_by_chain, f"the {self.side} side")

    def _draw_chains(
        self, members: npt.NDArray[np.int64], index: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the people whom each update of each chain deletes, and those whom each chain leaves to be asked about.

        Chains take stretches from the front of the shuffled people and ask the retained from the back, so
        none depends on how many chains there are. When all are used up they are shuffled anew.

        Returns
        -------
        (chains, versions, size) and (chains, retained) people.
        """
        size, versions, width = int(self.scenario.size), self.scenario.versions, self.n_deleted_by_chain
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
        for t, persons in enumerate(steps):
            deleted = self.persons.rows(persons)
            added = _NOBODY
            if self.scenario.name == "online":
                at = (j * len(steps) + t) * len(deleted)
                added = stretch(arriving, at, len(deleted))
            requests.append(Request(deleted, added))
        return tuple(requests)

    def _query(self, chain: Chain, unseen: Positions, retained: Positions, j: int) -> Query:
        deleted = np.concatenate([request.deleted for request in chain]) if len(chain) > 1 else chain[0].deleted
        firsts = self._first_of_each_person(deleted)
        n = len(deleted) if firsts is None else int(np.count_nonzero(firsts))
        wanted = n + self.sizes.unseen
        width = min(wanted, len(unseen))
        asked = stretch(unseen, j * width, width)
        positions = np.concatenate([deleted, asked, retained, self.references])
        counts = len(deleted), len(asked), len(retained), len(self.references)
        roles, deleted_at = roles_of(counts, tuple(len(request.deleted) for request in chain))
        # the paper's rows: one record of each person deleted, as many unseen ones and, where there are, retained ones
        paper = leading((n, min(n, len(asked)), 1 if self.scenario.name == "retained" else n), counts)
        if firsts is not None:
            paper = np.concatenate([firsts, paper[len(deleted) :]])
        return Query(positions, roles, deleted_at, paper)

    def _first_of_each_person(self, positions: Positions) -> npt.NDArray[np.bool_] | None:
        """(m,) true at the first record of each person; None where no person has several."""
        if len(positions) == 1 or self.persons.single:
            return None
        first = np.zeros(len(positions), dtype=bool)
        first[np.unique(self.persons.codes[positions], return_index=True)[1]] = True
        return first

    def check_members(self, count: int, where: str, largest: int | None = None, allowed: int | None = None) -> None:
        """Raise unless a world of so many people can lose those that it has to and keep as many.

        Parameters
        ----------
        count
            Its people.
        where
            What messages call it.
        largest
            The most training records that a world may have; None where that is not known.
        allowed
            The deletions that would do, if single ones are asked for; None for half of its people.

        Raises
        ------
        AuditError
            With what to ask for instead.
        """
        sizes, width = self.sizes, self.n_deleted_by_chain
        needed = sizes.deletions if width == 1 else width
        if count >= 2 * needed:
            return
        asked = (
            f"for {needed:,} deletions each" if width == 1 else f"to delete {needed:,} of them in one chain of updates"
        )
        people = "" if self.persons.single else f", with as few as {count:,} {'person' if count == 1 else 'people'}"
        most = count // 2 if allowed is None or width > 1 else allowed
        fewer = f"use at most {most:,} deletions{'' if width == 1 else ' a chain'}, or " if most else ""
        enough = largest is None or largest * max(count, 1) >= sizes.train_size * 2 * needed
        upto = "" if largest is None else f", here at most {largest:,}"
        raise AuditError(
            f"{where} allows worlds of {sizes.train_size:,} training records{people}, too few {asked} (as many must "
            f"remain); {fewer}{f'for larger worlds (--train-size{upto})' if enough else 'audit more records'}"
        )
