"""Corrections of records: in each of some columns, one other value; and worlds in which some of them are made.

A corrected record is a further record of the dataset with the id of the old one. An update deletes the old and adds the
corrected one, as in online learning, so that every unlearning method works as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import SIDES, Kind, generator
from unlearn_audit.utils.typing import Array, Integers, Mask, Positions
from unlearn_audit.worlds import Query, Request, World, WorldPlan


@dataclass(frozen=True, eq=False)
class LineUps:
    """For each of some records, corrections of which the attacker knows that one was made, and not which.

    Attributes
    ----------
    data
        The dataset with the corrected records after all others: of each record first the record as it was, for a value
        that is written anew unchanged, then one correction of each column.
    records
        (m,) positions of the records, ascending.
    columns
        (m, k) the column that each correction changes.
    steps
        (m, k) by how much it changes it, in standard deviations of the column.
    first
        The position of the first corrected record.
    """

    data: Dataset
    records: Positions
    columns: Integers
    steps: Array
    first: int

    @classmethod
    def of(cls, data: Dataset, public: Positions, records: Positions, most: int, seed: int) -> LineUps:
        """Draw, for each record, another value of up to ``most`` columns, as they are spread among some records.

        What is drawn for a record depends on the seed and its id, and not on the other records.

        Parameters
        ----------
        data
            The dataset.
        public
            (p,) positions of the records whose values are drawn from.
        records
            (m,) ascending positions of the records to correct.
        most
            How many columns a line-up has at most; where there are more, each record has its own ones.
        seed
            The seed of the audit.

        Raises
        ------
        AuditError
            If fewer than two columns vary.
        """
        X = np.asarray(data.X)
        if X.ndim != 2 or X.dtype.kind not in "biuf":
            raise AuditError(f"records of {data.name} are not rows of numbers, in which a value could be corrected")
        values = np.sort(X[public], axis=0)
        varying = np.flatnonzero(values[0] != values[-1])
        if len(varying) < 2:
            raise AuditError(
                f"{len(varying):,} of the columns of {data.name} vary, and which one was corrected is a question of "
                "two or more; give records with more columns"
            )
        k = min(most, len(varying))
        spread = np.maximum(values[:, varying].astype(np.float64).std(axis=0), np.finfo(np.float64).tiny)
        rows = np.repeat(X[records][:, None], 1 + k, axis=1)
        columns, steps = np.empty((len(records), k), dtype=np.int64), np.empty((len(records), k))
        for i, record in enumerate(data.record_ids[records]):
            rng = generator(seed, Kind.CORRECTION, int(record))
            places = np.arange(k) if k == len(varying) else np.sort(rng.permutation(len(varying))[:k])
            columns[i] = varying[places]
            old = X[records[i], columns[i]]
            new = np.array(
                [_another(values[:, of], own, u) for of, own, u in zip(columns[i], old, rng.random(k), strict=True)]
            )
            rows[i, np.arange(1, 1 + k), columns[i]] = new
            steps[i] = np.abs(new.astype(np.float64) - old.astype(np.float64)) / spread[places]
        return cls(_extended(data, rows.reshape(-1, X.shape[1]), records, 1 + k), records, columns, steps, len(data))

    @property
    def n_columns(self) -> int:
        """How many corrections a line-up has."""
        return int(self.columns.shape[1])

    def unchanged(self, records: Positions) -> Positions:
        """(m,) positions of records rewritten unchanged."""
        return self.first + np.searchsorted(self.records, records) * (1 + self.n_columns)

    def corrected(self, records: Positions) -> npt.NDArray[np.int64]:
        """(m, k) positions of the corrections of records."""
        return self.unchanged(records)[:, None] + 1 + np.arange(self.n_columns)

    def steps_of(self, records: Positions) -> Array:
        """(m, k) by how much each correction of records changes its column."""
        return self.steps[np.searchsorted(self.records, records)]


def _another(values: npt.NDArray[Any], own: Any, u: float) -> Any:
    """Return the value at share ``u`` of sorted values without those that equal the own one."""
    low, high = np.searchsorted(values, own, "left"), np.searchsorted(values, own, "right")
    at = int(u * (len(values) - (high - low)))
    return values[at if at < low else at + high - low]


def _extended(data: Dataset, rows: npt.NDArray[Any], records: Positions, times: int) -> Dataset:
    """Return a dataset with further rows: so many for each record, with its label, its id and its person."""
    of = np.repeat(records, times)

    def longer(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([values, values[of]])

    return replace(
        data,
        X=np.concatenate([np.asarray(data.X), rows]),
        y=longer(data.y),
        record_ids=longer(data.record_ids),
        persons=None if data.persons is None else longer(data.persons),
    )


@dataclass(frozen=True)
class RectificationPlan(WorldPlan):
    """The worlds of one side, in which updates correct records: those that a plan of single updates deletes.

    Attributes
    ----------
    single
        That plan.
    line_ups
        The corrections of every record that is asked about.
    null
        Whether each value is written anew as it was.
    """

    single: WorldPlan = field(kw_only=True)
    line_ups: LineUps = field(kw_only=True, repr=False, compare=False)
    null: bool = False

    @classmethod
    def of(cls, single: WorldPlan, data: Dataset, public: Positions, most: int, *, null: bool) -> RectificationPlan:
        """Return the plan in which records are corrected that another one deletes; the rest as `LineUps.of` takes."""
        subjects = np.unique(np.concatenate([_subjects(of) for of in _queries(single)]))
        line_ups = LineUps.of(data, public, subjects, most, single.seed)
        return cls(**vars_of(single), single=single, line_ups=line_ups, null=null)

    @property
    def drawn_from(self) -> dict[str, Any]:
        """What is corrected."""
        return {"rectification": {"columns": self.line_ups.n_columns, "null": self.null}}

    def true_columns(self, index: int) -> Integers:
        """(pairs,) the place in its line-up of the correction that each update of a world makes."""
        rng = generator(self.seed, Kind.CORRECTION, SIDES[self.side], index)
        return rng.integers(0, self.line_ups.n_columns, self.sizes.deletions)

    def subjects(self, index: int) -> npt.NDArray[np.int64]:
        """(pairs, 1 + unchanged) the records asked about: the corrected one first."""
        return np.stack([_subjects(query) for query in self.single.world(index).queries])

    def world(self, index: int) -> World:
        """Draw world ``index``."""
        world, true = self.single.world(index), self.true_columns(index)
        chains = []
        for (request,), column in zip(world.chains, true, strict=True):
            made = self.line_ups.unchanged if self.null else self.line_ups.corrected
            added = made(request.deleted).reshape(-1)
            chains.append((Request(request.deleted, added if self.null else added[[column]]),))
        return replace(world, chains=tuple(chains), queries=tuple(self._asked(query) for query in world.queries))

    def _asked(self, query: Query) -> Query:
        """Ask about each subject as it was and as each correction has it, then about the references."""
        subjects, known = _subjects(query), query.positions[query.roles == "reference"]
        asked = np.column_stack([subjects, self.line_ups.corrected(subjects)])
        roles = np.full(asked.shape, "unseen", dtype=query.roles.dtype)
        roles[0, 0], roles[1:, 0] = "deleted", "retained"
        deleted_at = np.full(asked.size + len(known), -1)
        deleted_at[0] = 1
        return Query(
            np.concatenate([asked.ravel(), known]),
            np.concatenate([roles.ravel(), np.full(len(known), "reference", dtype=query.roles.dtype)]),
            deleted_at,
            np.zeros(asked.size + len(known), dtype=bool),
        )


def vars_of(plan: WorldPlan) -> dict[str, Any]:
    """Return the fields of a plan by name."""
    return {name: getattr(plan, name) for name in WorldPlan.__dataclass_fields__}


def _queries(plan: WorldPlan) -> list[Query]:
    return [query for index in range(plan.n_worlds) for query in plan.world(index).queries]


def _subjects(query: Query) -> Positions:
    """Return the corrected record of a query, then those that stay as they are."""
    wanted: Mask = np.isin(query.roles, ("deleted", "retained"))
    return query.positions[wanted]
