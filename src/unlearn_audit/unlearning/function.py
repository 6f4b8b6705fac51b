"""The user's own method: a function from a model, what it is to forget and what it is to retain, to a model.

It may be written for scikit-learn or for PyTorch and needs to know nothing of this package::

    def forget(model, forget, retain, *, rng, recipe=None):
        return model.fit(retain.X, retain.y)
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint, fingerprint
from unlearn_audit.models.logistic import LogisticModel
from unlearn_audit.models.logistic.estimator import fitted_estimator, solved_model
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.steps import is_network
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.forgetting import Forgetting, Update, made_by
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.foreign import defined_at, foreign
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request

CALL = "(model, forget, retain, *, rng, recipe=None)"
"""How a function is called; it may leave out ``rng`` and ``recipe``."""

_TRIED = 100
"""Retained records that a returned model is asked at once; what it answers later is checked too."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Records and their labels, as the model takes them.

    Attributes
    ----------
    X
        (n, ...) records: for scikit-learn an array or a DataFrame, as ``fit`` got them; for a PyTorch module a float32
        tensor that it takes, on its device.
    y
        (n,) labels: for scikit-learn as ``fit`` got them; for a PyTorch module int64 places among its logits.
    """

    X: Any
    y: Any

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class OwnFunction(Forgetting):
    """Calls a function of the user's with a copy of the original.

    Attributes
    ----------
    name
        What it is called in messages.
    function
        It gets and returns a fitted estimator or, for a `TorchClassifier`, also at the end of a pipeline, an
        ``nn.Module``.
    """

    name: str
    # no part of the text that goes into keys: its code is there already
    function: Callable[..., Any] = field(repr=False)

    unknown_draws: ClassVar[bool] = True

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the model that the function returned, once it is known to be one.

        Raises
        ------
        AuditError
            If the function raises, or returns something that cannot stand in for the original.
        """
        if is_network(original.model):
            return self._of_network(original, update)
        solved = isinstance(original.model, LogisticModel)
        model = _solved_estimator(original) if solved else copy.deepcopy(original.model)
        forget, retain = (_labelled(original.data, of) for of in (update.forget, update.retain))
        found = self._called(original, model, forget, retain, update.seed, None)
        method = "predict" if original.source.labels_alone else "predict_proba"
        if not callable(getattr(found, method, None)):
            raise self._returned(f"a {type(found).__name__}; return a fitted classifier with {method}")
        self._try(found, original.data, update)
        # weights that were left as they are then give the original's answers to the last bit
        return (solved_model(found) if solved else None) or found

    def _of_network(self, original: Trained, update: Update) -> Any:
        from torch import nn

        from unlearn_audit.models.networks.opened import OpenedNetwork, exact, tensors_of

        data, opened = original.data, OpenedNetwork(original.model)
        forget, retain = (
            Labelled(opened.inputs(take(data.X, of)), opened.codes(data.y[of])) for of in (update.forget, update.retain)
        )
        with exact(opened.device):
            found = self._called(original, opened.module, forget, retain, update.seed, opened.recipe)
        if not isinstance(found, nn.Module):
            raise self._returned(f"a {type(found).__name__}; return the nn.Module it was given, with other weights")
        if (why := opened.why_not(tensors_of(found))) is not None:
            raise self._returned(f"{why}; return the network it was given, with other weights")
        model = opened.with_module(found)
        self._try(model, data, update)
        return model

    def _called(self, original: Trained, model: Any, forget: Labelled, retain: Labelled, seed: int, recipe: Any) -> Any:
        offered = {"rng": generator(seed, Kind.UNLEARNED), "recipe": recipe}
        taken = {name: value for name, value in offered.items() if name in _taken(self.function, offered)}
        doing = f"unlearning method {self.name} raised"
        try:
            with foreign(doing, clean=lambda text: without_values(text, original.data.X), of=self.function):
                found = self.function(model, forget, retain, **taken)
        except AuditError as error:
            if "recipe" not in taken or recipe is not None or "NoneType" not in str(error):
                raise
            raise AuditError(f"{error}; recipe is None for every model but a TorchClassifier") from error
        if found is None:
            raise self._returned("nothing; return the unlearned model, even if it was changed in place")
        return found

    def _try(self, model: Any, data: Dataset, update: Update) -> None:
        """Raise unless the model answers for what was forgotten and some of what was retained."""
        asked = np.concatenate([update.forget, update.retain[:_TRIED]])
        query(model, take(data.X, asked), data.class_values, f"returned by unlearning method {self.name}")

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return the model after a request; where it answers wrongly later, messages say who made it."""
        return made_by(super().unlearn(original, request, seed), self.name)

    def _returned(self, what: str) -> AuditError:
        return AuditError(f"unlearning method {self.name} returned {what}{defined_at(self.function)}")


class FunctionOptions(Options):
    """A function of the user's has no options."""

    exactness = Exactness.UNDECLARED
    keeps_accuracy = False

    function: ClassVar[Callable[..., Any]]
    name: ClassVar[str]

    def code(self) -> Fingerprint | None:
        """Return what tells the function from any other."""
        return fingerprint(type(self).function, None)

    def unlearner(self, retrain: Retrain) -> OwnFunction:
        """Return the method."""
        return OwnFunction(retrain.regime, retrain, self.name, type(self).function)


def options_for(name: str, function: Callable[..., Any]) -> type[FunctionOptions]:
    """Return the options of the method that a function is.

    Raises
    ------
    AuditError
        If it cannot be called as it would be.

    Examples
    --------
    >>> options_for("mine:forget", lambda model, forget, retain: model).name
    'mine:forget'
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        signature = None
    if signature is not None:
        try:
            signature.bind(*"abc", **dict.fromkeys(_taken(function, ("rng", "recipe"))))
        except TypeError:
            raise AuditError(
                f"unlearning method {name} cannot be called as {CALL}: it takes {signature}{defined_at(function)}; rng "
                "and recipe may be left out"
            ) from None

    class Given(FunctionOptions):
        __doc__ = inspect.getdoc(function) or FunctionOptions.__doc__

    Given.function, Given.name = function, name
    return Given


def _taken(function: Callable[..., Any], offered: Any) -> set[str]:
    """Return which of some keyword arguments a function takes; all where that cannot be found out."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set(offered)
    if any(of.kind is of.VAR_KEYWORD for of in parameters):
        return set(offered)
    return {of.name for of in parameters if of.kind in (of.POSITIONAL_OR_KEYWORD, of.KEYWORD_ONLY)} & set(offered)


def _labelled(data: Dataset, positions: Positions) -> Labelled:
    return Labelled(take(data.X, positions), data.y[positions])


def _solved_estimator(original: Trained) -> Any:
    return fitted_estimator(original.model, original.source.make(original.seed), len(original.training))
