"""Whether a model offers what an audit calls, where some of its methods are there only once it is fitted.

scikit-learn's meta-estimators ask the parts that they are made of, and some of these exist after ``fit`` alone: an
unfitted ``StackingClassifier`` has no ``predict_proba``, the fitted one has. So what a class never defines is missing,
and of what it defines under conditions a small fit tells. A model without ``predict_proba`` is asked for its labels.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from unlearn_audit.errors import AuditError
from unlearn_audit.models.kinds import refuse_other_kinds
from unlearn_audit.utils.seeds import seeded_globals
from unlearn_audit.utils.threads import one_thread

_ADVICE = "an audit needs a classifier with fit and predict_proba, or at least predict"
_BY_PARAMETERS = f"{_ADVICE}, which some provide with other parameters (refit=True)"

_ROWS, _WIDTH = 60, 5
"""The size of the table of a trial: enough for a few folds of two classes."""


def check_methods(estimator: Any, name: str) -> None:
    """Raise an `AuditError` if an unfitted model lacks a method that it cannot have once it is fitted either."""
    part, where = _answering(estimator)
    for either in (("fit",), ("predict_proba", "predict")):
        if not any(_may_have(part, method) for method in either):
            refuse_other_kinds(estimator, name)
            raise AuditError(f"model {name} is a {_lacking(estimator, part, where, either[-1])}; {_ADVICE}")


def gives_labels_alone(estimator: Any, name: str) -> bool | None:
    """Return whether a model answers with labels and no probabilities; None if that shows only on records of its own.

    Nothing is fitted where nothing is hidden. What a model hides until it is fitted, a fit of a small table tells.

    Parameters
    ----------
    estimator
        Unfitted; of a pipeline the last step is fitted, so it must not be used any more.
    name
        What the model is called in messages.

    Raises
    ------
    AuditError
        If it has no answers even when it is fitted.
    """
    part, where = _answering(estimator)
    if getattr(part, "shows_when_fitted", False):
        return None
    if _has(part, "predict_proba"):
        return False
    if _has(part, "predict") and not _may_have(part, "predict_proba"):
        return True
    values = np.random.default_rng(0).random((_ROWS, _WIDTH))
    try:
        with warnings.catch_warnings(), one_thread(), seeded_globals(0):
            warnings.simplefilter("ignore")
            part.fit(values, np.arange(_ROWS) % 2)
    except Exception:  # noqa: BLE001 - whatever a model raises on records that are not its own says nothing
        return None
    if not _has(part, "predict_proba") and not _has(part, "predict"):
        raise AuditError(f"model {name} is a {_lacking(estimator, part, where, 'predict')}; {_BY_PARAMETERS}")
    return not _has(part, "predict_proba")


def answers_with_labels(model: Any) -> bool:
    """Return whether a fitted model has no probabilities to answer with."""
    part, _ = _answering(model)
    return bool(getattr(part, "labels_alone_", not _has(model, "predict_proba")))


def probabilities_instead(estimator: Any) -> str:
    """Return how a model that gives labels alone could be audited with probabilities, as a clause; or an empty text."""
    part, _ = _answering(estimator)
    if not _may_have(part, "decision_function"):
        return ""
    return (
        f"it has a decision_function: CalibratedClassifierCV({type(part).__name__}(...)), or a softmax over the "
        "decision values, gives probabilities to audit"
    )


def check_fitted(model: Any, name: str, *, labels_alone: bool) -> None:
    """Raise an `AuditError` if a fitted model lacks the method that it is to be asked by."""
    method = "predict" if labels_alone else "predict_proba"
    if not _has(model, method):
        part, where = _answering(model)
        raise AuditError(f"model {name} is a {_lacking(model, part, where, method)}; {_BY_PARAMETERS}")


def knows_records(estimator: Any) -> bool:
    """Return whether an estimator, or a part of it, was fitted, as far as that can be told."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return any(_is_fitted(part) for part in (estimator, *parameters.values()) if hasattr(part, "fit"))


def _is_fitted(part: Any) -> bool:
    if callable(getattr(part, "is_fitted", None)):
        return bool(part.is_fitted())
    return any(name.endswith("_") and not name.startswith("_") for name in getattr(part, "__dict__", {}))


def why_not_cloned(estimator: Any, error: Exception) -> str:
    """Say which part of an estimator cannot be cloned, and why, from what ``clone`` raised."""
    part, where = estimator, ""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for key, value in sorted(parameters.items(), key=lambda item: -item[0].count("__")):
        if hasattr(value, "fit") and not isinstance(value, type):
            try:
                clone(value)
            except Exception as found:  # noqa: BLE001 - a constructor may raise anything
                part, where, error = value, f" ('{key}' of the {type(estimator).__name__})", found
                break
    reason = "it has no get_params" if isinstance(error, TypeError) else "its constructor changes its arguments"
    reason = reason if isinstance(error, TypeError | RuntimeError) else f"{type(error).__name__}"
    return f"{type(part).__name__}{where} cannot be cloned ({reason}); give a function that makes the model"


def _may_have(estimator: Any, method: str) -> bool:
    """Return whether an estimator has a method, or its class defines it, be it under conditions."""
    return _has(estimator, method) or callable(getattr(type(estimator), method, None))


def _has(estimator: Any, method: str) -> bool:
    return callable(getattr(estimator, method, None))


def _answering(estimator: Any) -> tuple[Any, str]:
    """Return the part of a pipeline that answers, its last, and the names of the steps that lead to it."""
    steps = []
    while isinstance(estimator, Pipeline) and estimator.steps:
        step, estimator = estimator.steps[-1]
        steps.append(step)
    return estimator, "__".join(steps)


def _lacking(estimator: Any, part: Any, where: str, method: str) -> str:
    whole = f"{type(estimator).__name__} whose last step '{where}' is a " if where else ""
    return f"{whole}{type(part).__name__} without {method}"
