"""The contract of an influence: what the deletion of each record does to the predictions of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from unlearn_audit.data.base import Dataset
from unlearn_audit.utils.typing import Array, Positions


class Influence(ABC):
    """What the deletion of each candidate would do to the predictions for reference records.

    Attributes
    ----------
    data
        The records; candidates and references are positions in it.
    one_training_each
        Whether it trains a model for each candidate, which `precompute` does ahead of the attacks.
    """

    data: Dataset
    one_training_each: bool = False

    @property
    def n_records(self) -> int:
        """How many records it can be asked about."""
        return len(self.data.y)

    @abstractmethod
    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would drop."""

    def explain(self, change: Array, original: Array, candidates: Positions, references: Positions) -> Array:  # noqa: ARG002 - some look at the original
        """Return how well the deletion of each candidate explains an observed change.

        Parameters
        ----------
        change, original
            (pairs, references) by how much the margin of each reference dropped, and the margin before.
        candidates, references
            Positions in the dataset.

        Returns
        -------
        (pairs, candidates) in [-1, 1], higher for a better explanation; to be compared within a pair. By default the
        cosine of the observed and the expected change.
        """
        return cosines(change, self.change(candidates, references).T)

    def explain_rows(
        self,
        change: Array,
        original: Array,  # noqa: ARG002 - some look at the original
        candidates: Positions,
        pair: Positions,
        references: Positions,
    ) -> Array:
        """Return how well the deletion of each candidate explains the change of its pair.

        Parameters
        ----------
        change, original
            (pairs, references), as in `explain`.
        candidates, pair
            (n,) positions in the dataset, and the row of ``change`` of each.
        references
            Positions in the dataset.

        Returns
        -------
        (n,), higher for a better explanation; to be compared across pairs. By default the cosine of `explain`.
        """
        unique, code = np.unique(candidates, return_inverse=True)
        expected = _normalised(self.change(unique, references).T)
        return np.asarray(np.einsum("ij,ij->i", _normalised(change)[pair], expected[code.reshape(-1)]))

    def missing(self, candidates: Positions, references: Positions) -> Positions:  # noqa: ARG002
        """Return the candidates that a model has yet to be trained for, ascending."""
        return candidates[:0]

    def precompute(  # noqa: B027 - nothing to do where one training suffices
        self, candidates: Positions, references: Positions, jobs: int = 1, show: Callable[[int], None] | None = None
    ) -> None:
        """Train a model for each candidate that is `missing`.

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


def cosines(observed: Array, expected: Array) -> Array:
    """Return (n, m) cosines of the angles between (n, d) and (m, d) rows; 0 with a row of zeros."""
    return np.asarray(_normalised(observed) @ _normalised(expected).T)


def dense(records: Any) -> npt.NDArray[Any]:
    """Return records as an array, also where a preprocessing step made a sparse matrix of them."""
    return np.asarray(records.toarray() if issparse(records) else records)


def _normalised(rows: Any) -> Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0))
