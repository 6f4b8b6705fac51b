"""The contract of a measure, and what it is given."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.children import children_measured, most_of
from unlearn_audit.utils.memory import rise_of_memory
from unlearn_audit.utils.typing import Positions, Posteriors

Value = tuple[int, str, float]
"""A request, `ORIGINAL` for none; what was measured; and the figure."""

ORIGINAL = -1
"""The request of a figure that is of the world's original."""


@dataclass
class Took:
    """What some work took, with the processes that it started and awaited.

    Attributes
    ----------
    seconds
        Wall time.
    cpu_seconds
        Time of all cores together; None where the system does not tell that of other processes.
    peak_memory
        Bytes held at the most beyond those held before, by this process or by one that it started; None where that is
        not known.
    """

    seconds: float = 0.0
    cpu_seconds: float | None = 0.0
    peak_memory: int | None = None

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add what a block takes."""
        memory = self.peak_memory if self.seconds else 0
        wall, cpu = time.perf_counter(), time.process_time()
        with rise_of_memory() as rise, children_measured() as others:
            yield
        self.seconds += time.perf_counter() - wall
        own = time.process_time() - cpu
        if self.cpu_seconds is not None:
            self.cpu_seconds = None if others.cpu_seconds is None else self.cpu_seconds + own + others.cpu_seconds
        self.peak_memory = most_of(memory, rise.bytes, others.peak_memory)

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name, those that are known."""
        known = {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "peak_memory": self.peak_memory}
        return {name: float(value) for name, value in known.items() if value is not None}


@dataclass(frozen=True)
class Records:
    """Records of one role, and the labels that their answers are compared with.

    Attributes
    ----------
    positions
        (n,) positions in the dataset.
    labels
        (n,) their labels.
    """

    positions: Positions
    labels: npt.NDArray[Any]


@dataclass
class Pair:
    """An original and the model that unlearned one chain of updates.

    Attributes
    ----------
    original, unlearned
        The models; a measure leaves both as they are.
    records
        By role: ``forget``, all that the chain deletes; ``retain`` and ``test``, a sample each of the training records
        that stay and of records that no model of this side is trained on.
    retained
        (n,) positions of all training records that stay, with those that the chain adds.
    seed
        Of all that a measure draws; the same for every arm.
    of_original
        (n, k) answers of the original for the test records.
    """

    original: Trained
    unlearned: Trained
    records: Mapping[str, Records]
    retained: Positions
    seed: int
    of_original: Posteriors

    def ask(self, model: Any, role: str) -> Posteriors:
        """Return (n, k) answers of a model for the records of a role."""
        return ask(self.unlearned, model, self.records[role].positions)

    @cached_property
    def answers(self) -> dict[str, Posteriors]:
        """By role, (n, k) answers of the unlearned model."""
        return {role: self.ask(self.unlearned.model, role) for role in self.records}

    def score(self, model: Any, role: str) -> dict[str, float]:
        """Return the accuracy of a model on the records of a role, and their true classes' mean probability."""
        return figures_of(self.ask(model, role), self.records[role].labels, self.unlearned.data)


class Measure:
    """Something measured of each pair, or of a world.

    Attributes
    ----------
    version
        Raise it whenever the same models would give other figures than before.
    """

    version: int = 1

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return why this cannot be measured of such models, as the end of a sentence; None if it can."""
        return None

    def of_pair(self, pair: Pair) -> Mapping[str, float]:  # noqa: ARG002
        """Return the figures of a pair by name."""
        return {}

    def of_original(self, original: Trained, deleted: Positions, regime: Regime) -> Iterable[Value]:  # noqa: ARG002
        """Return figures that are known before anything is unlearned.

        Parameters
        ----------
        original
            The world's original.
        deleted
            (m,) positions of its training records that any chain deletes, ascending.
        regime
            In which it was trained.
        """
        return ()

    def of_world(self, learned: Took | None, unlearned: Took, pairs: int) -> list[Value]:  # noqa: ARG002
        """Return figures that are known at the end of a world.

        Parameters
        ----------
        learned
            What the original's training took; None where that is not known.
        unlearned
            What all unlearning of the world took.
        pairs
            How many pairs that were.
        """
        return []


def ask(trained: Trained, model: Any, positions: Positions) -> Posteriors:
    """Return (n, k) answers of a model of a trained one's kind for some records."""
    data = trained.data
    return query(model, take(data.X, positions), data.class_values, trained.source.name)


def figures_of(posteriors: Posteriors, labels: npt.NDArray[Any], data: Dataset) -> dict[str, float]:
    """Return ``accuracy`` and ``probability``, the mean over records of that of the true class."""
    codes = np.searchsorted(data.class_values, labels)
    right = posteriors.argmax(axis=1) == codes
    return {
        "accuracy": float(right.mean()),
        "probability": float(posteriors[np.arange(len(codes)), codes].mean(dtype=np.float64)),
    }
