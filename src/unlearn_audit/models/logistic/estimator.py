"""A solved logistic regression as the scikit-learn estimator that it was asked for as, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer

from unlearn_audit.models.logistic.model import LogisticModel
from unlearn_audit.models.logistic.settings import LogisticSettings
from unlearn_audit.models.steps import last_step


def fitted_estimator(model: LogisticModel, unfitted: Any, n: int) -> Any:
    """Return an estimator with the weights of a solved model of ``n`` records, as its own ``fit` would leave it.

    But for two figures that no answer depends on: of a constant column the scaler's ``var_`` is 1 instead of 0, for a
    solved model keeps nothing but what it divides by, and ``n_iter_`` is 0.

    Parameters
    ----------
    model
        The solved model.
    unfitted
        An estimator of the same `LogisticSettings`.
    n
        How many records it was solved on.
    """
    estimator, width = clone(unfitted), len(model.mean)
    last = last_step(estimator)
    if last is not estimator and len(estimator.steps) > 1:
        scaler = estimator.steps[0][1]
        scaler.mean_, scaler.scale_, scaler.var_ = model.mean.copy(), model.scale.copy(), model.scale**2
        scaler.n_features_in_, scaler.n_samples_seen_ = width, np.int64(n)
    if not isinstance(last, OneVsRestClassifier):
        _set_weights(last, model, slice(None), model.classes_)
        return estimator
    last.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(model.classes_)
    last.estimators_ = [clone(last.estimator) for _ in model.intercepts]
    for output, binary in enumerate(last.estimators_):
        _set_weights(binary, model, slice(output, output + 1), np.array([0, 1]))
    last.n_features_in_ = width
    if not hasattr(last, "classes_"):  # else it takes them from the binarizer
        last.classes_ = model.classes_.copy()
    return estimator


def solved_model(estimator: Any) -> LogisticModel | None:
    """Return what `fitted_estimator` was made of, with the weights that the estimator has now; None for any other."""
    settings = LogisticSettings.of(estimator)
    last = last_step(estimator)
    binaries = getattr(last, "estimators_", None) if isinstance(last, OneVsRestClassifier) else [last]
    if settings is None or binaries is None or not all(type(of) is type(binaries[0]) for of in binaries):
        return None
    try:
        coefficients = np.concatenate([of.coef_ for of in binaries]).T
        intercepts = np.concatenate([of.intercept_ for of in binaries])
        scaler = estimator.steps[0][1] if isinstance(estimator, Pipeline) and settings.standardized else None
        width = len(coefficients)
        mean, scale = (np.zeros(width), np.ones(width)) if scaler is None else (scaler.mean_, scaler.scale_)
        return LogisticModel(settings, np.asarray(last.classes_), mean, scale, coefficients, intercepts)
    except (AttributeError, ValueError):
        return None


def _set_weights(regression: Any, model: LogisticModel, outputs: slice, classes: Any) -> None:
    regression.coef_ = model.coefficients.T[outputs].copy()
    regression.intercept_ = model.intercepts[outputs].copy()
    regression.classes_, regression.n_features_in_ = classes.copy(), len(model.mean)
    regression.n_iter_ = np.zeros(len(regression.intercept_), dtype=np.int32)
