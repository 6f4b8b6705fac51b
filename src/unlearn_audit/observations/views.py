"""What an attack is handed: the table without its ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations.table import Observations
from unlearn_audit.utils.codes import in_half

ViewName = Literal["pair", "original", "unlearned", "sequence", "labels"]
"""What the attacker sees: the first and the last version, only the original, only the last, every one, or of the first
and the last which class is the most probable."""

_ONE_MODEL = ("original", "unlearned")

ROWS_AT_ONCE = 1 << 16
"""Rows that an attack scores at once."""


def sees_original_alone(view: str) -> bool:
    """Return whether an attacker sees the original model alone: what classical membership inference reads.

    Examples
    --------
    >>> sees_original_alone("original"), sees_original_alone("unlearned")
    (True, False)
    """
    return view == "original"


def sees_versions(view: str) -> bool:
    """Return whether an attacker sees the posteriors of more than one version: a report leads with such an attack.

    Examples
    --------
    >>> [view for view in ("pair", "original", "unlearned", "sequence", "labels") if sees_versions(view)]
    ['pair', 'sequence']
    """
    return view in ("pair", "sequence")


@dataclass(frozen=True, eq=False)
class View:
    """Queried records as an attacker sees them: no role, no world, no request.

    Attributes
    ----------
    posteriors
        (n, versions seen, classes) float32; if only labels are seen, 1 at the predicted class.
    labels
        (n,) class index of each record, -1 if not known.
    pair
        (n,) an opaque number, equal for rows queried on the same pair of models.
    signals
        Further arrays of n rows each, by name.
    references
        The same for the records that the attacker knows were never trained on; never scored.
    positions
        (n,) which record of its dataset the attacker queries, for attacks that compute with the record itself; None for
        all others.
    records
        (n,) the record of each row, for attacks that learn about each record separately, in worlds that audit the same
        records in every role; None for all others.
    """

    posteriors: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    pair: npt.NDArray[np.int64]
    signals: Mapping[str, npt.NDArray[Any]]
    references: View | None = None
    positions: npt.NDArray[np.int64] | None = None
    records: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.posteriors)

    @property
    def original(self) -> npt.NDArray[np.float32]:
        """(n, classes) posteriors of the first version seen."""
        return self.posteriors[:, 0]

    @property
    def unlearned(self) -> npt.NDArray[np.float32]:
        """(n, classes) posteriors of the last version seen."""
        return self.posteriors[:, -1]

    def blocks(self) -> Iterator[View]:
        """Yield the rows in blocks."""
        for start in range(0, max(len(self), 1), ROWS_AT_ONCE):
            yield self if len(self) <= ROWS_AT_ONCE else self.take(slice(start, start + ROWS_AT_ONCE))

    def take(self, mask: npt.NDArray[Any] | slice) -> View:
        """Return the rows that ``mask`` (booleans, positions or a slice) picks; the references stay whole."""
        return replace(
            self,
            posteriors=self.posteriors[mask],
            labels=self.labels[mask],
            pair=self.pair[mask],
            signals={name: values[mask] for name, values in self.signals.items()},
            positions=None if self.positions is None else self.positions[mask],
            records=None if self.records is None else self.records[mask],
        )


@dataclass(frozen=True, eq=False)
class LabelledView:
    """A view with its answers: what an attack is fitted on, from the attacker's own worlds.

    Attributes
    ----------
    view
        The queried records.
    positive
        (n,) whether each is a positive of the game.
    """

    view: View
    positive: npt.NDArray[np.bool_]

    def take(self, mask: npt.NDArray[Any]) -> LabelledView:
        """Return the rows that ``mask`` picks."""
        return LabelledView(self.view.take(mask), self.positive[mask])


@dataclass(frozen=True, eq=False)
class Asked:
    """Rows of a table as an attacker sees them, of which a `View` is made block by block.

    What an attacker sees may take as much memory as the table, and is never held of many rows at once.

    Attributes
    ----------
    posteriors
        (all, versions, classes) float32 of the whole table.
    versions
        Which of them are seen.
    labels_alone
        Whether only which class is the most probable is seen.
    labels, pair, signals, positions, records
        As in `View`, of the whole table.
    rows
        (n,) positions of the rows that are asked; None for all.
    references
        As in `View`.
    """

    posteriors: npt.NDArray[np.float32]
    versions: slice
    labels_alone: bool
    labels: npt.NDArray[np.int64]
    pair: npt.NDArray[np.int64]
    signals: Mapping[str, npt.NDArray[Any]]
    positions: npt.NDArray[np.int64] | None
    records: npt.NDArray[np.int64] | None
    rows: npt.NDArray[np.signedinteger[Any]] | None = None
    references: View | None = None

    @classmethod
    def of(
        cls,
        observations: Observations,
        view: ViewName,
        rows: npt.NDArray[np.bool_],
        record_ids: npt.NDArray[np.int64] | None = None,
        *,
        with_records: bool = False,
        others: Observations | None = None,
    ) -> Asked:
        """Return what `attacker_view` shows; ``others`` are the references of the table, where they are at hand."""
        every = cls._every(observations, view, record_ids, with_records=with_records)
        others = observations.references if others is None else others
        if others is None:
            return every.at(rows)
        is_reference = observations.in_roles("reference")
        # pairs are numbered over all rows
        beside = cls._every(others, view, record_ids, with_records=with_records).whole
        beside = replace(beside, pair=observations.pairs[is_reference])
        return replace(every.at(rows & ~is_reference), references=beside)

    @classmethod
    def _every(
        cls,
        observations: Observations,
        view: ViewName,
        record_ids: npt.NDArray[np.int64] | None,
        *,
        with_records: bool,
    ) -> Asked:
        """Return all rows of a table."""
        last = observations.n_versions - 1
        # slices copy nothing: every attack's view of a table holds the same posteriors
        chosen = {"original": slice(0, 1), "unlearned": slice(last, last + 1), "sequence": slice(None)}
        records = observations.rows["record"].to_numpy()
        return cls(
            observations.posteriors,
            chosen.get(view, slice(None, None, max(last, 1))),
            view == "labels",
            observations.rows["label"].to_numpy(),
            observations.pairs,
            {} if view in _ONE_MODEL else observations.signals,
            None if record_ids is None else _positions(records, record_ids),
            records if with_records else None,
        )

    def sharing(self, other: Asked) -> Asked:
        """Return the same, with the positions and the pairs of another view of the same rows in place of equal ones."""
        beside, others = self.references, other.references
        if beside is not None and others is not None:
            beside = replace(beside, pair=others.pair)
        return replace(self, rows=other.rows, pair=other.pair, references=beside)

    def __len__(self) -> int:
        return len(self.posteriors) if self.rows is None else len(self.rows)

    def at(self, rows: npt.NDArray[np.bool_]) -> Asked:
        """Return some rows of the table alone."""
        return replace(self, rows=None if rows.all() else in_half(np.flatnonzero(rows), len(rows)))

    @property
    def whole(self) -> View:
        """All rows as one view."""
        return self._block(slice(None))

    def blocks(self) -> Iterator[View]:
        """Yield the rows in blocks."""
        for start in range(0, max(len(self), 1), ROWS_AT_ONCE):
            yield self._block(slice(start, start + ROWS_AT_ONCE))

    def _block(self, block: slice) -> View:
        at: Any = block if self.rows is None else self.rows[block]
        posteriors = self.posteriors[at][:, self.versions]
        return View(
            _labels_alone(posteriors) if self.labels_alone else posteriors,
            self.labels[at],
            self.pair[at],
            {name: values[at] for name, values in self.signals.items()},
            self.references,
            None if self.positions is None else self.positions[at],
            None if self.records is None else self.records[at],
        )


def attacker_view(
    observations: Observations,
    view: ViewName,
    rows: npt.NDArray[np.bool_],
    record_ids: npt.NDArray[np.int64] | None = None,
    *,
    with_records: bool = False,
) -> View:
    """Return what an attacker sees of the given rows, with the reference records of the table along with them.

    Parameters
    ----------
    observations
        The whole table of one side.
    view
        Which versions are seen.
    rows
        (n,) which rows are to be scored.
    record_ids
        The records of the dataset, for an attack that computes with them; they are all in it.
    with_records
        Whether it shows whose each row is.
    """
    return Asked.of(observations, view, rows, record_ids, with_records=with_records).whole


def _labels_alone(posteriors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return posteriors with 1 at the most probable class and 0 elsewhere."""
    alone = np.zeros_like(posteriors)
    np.put_along_axis(alone, posteriors.argmax(axis=-1)[..., None], 1.0, axis=-1)
    return alone


def _positions(records: npt.NDArray[np.int64], record_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where in a dataset each record stands."""
    order = np.argsort(record_ids, kind="stable")
    return np.asarray(order[np.searchsorted(record_ids, records, sorter=order)])
