"""The change field of any model: the attacker trains with each candidate and without it, and compares.

Of two models of the attacker's own, trained alike but for one record, the margins of the references differ by what
taking that record away changes. A candidate that is among the attacker's training records is left out of them, any
other is added. That costs one training a candidate, so what was found is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from joblib import delayed

from unlearn_audit.attacks.influence.base import cosines, cosines_of_rows
from unlearn_audit.data.base import Dataset
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime, RowOrder, fixed_order, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.seeds import Kind, generator, integer_seed
from unlearn_audit.utils.threads import one_thread, worker_pool

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_CHUNKS = 50
"""Parts at most that the trainings are handed out in, for progress and for even work."""


@dataclass
class Known:
    """What was found so far.

    Attributes
    ----------
    references
        (R,) positions, ascending.
    falls
        By candidate, (R,) by how much its deletion lowers the margin of each.
    """

    references: Positions = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    falls: dict[int, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RetrainingField:
    """What an attacker who trains once for each candidate expects of models trained on other records of the same kind.

    Attributes
    ----------
    data
        The records.
    source
        The kind of model.
    training
        Positions of what the attacker's own model is trained on.
    seed
        Of every training, so that two differ by a record and by no draw that could be the same.
    known
        What was found so far; it grows.
    """

    explain_rows = cosines_of_rows

    data: Dataset
    source: ModelSource
    training: Positions
    seed: int
    known: Known = field(default_factory=Known)

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int) -> RetrainingField:
        """Draw what the attacker's own model is trained on."""
        rng = generator(seed, Kind.FIELD, 0, 0)
        training = rng.choice(own, size=min(n_training, len(own)), replace=False)
        return cls(data, source, training, integer_seed(seed, Kind.FIELD, 0, 1))

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would fall."""
        self.learn(candidates, references)
        rows = np.searchsorted(self.known.references, references)
        return np.column_stack([self.known.falls[int(candidate)][rows] for candidate in candidates])

    def explain(self, change: Array, original: Array, candidates: Positions, references: Positions) -> Array:  # noqa: ARG002
        """Return (pairs, candidates) cosines of the observed and the expected change."""
        return cosines(change, self.change(candidates, references).T)

    def unknown(self, candidates: Positions, references: Positions) -> Positions:
        """Return the candidates that have yet to be trained with, ascending."""
        wanted: Positions = np.unique(candidates)
        if not np.isin(references, self.known.references).all():
            return wanted
        return np.array([of for of in wanted if int(of) not in self.known.falls], dtype=np.int64)

    def learn(
        self, candidates: Positions, references: Positions, jobs: int = 1, show: Callable[[int], None] | None = None
    ) -> None:
        """Train with each candidate that is not known yet.

        Parameters
        ----------
        candidates, references
            Positions in the dataset.
        jobs
            Worker processes; results do not depend on it.
        show
            Called with how many trainings are done.

        Raises
        ------
        AuditError
            If a training fails.
        """
        new = self.unknown(candidates, references)
        if not len(new):
            return
        known = self.known
        if not np.isin(references, known.references).all():
            # what was found says nothing of references that were not asked
            known.references = np.union1d(known.references, references)
            known.falls.clear()
        asked, before = known.references, self._margins(self.training, known.references)
        alone = replace(self, known=Known())
        parts = np.array_split(new, min(_CHUNKS, len(new)))
        run = worker_pool(min(jobs, len(parts)), return_as="generator", batch_size=1, max_nbytes="100K")
        done = 0
        for part, falls in zip(parts, run(delayed(alone._falls)(of, asked, before) for of in parts), strict=True):
            known.falls |= {int(candidate): fall for candidate, fall in zip(part, falls, strict=True)}
            done += len(part)
            if show is not None:
                show(done)

    def _falls(self, candidates: Positions, references: Positions, before: Array) -> list[Array]:
        """Return, by candidate, (references,) margins with it less margins without it."""
        return [
            before - self._margins(remaining_rows(self.training, candidates[[at]], self._order), references)
            if among
            else self._margins(np.append(self.training, candidates[at]), references) - before
            for at, among in enumerate(np.isin(candidates, self.training))
        ]

    def _margins(self, training: Positions, references: Positions) -> Array:
        """Return (references,) margins under a model trained on some records."""
        model = train(self.source, self.data, training, self.seed, Regime.FIXED).model
        with one_thread():
            posteriors = query(model, take(self.data.X, references), self.data.class_values, self.source.name)
        codes = np.searchsorted(self.data.class_values, self.data.y[references])
        return margin(posteriors, codes.astype(np.int64))

    @cached_property
    def _order(self) -> RowOrder:
        return fixed_order(self.source.make(0)) or RowOrder.MINUS
