"""Posteriors with one column a class of the dataset, whatever classes a model happened to see.

A model that gives labels alone answers 1 for the class that it names and 0 for the others: this is the one place where
labels become posteriors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.rows import n_records
from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.methods import answers_with_labels
from unlearn_audit.models.trees import tree_posteriors
from unlearn_audit.utils.foreign import defined_at, foreign
from unlearn_audit.utils.probabilities import SUM_TOLERANCE


def query(model: Any, X: Any, class_values: npt.NDArray[Any], name: str) -> npt.NDArray[np.float32]:
    """Return the model's posteriors, columns aligned to ``class_values`` through ``classes_``.

    Parameters
    ----------
    model
        A fitted model. Without ``classes_`` it must answer for every class of the dataset, in order. One without
        ``predict_proba`` is asked for labels.
    X
        (m, ...) records.
    class_values
        (k,) sorted labels.
    name
        What the model is called in messages.

    Returns
    -------
    (m, k) float32; a class that the model never saw has probability 0.

    Raises
    ------
    AuditError
        If the model's answers are no probabilities of these classes.
    """
    return query_exactly(model, X, class_values, name).astype(np.float32)


def query_exactly(model: Any, X: Any, class_values: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    """Return the model's posteriors with all their digits; see `query`."""
    known = getattr(model, "classes_", None)
    with foreign(
        f"model {name} cannot answer, as it raised", clean=lambda text: without_values(text, X), of=_asked(model)
    ):
        if known is not None and np.shape(known) == (1,):
            # some answer with two columns, and some were not fitted at all
            answer: npt.NDArray[Any] = np.ones((n_records(X), 1))
        elif answers_with_labels(model):
            return _named_alone(np.asarray(model.predict(X)), n_records(X), class_values, name)
        else:
            from_tree = tree_posteriors(model, X)
            answer = np.asarray(model.predict_proba(X)) if from_tree is None else from_tree
        return np.asarray(_aligned(answer, model, X, class_values, name), dtype=np.float64)


def query_many(
    models: Sequence[Any], X: npt.NDArray[Any], class_values: npt.NDArray[Any], name: str
) -> npt.NDArray[np.float32]:
    """Return (models, m, k) posteriors of the (models, m, ...) records that each model is asked; see `query`.

    Models that have ``predict_proba_many`` are asked at once, and all must be of one kind then.
    """
    if not can_ask_many(models[0]):
        return np.stack([query(model, block, class_values, name) for model, block in zip(models, X, strict=True)])
    with foreign(f"model {name} cannot answer, as it raised"):
        answers = models[0].predict_proba_many(models, X)
    flat = answers.reshape(-1, answers.shape[-1])
    aligned = _aligned(flat, models[0], flat, class_values, name)
    return np.asarray(aligned.reshape(*answers.shape[:2], -1), dtype=np.float32)


def _asked(model: Any) -> Any:
    return getattr(type(model), "predict" if answers_with_labels(model) else "predict_proba", None)


def _named_alone(
    labels: npt.NDArray[Any], n: int, class_values: npt.NDArray[Any], name: str
) -> npt.NDArray[np.float64]:
    """Return (n, k) 1 at the label that is named for each of n records, once these are known to be classes."""
    # a column of labels, as some models answer
    labels = labels.reshape(-1) if labels.shape == (n, 1) else labels
    if labels.shape != (n,):
        raise AuditError(
            f"model {name} answered {n} records with labels of shape {labels.shape}; one label per record is needed"
        )
    try:
        at = np.minimum(np.searchsorted(class_values, labels), len(class_values) - 1)
        known = class_values[at] == labels
    except TypeError:  # texts among numbers
        at, known = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    if not np.all(known):
        named = np.asarray(labels)[~np.broadcast_to(known, n)][0]
        raise AuditError(
            f"model {name} named the class {named!r}, but the dataset has {list(class_values)}; its predict has to "
            "return labels like those it was fitted with"
        )
    return np.eye(len(class_values))[at]


def can_ask_many(model: Any) -> bool:
    """Return whether models of this kind can be asked at once."""
    return hasattr(model, "predict_proba_many")


def _aligned(
    answer: npt.NDArray[Any], model: Any, X: Any, class_values: npt.NDArray[Any], name: str
) -> npt.NDArray[Any]:
    """Return answers with one column a class of the dataset, once they are known to be probabilities."""
    where = defined_at(_asked(model))
    if answer.dtype.kind not in "fiub":
        raise AuditError(f"model {name} answered with values of type {answer.dtype}{where}; numbers are needed")
    known = getattr(model, "classes_", None)
    known = class_values if known is None else np.asarray(known)
    if answer.ndim != 2 or answer.shape != (n_records(X), len(known)):
        raise AuditError(
            f"model {name} answered {n_records(X)} records with an array of shape {answer.shape}{where}; "
            f"({n_records(X)}, {len(known)}) is needed, one column per class"
        )
    columns = np.minimum(np.searchsorted(class_values, known), len(class_values) - 1)
    if not np.array_equal(class_values[columns], known):
        raise AuditError(f"model {name} knows the classes {list(known)}, the dataset has {list(class_values)}{where}")
    # NaN is neither at least 0 nor at most 1
    ok = not answer.size or (answer.min() >= 0 and answer.max() <= 1 + SUM_TOLERANCE)
    if not ok or (np.abs(answer @ np.ones(len(known)) - 1) > SUM_TOLERANCE).any():
        raise AuditError(
            f"model {name} answered with numbers that are not probabilities; check its predict_proba{where}"
        )
    probabilities: npt.NDArray[Any] = np.minimum(answer, 1)
    if len(known) == len(class_values) and (columns == np.arange(len(known))).all():
        return probabilities
    aligned = np.zeros((n_records(X), len(class_values)), dtype=probabilities.dtype)
    aligned[:, columns] = probabilities
    return aligned
