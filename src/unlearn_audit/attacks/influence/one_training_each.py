"""The influence of records on any model: the attacker trains with each candidate and without it, and compares.

Of two models of the attacker's own, trained alike but for one record, the margins of the references differ by what
taking that record away changes. A candidate that is among the attacker's training records is left out of them, any
other is added. That costs one training a candidate, so what was found is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.executors.base import Item, in_order
from unlearn_audit.engine.executors.processes import Processes
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime, RowOrder, fixed_order, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.seeds import Kind, generator, integer_seed
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array, Positions

_CHUNKS = 50
"""Parts at most that the trainings are handed out in, for progress and for even work."""

_UNDONE = "parts of the attacker's own trainings are not done yet; use fewer --jobs or a machine with more memory"


@dataclass
class Computed:
    """What was computed so far.

    Attributes
    ----------
    references
        (R,) positions, ascending.
    margin_drops
        By candidate, (R,) by how much its deletion lowers the margin of each.
    """

    references: Positions = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    margin_drops: dict[int, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RetrainingInfluence(Influence):
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
    computed
        What was computed so far; it grows.
    """

    one_training_each = True

    data: Dataset
    source: ModelSource
    training: Positions
    seed: int
    computed: Computed = field(default_factory=Computed)

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int) -> RetrainingInfluence:
        """Draw what the attacker's own model is trained on."""
        rng = generator(seed, Kind.INFLUENCE, 0, 0)
        training = rng.choice(own, size=min(n_training, len(own)), replace=False)
        return cls(data, source, training, integer_seed(seed, Kind.INFLUENCE, 0, 1))

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would drop."""
        self.precompute(candidates, references)
        rows = np.searchsorted(self.computed.references, references)
        return np.column_stack([self.computed.margin_drops[int(candidate)][rows] for candidate in candidates])

    def missing(self, candidates: Positions, references: Positions) -> Positions:
        """Return the candidates that a model has yet to be trained for, ascending."""
        wanted: Positions = np.unique(candidates)
        if not np.isin(references, self.computed.references).all():
            return wanted
        return np.array([one for one in wanted if int(one) not in self.computed.margin_drops], dtype=np.int64)

    def precompute(
        self, candidates: Positions, references: Positions, jobs: int = 1, show: Callable[[int], None] | None = None
    ) -> None:
        """Train a model for each candidate that is `missing`."""
        new = self.missing(candidates, references)
        if not len(new):
            return
        computed = self.computed
        if not np.isin(references, computed.references).all():
            # what was computed says nothing about references that were not queried
            computed.references = np.union1d(computed.references, references)
            computed.margin_drops.clear()
        asked, before = computed.references, self._margins(self.training, computed.references)
        alone = replace(self, computed=Computed())
        parts = np.array_split(new, min(_CHUNKS, len(new)))
        items = [(0, i) for i in range(len(parts))]
        run = Processes(jobs, _UNDONE, trains=True).run
        results = in_order(run(_drops_of_part, (alone, parts, asked, before), items), items)
        done = 0
        for part, drops in zip(parts, results, strict=True):
            computed.margin_drops |= {int(candidate): drop for candidate, drop in zip(part, drops, strict=True)}
            done += len(part)
            if show is not None:
                show(done)

    def _margin_drops(self, candidates: Positions, references: Positions, before: Array) -> list[Array]:
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


def _drops_of_part(
    shared: tuple[RetrainingInfluence, Sequence[Positions], Positions, Array], item: Item
) -> list[Array]:
    influence, parts, references, before = shared
    return influence._margin_drops(parts[item[1]], references, before)
