"""The contract of a change field, and which one a model has."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticSettings
from unlearn_audit.models.source import ModelSource

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


class Field(Protocol):
    """What the deletion of each candidate would do to the answers to reference records."""

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
        (pairs, candidates) in [-1, 1], higher for a better explanation.
        """
        ...


def field_for(source: ModelSource, data: Dataset, own: Positions, n_training: int) -> Field:
    """Return the change field of a model.

    Parameters
    ----------
    source, data
        The model, and the records.
    own
        Positions of the attacker's own records.
    n_training
        How many records the models under attack are trained on.

    Raises
    ------
    AuditError
        If there is none for this model.
    """
    from unlearn_audit.fields.logistic import LogisticField

    check_has_field(source)
    field = LogisticField.of(source, data, own, n_training)
    if field is None:
        raise AuditError(
            f"the attacker's own {source.name} cannot be solved for on {len(own):,} records, or is a softmax "
            "regression; choose numbers without gaps, all classes, and one regression a class"
        )
    return field


def check_has_field(source: ModelSource) -> None:
    """Raise unless a model is of a kind that has a change field.

    Raises
    ------
    AuditError
        If it has none.
    """
    if LogisticSettings.of(source.make(0)) is None:
        raise AuditError(
            f"the change of answers is known in closed form for logistic regression alone, and {source.name} is none; "
            "choose the model logistic-regression, or a pipeline of a StandardScaler and a LogisticRegression"
        )
