"""What labels alone reveal of a record: how its perturbed copies are labelled, and how far the boundary is.

An attacker who sees labels and no probabilities asks more often. Copies of a record in which some features are
those of another record are labelled like it the more surely the deeper it lies inside its class (Choquette-Choo et al.,
"Label-Only Membership Inference Attacks", ICML 2021); and along a line to a record of another class, bisection finds
where the label turns (after Lu et al., Int. J. Intell. Syst. 2022, who search for the nearest such point). Both are
asked of every version in the same places, so that nothing but the model differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Array, Positions
from unlearn_audit.worlds import WorldPlan

AGREEMENT, BOUNDARY = "agreement", "boundary"
"""Names of the two signals."""

LEVELS = (0.05, 0.1, 0.2, 0.4)
"""With which probability a copy takes each feature from another record; copies go through them in turn."""

LINES = 4
"""Lines along which the boundary is sought."""

BISECTIONS = 20
"""Halvings of a line: the boundary is found to a millionth of it."""

FEWEST_DONORS = 10
"""Records that must be there to lend features."""

_OTHERS = 64
"""Records drawn to find lines to other classes among."""

Label = Callable[[Array], npt.NDArray[np.int64]]
"""From (m, d) records to the (m,) class index that a version predicts."""


@dataclass(frozen=True)
class Probing:
    """How labels are asked near records.

    Attributes
    ----------
    copies
        Perturbed copies of each record.
    donors
        Positions of the records that lend features; see `Probes.of`.
    """

    copies: int
    donors: Positions

    @classmethod
    def of(cls, plan: WorldPlan) -> Probing | None:
        """Return how the worlds of a side are probed, None if they are not."""
        return cls(plan.sizes.probes, plan.references) if plan.sizes.probes else None


@dataclass(frozen=True)
class Probes:
    """The places near some records where labels are asked.

    Attributes
    ----------
    positions
        (u,) the records, ascending.
    labels
        (u,) class index of each.
    points
        (u, d) the records themselves.
    copies
        (u, copies, d) perturbed.
    ends
        (u, lines, d) where the lines lead.
    lengths
        (u, lines) of the lines, every feature in units of its deviation.
    pixels
        Whether features are bytes, so that places are asked rounded to them: networks scale bytes and no other numbers.
    """

    positions: Positions
    labels: npt.NDArray[np.int64]
    points: Array
    copies: Array
    ends: Array
    lengths: Array
    pixels: bool = False

    @classmethod
    def of(cls, data: Dataset, positions: Positions, donors: Positions, copies: int, seed: int) -> Probes:
        """Draw the places: for each record the same ones in every world and version.

        Parameters
        ----------
        data
            The records.
        positions
            Those that are asked; repeats are dropped.
        donors
            Records of which the attacker knows that no model was trained on them, whose features are lent and to which
            lines lead.
        copies
            Perturbed copies of each record.
        seed
            The seed of the audit.

        Raises
        ------
        AuditError
            If records cannot be perturbed, see `check_probes`.
        """
        check_probes(data, donors)
        positions = np.unique(positions)
        points = data.X[positions].astype(np.float64)
        lent = data.X[donors].astype(np.float64)
        deviation = lent.std(axis=0)
        deviation[deviation == 0] = 1.0
        mixed = np.empty((len(points), copies, points.shape[1]))
        ends = np.empty((len(points), LINES, points.shape[1]))
        levels = np.resize(LEVELS, copies)[:, None]
        for i, (position, x) in enumerate(zip(positions, points, strict=True)):
            rng = generator(seed, Kind.PROBE, int(data.record_ids[position]))
            taken = rng.random((copies, len(x))) < levels
            # a copy that differs nowhere would say nothing
            taken[np.arange(copies), rng.integers(len(x), size=copies)] = True
            others = lent[donors != position]
            mixed[i] = np.where(taken, others[rng.integers(len(others), size=copies)], x)
            drawn = rng.integers(len(lent), size=_OTHERS)
            other = data.y[donors[drawn]] != data.y[position]
            ends[i] = lent[drawn[np.argsort(~other, kind="stable")[:LINES]]]
        lengths = np.sqrt(np.square((ends - points[:, None]) / deviation).sum(axis=2))
        labels = np.searchsorted(data.class_values, data.y[positions])
        return cls(positions, labels, points, mixed, ends, lengths, data.X.dtype == np.uint8)

    def take(self, positions: Positions) -> Probes:
        """Return those of (m,) positions, in their order."""
        at = np.searchsorted(self.positions, positions)
        parts = {
            name: getattr(self, name)[at] for name in ("positions", "labels", "points", "copies", "ends", "lengths")
        }
        return replace(self, **parts)

    def ask(self, label: Label) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return (u,) the share of copies that a version labels rightly, and (u, lines) how far the boundary is.

        The distance is negative where the record itself is labelled wrongly, as the margin is; where the label does not
        turn up to the end of a line, it is the whole of it.
        """
        n, k, d = self.copies.shape
        label = _of_bytes(label) if self.pixels else label
        right = label(self.copies.reshape(-1, d)).reshape(n, k) == self.labels[:, None]
        own = label(self.points)
        lines = self.ends.shape[1]
        there = label(self.ends.reshape(-1, d)).reshape(n, lines)
        low, high = np.zeros((n, lines)), np.ones((n, lines))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            places = self.points[:, None] + middle[..., None] * (self.ends - self.points[:, None])
            same = label(places.reshape(-1, d)).reshape(n, lines) == own[:, None]
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        share = np.where(there == own[:, None], 1.0, (low + high) / 2)
        signed = np.where(own == self.labels, 1.0, -1.0)[:, None] * share * self.lengths
        return right.mean(axis=1).astype(np.float32), signed.astype(np.float32)


def no_probes_of(data: Dataset) -> str | None:
    """Return why records cannot be perturbed, and what to do; None if they can."""
    if not isinstance(data.X, np.ndarray) or data.X.ndim != 2 or data.X.dtype.kind not in "fiub":
        return f"those of {data.name} are not rows of numbers; encode them"
    if data.X.dtype.kind == "f" and not np.isfinite(data.X).all():
        return f"some of {data.name} have missing values; fill them in"
    return None


def check_probes(data: Dataset, donors: Positions) -> None:
    """Raise an `AuditError` unless records can be perturbed with features of donors."""
    if why := no_probes_of(data):
        raise AuditError(f"worlds.probes perturbs records, and {why} or leave probes out")
    if len(donors) < FEWEST_DONORS:
        raise AuditError(
            f"worlds.probes perturbs records with features of reference records, and there are {len(donors)} of "
            f"{data.name}, fewer than {FEWEST_DONORS}; ask for more (worlds.references)"
        )


def _of_bytes(label: Label) -> Label:
    """Return a version that is asked places rounded to bytes."""
    return lambda X: label(np.clip(np.rint(X), 0, 255).astype(np.uint8))
