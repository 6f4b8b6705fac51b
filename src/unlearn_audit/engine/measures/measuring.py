"""Measures the pairs of one world as they are made, so that none of their models has to be kept."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.engine.measures.base import Measure, Pair, Records, Took, Value, ask
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.utils.seeds import SIDES, Kind, generator, integer_seed, seeded_globals
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds import World

MOST_ASKED = 1_000
"""Of how many retained and test records answers are measured at the most."""

COLUMNS = ("world", "request", "name", "value")


@dataclass
class Measuring:
    """What is measured of one world of one arm.

    Attributes
    ----------
    measures
        By name.
    original
        The world's original; it is asked as a copy, so that measuring changes no answer of an audit.
    world
        The world.
    held_out
        (n,) positions of records that no model of its side is trained on.
    seed
        Of the audit.
    regime
        In which the original was trained.
    """

    measures: Mapping[str, Measure]
    original: Trained
    world: World
    held_out: Positions
    seed: int
    regime: Regime
    _values: dict[str, list[Value]] = field(init=False)

    def __post_init__(self) -> None:
        self._values = {name: [] for name in self.measures}
        side = SIDES[self.world.side]
        draw = generator(self.seed, Kind.MEASURE, side)
        data = self.original.data
        true = data.y if data.true_y is None else data.true_y
        test = np.sort(draw.permutation(self.held_out)[:MOST_ASKED])
        self._test = Records(test, true[test])
        self._training = generator(self.seed, Kind.MEASURE, side, self.world.index).permutation(self.original.training)
        with self._undisturbed(-1):
            self._copy = copy.deepcopy(self.original.model)
            self._of_original = ask(self.original, self._copy, test)
            deleted = np.concatenate([request.deleted for chain in self.world.chains for request in chain])
            trained_on = np.intersect1d(deleted, self.original.training)
            for name, measure in self.measures.items():
                self._values[name] += measure.of_original(self.original, trained_on, self.regime)

    def add(self, number: int, unlearned: Trained) -> None:
        """Measure a pair, given the number of its chain."""
        deleted = np.concatenate([request.deleted for request in self.world.chains[number]])
        added = np.concatenate([request.added for request in self.world.chains[number]])
        original, y = self.original, self.original.data.y
        stay = self._training[~np.isin(self._training, deleted)][:MOST_ASKED]
        every = np.concatenate([original.training, added])
        pair = Pair(
            original=original,
            unlearned=unlearned,
            records={"forget": Records(deleted, y[deleted]), "retain": Records(stay, y[stay]), "test": self._test},
            retained=every[~np.isin(every, deleted)].astype(np.int64),
            seed=self._seed(number),
            of_original=self._of_original,
        )
        with self._undisturbed(number):
            for name, measure in self.measures.items():
                self._values[name] += [(number, of, float(value)) for of, value in measure.of_pair(pair).items()]

    def notes(self, learned: Took | None, unlearned: Took) -> dict[str, Any]:
        """Return, for the notes of a world in the store, what each measure found."""
        for name, measure in self.measures.items():
            self._values[name] += measure.of_world(learned, unlearned, len(self.world.chains))
        return {
            name: {"version": measure.version, "values": [list(value) for value in self._values[name]]}
            for name, measure in self.measures.items()
        }

    def _seed(self, number: int) -> int:
        return integer_seed(self.seed, Kind.MEASURE, SIDES[self.world.side], self.world.index, number + 1)

    @contextmanager
    def _undisturbed(self, number: int) -> Iterator[None]:
        """Measure on one thread, with generators that are put back afterwards, and in silence."""
        with one_thread(), seeded_globals(self._seed(number)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


def are_measured(notes: Any, measures: Mapping[str, Measure]) -> bool:
    """Return whether the notes of a stored world hold what each of some measures finds."""
    found = notes if isinstance(notes, dict) else {}
    return all(
        isinstance(found.get(name), dict) and found[name].get("version") == measure.version
        for name, measure in measures.items()
    )


def table_of_measures(worlds: Iterable[tuple[int, Mapping[str, Any]]], names: Sequence[str]) -> pd.DataFrame:
    """Return what was measured, one row a figure, from the number and the notes of each world.

    Returns
    -------
    DataFrame
        ``world``; ``request``, or `ORIGINAL`; ``name`` and ``value``.
    """
    rows = [
        (world, *value) for world, notes in worlds for name in names if name in notes for value in notes[name]["values"]
    ]
    columns: list[npt.NDArray[Any]] = [np.array(column) for column in zip(*rows, strict=True)]
    types = (np.int64, np.int64, None, np.float64)
    if not rows:
        columns = [np.array([], dtype=kind or str) for kind in types]
    return pd.DataFrame(
        {
            name: column if kind is None else column.astype(kind)
            for name, column, kind in zip(COLUMNS, columns, types, strict=True)
        }
    )
