"""What the reference records of a pair reveal: by how much everything moves when somebody is deleted.

Each pair of models has its own scale: some deletions move every answer, some none. Reference records, which the
attacker knows were never trained on, are asked of the same pair and show that scale, at the cost of queries alone.

Notation: Δφ = φ_o - φ_u is by how much the margin of a record fell; R the references of the pair of a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import margin, moved
from unlearn_audit.utils.typing import Array

FLOOR = 1e-6
"""A scale below this counts as this: posteriors are float32, and what is smaller is rounding."""

BANDWIDTH = 0.5
"""How near in φ_o a reference has to be to tell of a record's own scale, as a standard deviation."""

_AT_ONCE = 1 << 20
"""Comparisons of a row with a reference that are made at once."""

_MANY = 512
"""References of a pair from which on ranks are looked up among them in order."""

_TOO_MANY = 2048
"""References of a pair above which they are put into cells."""

_CELLS = 4096
_EDGES = np.linspace(-28.0, 28.0, _CELLS + 1)
"""Of cells of φ_o, which is between the logits of the smallest probabilities that count."""


def changes(view: View) -> tuple[Array, Array]:
    """Return (n,) Δφ of the first to the last version seen, and (n,) φ_o."""
    phi = margin(view.posteriors[:, [0, -1]], view.labels)
    return phi[:, 0] - phi[:, 1], phi[:, 0]


def references_of(view: View) -> View:
    """Return the references of a view.

    Raises
    ------
    AuditError
        If there are none.
    """
    if view.references is None:
        raise AuditError(
            "this attack needs reference records, and none were queried; add rows with the role 'reference'"
        )
    return view.references


def on_the_scale_of_the_pair(view: View, own: Array, of_references: Array) -> Array:
    """Return (n, ...) values less the median, over the mean distance from it, of the references of the same pair.

    Parameters
    ----------
    view
        The rows, with their references.
    own, of_references
        (n, ...) and (references, ...) values.

    Raises
    ------
    AuditError
        If a pair was asked no reference.
    """
    pairs = references_of(view).pair
    scaled = np.empty_like(own)
    for pair in np.unique(view.pair):
        rows, known = view.pair == pair, of_references[pairs == pair]
        if not len(known):
            raise AuditError(
                "a pair of models was not queried on any reference record; query every pair on the references"
            )
        middle = np.median(known, axis=0)
        scaled[rows] = (own[rows] - middle) / np.maximum(np.abs(known - middle).mean(axis=0), FLOOR)
    return scaled


@dataclass(frozen=True, eq=False)
class References:
    """The reference records of some pairs, a row a pair; pairs with fewer than the most end in NaN.

    Attributes
    ----------
    pairs
        (pairs,) their numbers in the view, ascending.
    change, original, unlearned
        (pairs, R) Δφ, φ_o and φ_u of each reference.
    moved
        (pairs, R) 1 where any probability changed, else 0.
    """

    pairs: npt.NDArray[np.int64]
    change: Array
    original: Array
    unlearned: Array
    moved: Array

    @classmethod
    def of(cls, view: View) -> References:
        """Collect the references of a view; parts of one view have the same, which are collected once.

        Raises
        ------
        AuditError
            If a pair has none.
        """
        references = references_of(view)
        if (known := _COLLECTED.get(references)) is None:
            known = _COLLECTED[references] = cls._collected(references)
        return known

    @classmethod
    def _collected(cls, references: View) -> References:
        phi = margin(references.posteriors[:, [0, -1]], references.labels)
        changed = moved(references.posteriors)
        pairs, index, counts = np.unique(references.pair, return_inverse=True, return_counts=True)
        order = np.argsort(index, kind="stable")
        place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        columns = {}
        values = {"change": phi[:, 0] - phi[:, 1], "original": phi[:, 0], "unlearned": phi[:, 1], "moved": changed}
        for name, of_each in values.items():
            columns[name] = np.full((len(pairs), counts.max()), np.nan)
            columns[name][index[order], place] = of_each[order]
        return cls(pairs, **columns)

    def rows_of(self, view: View) -> npt.NDArray[np.intp]:
        """Return (n,) the row of this collection that belongs to each row of a view.

        Raises
        ------
        AuditError
            If a pair was asked no reference.
        """
        found = np.searchsorted(self.pairs, view.pair)
        missing = self.pairs[np.minimum(found, len(self.pairs) - 1)] != view.pair
        if missing.any():
            raise AuditError(
                f"{len(np.unique(view.pair[missing])):,} pairs of models were not queried on any reference record; "
                "query every pair on the references"
            )
        return found

    @cached_property
    def location(self) -> Array:
        """(pairs,) median of Δφ."""
        return np.asarray(np.nanmedian(self.change, axis=1))

    @cached_property
    def scale(self) -> Array:
        """(pairs,) b = mean |Δφ - location|, at least `FLOOR`: the scale of a Laplace distribution."""
        spread = np.nanmean(np.abs(self.change - self.location[:, None]), axis=1)
        return np.asarray(np.maximum(spread, FLOOR))

    @cached_property
    def moved_share(self) -> Array:
        """(pairs,) share of references whose posterior changed at all."""
        return np.asarray(np.nanmean(self.moved, axis=1))

    def local_scale(self, original: Array, rows: npt.NDArray[np.intp]) -> Array:
        """Return (n,) ls = Σ w |Δφ_r| / Σ w with w = exp(-½ ((φ_o(r) - φ_o(x)) / 0.5)²), at least `FLOOR`.

        Where no reference is near, the nearest one decides.
        """

        if self.change.shape[1] > _TOO_MANY:
            return self._local_scale_by_cells(original, rows)

        def of_rows(at: npt.NDArray[np.intp], x: Array) -> Array:
            square = ((self.original[at] - x[:, None]) / BANDWIDTH) ** 2
            weights = np.exp(-0.5 * (square - np.nanmin(square, axis=1, keepdims=True)))
            return np.asarray(np.nansum(weights * np.abs(self.change[at]), axis=1) / np.nansum(weights, axis=1))

        return np.asarray(np.maximum(self._blocked(of_rows, rows, original), FLOOR))

    def _local_scale_by_cells(self, original: Array, rows: npt.NDArray[np.intp]) -> Array:
        """Return what `local_scale` does where there are too many references to compare each row with each.

        The references of a pair are put into cells of φ_o, a small part of the bandwidth wide, each cell standing at
        its own mean, and between the middles of cells ls is interpolated.
        """
        found = np.empty(len(rows))
        middles = (_EDGES[1:] + _EDGES[:-1]) / 2
        for at, places in _by_pair(rows):
            known = np.isfinite(self.change[at])
            cell = np.clip(np.searchsorted(_EDGES, self.original[at][known], "right") - 1, 0, _CELLS - 1)
            counts = np.bincount(cell, minlength=_CELLS)
            sums = np.bincount(cell, np.abs(self.change[at][known]), _CELLS)
            held = counts > 0
            means = np.bincount(cell, self.original[at][known], _CELLS)[held] / counts[held]
            of_cells = []
            for block in np.array_split(middles, 16):
                square = ((means - block[:, None]) / BANDWIDTH) ** 2
                weights = np.exp(-0.5 * (square - square.min(axis=1, keepdims=True)))
                of_cells.append((weights @ sums[held]) / (weights @ counts[held]))
            found[places] = np.interp(original[places], middles, np.concatenate(of_cells))
        return np.maximum(found, FLOOR)

    def rank(self, change: Array, rows: npt.NDArray[np.intp]) -> Array:
        """Return (n,) the share of references whose Δφ is below a record's, ties counted half."""

        if self.change.shape[1] > _MANY:
            shares = np.empty(len(rows))
            for at, places in _by_pair(rows):
                ordered = np.sort(self.change[at][np.isfinite(self.change[at])])
                below, up_to = (np.searchsorted(ordered, change[places], side) for side in ("left", "right"))
                shares[places] = (below + 0.5 * (up_to - below)) / len(ordered)
            return shares

        def of_rows(at: npt.NDArray[np.intp], x: Array) -> Array:
            known = self.change[at]
            below = (known < x[:, None]).sum(axis=1) + 0.5 * (known == x[:, None]).sum(axis=1)
            return np.asarray(below / np.isfinite(known).sum(axis=1))

        return self._blocked(of_rows, rows, change)

    def _blocked(
        self, function: Callable[[npt.NDArray[np.intp], Array], Array], rows: npt.NDArray[np.intp], values: Array
    ) -> Array:
        """Apply a function of (block,) rows and values block by block, since it compares each with all references."""
        size = max(_AT_ONCE // self.change.shape[1], 1)
        starts = range(0, len(rows), size)
        blocks = [function(rows[i : i + size], values[i : i + size]) for i in starts]
        return np.concatenate(blocks) if blocks else np.empty(0)


def _by_pair(rows: npt.NDArray[np.intp]) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Yield each pair that (n,) rows stand for, and where they stand."""
    order = np.argsort(rows, kind="stable")
    pairs, first = np.unique(rows[order], return_index=True)
    yield from zip(pairs.tolist(), np.split(order, first[1:]), strict=True)


_COLLECTED: WeakKeyDictionary[View, References] = WeakKeyDictionary()
"""What was collected of the references of views that are still held."""
