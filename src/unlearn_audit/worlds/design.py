"""The paper's worlds on two disjoint sides: single deletions, each with its pair of queries and more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.config import WorldsConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.seeds import SIDES, Kind, generator
from unlearn_audit.worlds.split import SidePool, Split
from unlearn_audit.worlds.units import Positions, Units


@dataclass(frozen=True)
class Request:
    """What one update asks: the positions of the records deleted and, in online learning, added."""

    deleted: Positions
    added: Positions


@dataclass(frozen=True)
class Query:
    """The records asked of one pair of models.

    Attributes
    ----------
    positions
        (m,) which records.
    roles
        (m,) ``deleted``, ``unseen``, ``retained`` or ``reference``.
    paper
        (m,) true for the rows of the paper's protocol.
    """

    positions: Positions
    roles: npt.NDArray[np.str_]
    paper: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """One original model: its training records in training order, its requests and their queries."""

    side: str
    index: int
    training: Positions
    requests: tuple[Request, ...]
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class WorldPlan:
    """What was decided for one side of one dataset, sizes adjusted to what the records allow."""

    side: str
    pool: SidePool
    references: Positions
    sizes: WorldsConfig
    units: Units
    seed: int

    @property
    def n_worlds(self) -> int:
        """How many worlds this side has."""
        return self.sizes.shadow if self.side == "shadow" else self.sizes.target

    @property
    def unseen(self) -> Positions:
        """The records that may be asked as unseen: the reference records are never among them."""
        return np.setdiff1d(self.pool.unseen, self.references)

    def world(self, index: int) -> World:
        """Draw world ``index``; it depends on nothing but the seed, the side, the pool and the sizes."""
        rng = generator(self.seed, Kind.WORLD, SIDES[self.side], index)
        everyone = rng.permutation(np.unique(self.units.codes[self.pool.train]))
        members = self.units.take(everyone, self.sizes.train_size)
        training = rng.permutation(self.units.rows(members))
        # request j deletes the j-th unit from the front and asks a retained record from the back, and
        # takes the j-th stretch of the unseen records: none depends on how many requests there are
        unseen = rng.permutation(self.unseen)
        width = 1 + self.sizes.unseen
        requests, queries = [], []
        for j in range(self.sizes.deletions):
            deleted = self.units.rows(members[j : j + 1])
            retained = self.units.rows(members[len(members) - 1 - j : len(members) - j])[:1]
            asked = unseen[np.arange(j * width, (j + 1) * width) % len(unseen)]
            requests.append(Request(deleted=deleted, added=np.empty(0, dtype=np.int64)))
            queries.append(self._query(deleted, asked, retained))
        return World(self.side, index, training, tuple(requests), tuple(queries))

    def _query(self, deleted: Positions, unseen: Positions, retained: Positions) -> Query:
        parts = {"deleted": deleted, "unseen": unseen, "retained": retained, "reference": self.references}
        roles = np.repeat(list(parts), [len(p) for p in parts.values()])
        positions = np.concatenate(list(parts.values()))
        # the paper's rows: one of each role a pair, the first of each
        paper = np.zeros(len(positions), dtype=bool)
        for role in ("deleted", "unseen", "retained"):
            paper[np.flatnonzero(roles == role)[:1]] = True
        return Query(positions, roles, paper)


def plan_worlds(
    split: Split, units: Units, sizes: WorldsConfig, seed: int, where: str, sides: tuple[str, ...]
) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Fit the sizes asked for to the records there are.

    Parameters
    ----------
    split, units
        The sides, and which records belong together.
    sizes
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
    _refuse_too_many_deletions(sizes, pools, units, where)
    references, sizes, more = _share_unseen(split, pools, sizes, units, seed, where)
    plans = {s: WorldPlan(s, split.side(s), references, sizes, units, seed) for s in sides}
    notes += more
    return plans, tuple(notes)


def _refuse_too_many_deletions(sizes: WorldsConfig, pools: list[SidePool], units: Units, where: str) -> None:
    """Raise unless every world has as many units to keep as it deletes."""
    for pool in pools:
        people = np.unique(units.codes[pool.train])
        counts = np.sort(units.sizes(people))[::-1]
        fewest = int(np.searchsorted(np.cumsum(counts), sizes.train_size, side="right"))
        if fewest < 2 * sizes.deletions:
            raise AuditError(
                f"{where} allows worlds of {sizes.train_size:,} training records, too few for {sizes.deletions:,} "
                f"deletions each (as many must remain); ask for at most {fewest // 2:,} deletions or audit more records"
            )


def _share_unseen(
    split: Split, pools: list[SidePool], sizes: WorldsConfig, units: Units, seed: int, where: str
) -> tuple[Positions, WorldsConfig, list[str]]:
    """Set reference records apart from the shadow side's unseen ones, leaving enough to ask about."""
    notes: list[str] = []
    available = len(split.shadow.unseen)
    # the attacker's own records: at most half, or all but two pairs' worth where there are many
    most = max(available // 2, available - 2 * (1 + sizes.unseen))
    rng = generator(seed, Kind.SPLIT, 1)
    people = rng.permutation(np.unique(units.codes[split.shadow.unseen]))
    chosen = units.take(people, min(sizes.references, most))
    references = np.sort(units.rows(chosen))
    if len(references) < sizes.references:
        notes.append(f"{where}: {sizes.references:,} reference records were asked for; {len(references):,} are there")
    left = min(len(np.setdiff1d(pool.unseen, references)) for pool in pools)
    if left < 1:
        raise AuditError(f"{where} leaves no unseen record to ask about; audit more records")
    if left < 1 + sizes.unseen:
        notes.append(
            f"{where}: {1 + sizes.unseen:,} unseen records a pair were asked for; {left:,} are there and are used"
        )
    sizes = sizes.model_copy(update={"references": len(references), "unseen": min(sizes.unseen, left - 1)})
    return references, sizes, notes
