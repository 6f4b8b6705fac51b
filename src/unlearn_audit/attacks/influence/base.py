"""The contract of a change field, and which one a model has."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticSettings
from unlearn_audit.models.source import ModelSource

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


class Field(Protocol):
    """What the deletion of each candidate would do to the answers to reference records.

    Attributes
    ----------
    data
        The records, which candidates and references are positions in.
    """

    @property
    def data(self) -> Dataset:
        """The records."""
        ...

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would fall."""
        ...

    def explain(self, change: Array, original: Array, candidates: Positions, references: Positions) -> Array:
        """Return how well the deletion of each candidate explains an observed change.

        Parameters
        ----------
        change, original
            (pairs, references) by how much the margin of each reference fell, and the margin before.
        candidates, references
            Positions in the dataset.

        Returns
        -------
        (pairs, candidates) in [-1, 1], higher for a better explanation; to be compared within a pair.
        """
        ...

    def explain_rows(
        self, change: Array, original: Array, candidates: Positions, pair: Positions, references: Positions
    ) -> Array:
        """Return how well the deletion of each candidate explains the change of its own pair.

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
        (n,), higher for a better explanation; to be compared across pairs.
        """
        ...


def field_for(source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int = 0) -> Field:
    """Return the change field of a model: from one model of the attacker's own, or by training with each candidate.

    Parameters
    ----------
    source, data
        The model, and the records.
    own
        Positions of the attacker's own records.
    n_training
        How many records the models under attack are trained on.
    seed
        Of what the attacker trains, where it trains.

    Raises
    ------
    AuditError
        If the attacker's own model cannot be had.
    """
    from unlearn_audit.attacks.influence.last_layer import LastLayerField
    from unlearn_audit.attacks.influence.leaves import LeafField
    from unlearn_audit.attacks.influence.logistic import LogisticField
    from unlearn_audit.attacks.influence.one_training_each import RetrainingField

    if not has_field(source):
        return RetrainingField.of(source, data, own, n_training, seed)
    model = source.make(0)
    if LogisticSettings.of(model) is not None:
        field = LogisticField.of(source, data, own, n_training)
        if field is not None:
            return field
        if not LastLayerField.is_for(model):
            raise AuditError(
                f"the attacker's own {source.name} cannot be solved for on {len(own):,} records; choose numbers "
                "without gaps, all classes, and classes of equal weight"
            )
    kind = LeafField if LeafField.is_for(model) else LastLayerField
    return kind.of(source, data, own, n_training, seed)


def has_field(source: ModelSource) -> bool:
    """Return whether a model is of a kind of which one training tells what every deletion changes."""
    from unlearn_audit.attacks.influence.last_layer import LastLayerField
    from unlearn_audit.attacks.influence.leaves import LeafField

    model = source.make(0)
    return LogisticSettings.of(model) is not None or LeafField.is_for(model) or LastLayerField.is_for(model)


def cosines_of_rows(
    field: Field,
    change: Array,
    original: Array,  # noqa: ARG001 - other fields look at it
    candidates: Positions,
    pair: Positions,
    references: Positions,
) -> Array:
    """Return (n,) cosines of the change of each row's pair and of what `Field.change` says of its candidate.

    It is the `Field.explain_rows` of a field whose `Field.explain` is that cosine and no more.
    """
    unique, code = np.unique(candidates, return_inverse=True)
    expected = _normalised(field.change(unique, references).T)
    return np.asarray(np.einsum("ij,ij->i", _normalised(change)[pair], expected[code.reshape(-1)]))


def cosines(observed: Array, expected: Array) -> Array:
    """Return (n, m) cosines of the angles between (n, d) and (m, d) rows; 0 with a row of zeros."""
    return np.asarray(_normalised(observed) @ _normalised(expected).T)


def before_last_step(model: Any, records: Any) -> Any:
    """Return records as the last step of a model takes them: transformed by a pipeline's steps before it."""
    return model[:-1].transform(records) if isinstance(model, Pipeline) else records


def dense(records: Any) -> npt.NDArray[Any]:
    """Return records as an array, also where a preprocessing step made a sparse matrix of them."""
    return np.asarray(records.toarray() if issparse(records) else records)


def _normalised(of: Any) -> Array:
    length = np.linalg.norm(of, axis=1, keepdims=True)
    return np.asarray(np.divide(of, length, out=np.zeros_like(of), where=length > 0))
