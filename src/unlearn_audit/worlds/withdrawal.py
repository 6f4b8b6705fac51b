"""Worlds of one update that deletes many records at once: all of a class, or those on a list.

An attack that compares the deleted with unseen records of other classes would learn the class. So whoever is asked,
unseen, retained or as a reference, is of the classes of the deleted and in their proportions. Each world has one
update, so that worlds are the units of every interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from unlearn_audit.utils.seeds import SIDES, generator
from unlearn_audit.utils.seeds import Kind as Drawn
from unlearn_audit.utils.typing import Integers, Positions
from unlearn_audit.worlds.design import Query, Request, World, leading, roles_of, turn
from unlearn_audit.worlds.plan import WorldPlan
from unlearn_audit.worlds.strata import fewest_of_each

MOST_ASKED = 200
"""Deleted records that are asked of a pair, where an update deletes more."""

_NOBODY: Positions = np.empty(0, dtype=np.int64)
_DELETED, _UNSEEN = 0, 1


@dataclass(frozen=True)
class WithdrawalPlan(WorldPlan):
    """The worlds of one side that each delete a class or a list of records at once.

    Attributes
    ----------
    labels
        (n,) the class of each record of the dataset.
    of_class
        The class of which each world deletes all its training records; None where a list decides.
    listed
        (m,) people whom every target world trains on and deletes; empty where a class decides.
    """

    labels: Integers = field(default_factory=lambda: _NOBODY)
    of_class: int | None = None
    listed: Integers = field(default_factory=lambda: _NOBODY)

    @property
    def drawn_from(self) -> dict[str, Any]:
        """A digest of the list, if there is one."""
        return {} if self.of_class is not None else {"listed": sha256(self.listed.tobytes()).hexdigest()}

    @cached_property
    def unseen(self) -> Positions:
        """The records that may be asked as unseen; no person is a reference and unseen as well."""
        known = self.persons.rows(np.unique(self.persons.codes[self.references]))
        return np.setdiff1d(self.pool.unseen, known)

    @cached_property
    def unseen_of_each(self) -> Integers:
        """(classes,) how many records of each class may be asked as unseen."""
        return counts_of(self.labels, self.unseen)

    @cached_property
    def _numbers(self) -> tuple[int, int, int]:
        """How many records a world deletes at most, all worlds ask as deleted, and a world asks as unseen at most."""
        worlds = [self.world(index) for index in range(self.n_worlds)]
        roles = [world.queries[0].roles for world in worlds]
        return (
            max(len(world.chains[0][0].deleted) for world in worlds),
            sum(int((of == "deleted").sum()) for of in roles),
            max(int((of == "unseen").sum()) for of in roles),
        )

    @property
    def n_deleted_by_chain(self) -> int:
        """The most records that an update deletes."""
        return self._numbers[0]

    def most_deleted(self) -> int:
        """Return the same."""
        return self._numbers[0]

    @property
    def n_deletions(self) -> int:
        """How many deleted records are asked of this side, in all its worlds."""
        return self._numbers[1]

    @property
    def n_unseen_asked(self) -> int:
        """How many unseen records are asked of a pair, at most."""
        return self._numbers[2]

    def world(self, index: int) -> World:
        """Draw world ``index``, which depends on no other."""
        rng = generator(self.seed, Drawn.WORLD, SIDES[self.side], index)
        training = rng.permutation(self.persons.rows(self._draw_members(index, rng)))
        deleted = training[self._leaves(training, index)]
        staying = training[~np.isin(training, deleted)]
        query = self._asked(deleted, staying, index)
        return World(self.side, index, training, ((Request(deleted, _NOBODY),),), (query,))

    def _draw_members(self, index: int, rng: np.random.Generator) -> Integers:
        sure = self._on_list(index)
        others = rng.permutation(np.setdiff1d(self._trainable, sure))
        room = self.sizes.train_size - int(self.persons.sizes(sure).sum())
        filling = self.persons.take(others, room)
        members = np.concatenate([sure, filling])
        return self._with_each_class(members, others[len(filling) :], self.sizes.train_size, rng)

    @cached_property
    def _fewest(self) -> Integers:
        """(classes,) how many records of each class a training set has at the least."""
        assert self.classes is not None
        return fewest_of_each(self.classes, self.pool.train, 1, f"the {self.side} side")

    def _leaves(self, training: Positions, index: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(n,) which training records the update deletes."""
        if self.of_class is not None:
            return np.asarray(self.labels[training] == self.of_class)
        return np.isin(self.persons.codes[training], self._on_list(index))

    def _on_list(self, index: int) -> Integers:
        """Return the people on the list of a world: the owner's, or on the shadow side a drawn one like it."""
        if self.side == "target" or not len(self.listed):
            return self.listed
        wanted = counts_of(self._class_of, self.listed)
        return np.concatenate(
            [
                turn(self._trainable_of(of), int(wanted[of]), index, self.seed, SIDES[self.side], _DELETED, of)
                for of in map(int, np.flatnonzero(wanted))
            ]
        )

    @cached_property
    def _class_of(self) -> Integers:
        """(people,) by code, the class of each person's first record; 0 where a code is nobody's."""
        classes = np.zeros(int(self.persons.values.max()) + 1, dtype=np.int64)
        classes[self.persons.values] = self.labels[self.persons.first_rows(self.persons.values)]
        return classes

    def _trainable_of(self, of: int) -> Integers:
        return np.asarray(self._trainable[self._class_of[self._trainable] == of])

    def list_shortfalls(self) -> Iterator[tuple[int, int, int]]:
        """Yield each class of which the side has fewer people than a list like the owner's: class, there, needed."""
        wanted = counts_of(self._class_of, self.listed)
        for of in map(int, np.flatnonzero(wanted)):
            if len(self._trainable_of(of)) < wanted[of]:
                yield of, len(self._trainable_of(of)), int(wanted[of])

    def _asked(self, deleted: Positions, staying: Positions, index: int) -> Query:
        """Ask of the deleted up to `MOST_ASKED`, and of each class as many others, unseen ones several times that.

        Of a class fewer deleted records are asked where fewer unseen ones are there to compare them with.
        """
        rank = _places_in_class(self.labels, deleted)
        own = deleted[rank < self.unseen_of_each[self.labels[deleted]]][:MOST_ASKED]
        wanted = counts_of(self.labels, own, len(self.unseen_of_each))
        of_each = [int(of) for of in np.flatnonzero(wanted)]
        times = min((int(self.unseen_of_each[of] // wanted[of]) for of in of_each), default=0)
        times = min(times, 1 + self.sizes.unseen // max(len(own), 1))
        blocks: list[Positions] = []
        for of in of_each:
            pool = self.unseen[self.labels[self.unseen] == of]
            drawn = turn(pool, int(wanted[of]) * times, index, self.seed, SIDES[self.side], _UNSEEN, of)
            blocks.append(drawn.reshape(times, -1))
        # the first of so many blocks, each with the classes of the deleted, are the paper's
        unseen = np.concatenate(blocks, axis=1).ravel() if blocks else _NOBODY
        kept = staying[_places_in_class(self.labels, staying) < wanted[self.labels[staying]]]
        counts = len(own), len(unseen), len(kept), len(self.references)
        roles, deleted_at = roles_of(counts, (len(own),))
        paper = leading((len(own), len(own), len(own)), counts)
        return Query(np.concatenate([own, unseen, kept, self.references]), roles, deleted_at, paper)


def counts_of(labels: Integers, positions: Positions, n: int | None = None) -> Integers:
    """Return (classes,) how many of some records are of each class."""
    n = int(labels.max()) + 1 if n is None else n
    return np.bincount(labels[positions], minlength=n).astype(np.int64)


def _places_in_class(labels: Integers, positions: Positions) -> Integers:
    """(m,) the place of each record among those of its class, in the order given.

    Examples
    --------
    >>> _places_in_class(np.array([0, 1, 0, 1]), np.array([3, 0, 1, 2])).tolist()
    [0, 0, 1, 1]
    """
    own = labels[positions]
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], own[order])
    places = np.empty(len(own), dtype=np.int64)
    places[order] = np.arange(len(own)) - starts
    return places
