"""Exact unlearning in closed form: what a record contributed to the model is subtracted from it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.ridge import SoftRidgeClassifier
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.closed_form import naive_bayes, ridge
from unlearn_audit.unlearning.closed_form.change import Change
from unlearn_audit.unlearning.closed_form.scaling import rescaled
from unlearn_audit.unlearning.forgetting import Forgetting, Update
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.training import take, train

FAMILIES: dict[type, Callable[[Any, Change], Any | None]] = {
    SoftRidgeClassifier: ridge.without,
    GaussianNB: naive_bayes.gaussian_without,
    **dict.fromkeys(naive_bayes.COUNTING, naive_bayes.counted_without),
}
"""Type of a model to what down-dates it; None of it means that the model has to be fitted anew."""


@dataclass(frozen=True)
class DownDate(Forgetting):
    """Subtracts what records contributed, from the scaler before the model too.

    Where a class has no record left, or so little of a sum that rounding would be seen, the model is fitted anew, which
    is exact as well.
    """

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the model of the retained records.

        Raises
        ------
        AuditError
            If the model is of no family that has a closed form.
        """
        why = _why_not(original.source.make(original.seed), original.data)
        if why is not None:
            raise AuditError(f"unlearning method down-date cannot change model {original.source.name}: {why}")
        changed = _without(original.model, original, update)
        if changed is None:
            return train(original.source, original.data, update.retain, update.seed, self.regime).model
        return changed


def _without(model: Any, original: Trained, update: Update) -> Any | None:
    """Return a copy of the model after the update; None where it has to be fitted anew."""
    data = original.data
    joined = update.retain[~np.isin(update.retain, original.training)]
    records = [take(data.X, rows) for rows in (update.forget, joined)]
    leaving, joining = (np.asarray(rows) for rows in records)
    labels = data.y[update.forget], data.y[joined]
    same = np.ones(leaving.shape[1]), np.zeros(leaving.shape[1])
    down_date = FAMILIES[type(last_step(model))]
    if not (isinstance(model, Pipeline) and len(model.steps) > 1):
        changed = down_date(last_step(model), Change(leaving, labels[0], joining, labels[1], *same))
        return _ending_with(model, changed)
    (_, scaler), (_, last) = model.steps
    found = rescaled(scaler, leaving, joining)
    if found is None:
        return None
    new, factor, shift = found
    left, joins = (np.asarray(scaler.transform(rows)) if len(rows) else np.asarray(rows) for rows in records)
    changed = down_date(last, Change(left, labels[0], joins, labels[1], factor, shift))
    return _ending_with(model, changed, new)


def _ending_with(model: Any, last: Any | None, scaler: Any = None) -> Any | None:
    """Return a model with another last step, and another scaler before it."""
    if last is None or not isinstance(model, Pipeline):
        return last
    new = copy.copy(model)
    parts = [last] if scaler is None else [scaler, last]
    new.steps = [(name, part) for (name, _), part in zip(model.steps, parts, strict=True)]
    return new


def _why_not(model: Any, data: Dataset) -> str | None:
    """Return why a model has no closed form, as the end of a sentence; None if it has one."""
    last, before = last_step(model), model.steps[:-1] if isinstance(model, Pipeline) else []
    if type(last) not in FAMILIES:
        names = ", ".join(kind.__name__ for kind in FAMILIES)
        return f"a {type(last).__name__} has no closed form known here; use one of {names}"
    others = [type(step).__name__ for _, step in before if type(step) is not StandardScaler]
    if others or len(before) > 1:
        return f"it comes after {', '.join(others) or 'two scalers'}; put at most one StandardScaler before it"
    if before and isinstance(last, naive_bayes.COUNTING):
        return f"a {type(last).__name__} counts, and standardised values are not counts; leave the StandardScaler out"
    kind = np.asarray(take(data.X, np.arange(0))).dtype
    if kind.kind not in "fiub":
        return "its records are not a table of numbers; encode them first"
    if kind.kind == "f" and kind.itemsize < 8 and (before or type(last) is GaussianNB):
        return f"records of type {kind} are fitted in single precision, whose rounding hides a record; use float64"
    return None


class DownDateOptions(Options):
    """There is nothing to set."""

    exactness = Exactness.EXACT
    tolerance = 1e-8
    reference = "Cao and Yang, Towards Making Systems Forget with Machine Unlearning, IEEE S&P 2015"

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why a model has no closed form; None if it has one."""
        return _why_not(source.make(seed=0), data)

    def unlearner(self, retrain: Retrain) -> DownDate:
        """Return the method."""
        return DownDate(retrain.regime, retrain)
