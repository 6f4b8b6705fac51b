"""From what a user names to a function that makes seeded, unfitted estimators."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sklearn.base import clone

from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint, fingerprint
from unlearn_audit.models.fit_parameters import check_taken
from unlearn_audit.models.kinds import refuse_other_kinds
from unlearn_audit.models.methods import check_methods, gives_labels_alone, knows_records, why_not_cloned
from unlearn_audit.models.program import ProgramClassifier, programs_in
from unlearn_audit.models.seeding import (
    holds_only_random_states,
    seed_arguments,
    seed_estimator,
    seed_random_states,
)
from unlearn_audit.models.settled import settle
from unlearn_audit.models.steps import last_step
from unlearn_audit.models.zoo import MODELS, require_torch
from unlearn_audit.utils.doors import Door
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.programs import MODEL_TIMEOUT, is_command
from unlearn_audit.utils.registry import Registry
from unlearn_audit.utils.seeds import seeded_globals
from unlearn_audit.utils.suggest import check_known

NETWORK_FACTORY_ASKS = frozenset({"n_features", "image_shape", "n_classes"})
"""A factory with one of these parameters makes PyTorch modules."""


@dataclass(frozen=True)
class ModelSource:
    """Where estimators come from.

    Attributes
    ----------
    name
        What reports call the model.
    factory
        Makes an unfitted estimator, and may take a seed or a generator by a name that `models.seeding` knows; or a
        PyTorch module, and may take ``n_features``, ``image_shape`` and ``n_classes``.
    fingerprint
        Everything about it that affects results, as text; part of the keys of the store.
    settings
        Parameters of its neural network that differ from the factory's.
    unknown
        What affects results but is not in the fingerprint, since it cannot be traced; in words.
    only_random_states
        Whether only parameters ``random_state`` need seeding, which saves searching for more.
    fit_params
        What is passed to ``fit`` for any records, by the name of a parameter of the last step.
    labels_alone
        Whether its models answer with labels but no probabilities; None if only training on real records can show it.
    """

    name: str
    factory: Callable[..., Any]
    fingerprint: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    only_random_states: bool = False
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    labels_alone: bool | None = False
    _without: ModelSource | None = field(default=None, repr=False, compare=False)

    @property
    def alone(self) -> ModelSource:
        """The source without further code that it was taken along with."""
        return self._without or self

    def make(self, seed: int) -> Any:
        """Return an unfitted estimator, seeded with ``seed`` wherever possible (see `models.seeding`)."""
        with foreign(f"the factory of model {self.name} raised", "; it must return an unfitted classifier"):
            makes_modules = bool(_parameters(self.factory) & NETWORK_FACTORY_ASKS)
            made: Any = None if makes_modules else self._called(seed)
            estimator = _network_of(self.factory, self.name) if makes_modules or _is_module(made) else made
        with foreign(f"model {self.name} cannot be seeded, as it raised"):
            check_methods(estimator, self.name)
            if not self.only_random_states:
                settle(estimator)
            (seed_random_states if self.only_random_states else seed_estimator)(estimator, seed)
        if self.settings:
            self.network_in(estimator).set_params(**self.settings)
        return estimator

    def along_with(self, code: Fingerprint) -> ModelSource:
        """Return the source with further code that affects its models' answers."""
        unknown = dict.fromkeys((*self.unknown, *code.unknown))
        both = f"{self.fingerprint} {code.digest}"
        return replace(self, fingerprint=both, unknown=tuple(unknown), _without=self.alone)

    def passing(self, constants: Mapping[str, Any], names: Iterable[str] = ()) -> ModelSource:
        """Return the source of models to whose ``fit`` parameters are passed on.

        Parameters
        ----------
        constants
            Their values, if the same for every training.
        names
            Names of those with one value per record, which the dataset holds.

        Raises
        ------
        AuditError
            If ``fit`` takes no such parameter.
        """
        check_taken(self.make(seed=0), (*constants, *names), self.name)
        if not constants:
            return self
        found = fingerprint(None, dict(constants))
        unknown = tuple(dict.fromkeys((*self.unknown, *found.unknown)))
        text = f"{self.fingerprint} fit {found.digest}"
        return replace(self, fit_params=dict(constants), fingerprint=text, unknown=unknown)

    def _called(self, seed: int) -> Any:
        """Return what the factory makes; what it draws from a global generator comes from the seed too."""
        if self.only_random_states:
            return self.factory()
        with seeded_globals(seed):
            return self.factory(**seed_arguments(_resolved(self.factory), seed))

    def network_in(self, estimator: Any) -> Any:
        """Return the neural network that an estimator is, or that ends it as a pipeline.

        Raises
        ------
        AuditError
            If there is none.
        """
        last = last_step(estimator)
        networks = sys.modules.get("unlearn_audit.models.networks")
        if networks is None or not isinstance(last, networks.TorchClassifier):
            asked = " and ".join(self.settings) or "dp-sgd"
            were = "were" if len(self.settings) > 1 else "was"
            raise AuditError(
                f"{asked} {were} requested, but model {self.name} is not a neural network; use one, or leave it out"
            )
        return last


def resolve_model(model: Any, settings: Mapping[str, Any] | None = None, timeout: float | None = None) -> ModelSource:
    """Return the source of a model given by name, by import path, as a command, an estimator or a factory.

    ``settings`` are parameters to give its neural network; ``timeout`` is how long a run of its program may take.

    Raises
    ------
    AuditError
        If there is no such model, or what it names cannot be imported or does not make a classifier.
    """
    if isinstance(model, str) and is_command(model):
        source = _from_command(model, MODEL_TIMEOUT if timeout is None else timeout)
    elif timeout is not None:
        raise AuditError("--model-timeout is for a program; give one as the model, or leave the option out")
    else:
        source = _from_text(model) if isinstance(model, str) else _from_object(model)
    source = replace(source, settings=dict(settings or {}))
    refuse_other_kinds(source.make(seed=0), source.name)
    labels_alone = gives_labels_alone(source.make(seed=0), source.name)
    estimator = source.make(seed=0)
    factory = _resolved(source.factory)
    made_from = None if isinstance(factory, _Cloner) else factory
    programs = [of.code() for of in programs_in(estimator)]
    # a program that is the model itself is told by its command alone: where it runs, and for how long, changes nothing
    found = [*([] if isinstance(estimator, ProgramClassifier) else [fingerprint(made_from, estimator)]), *programs]
    return replace(
        source,
        fingerprint=" ".join([source.name, *(of.digest for of in found)]),
        unknown=tuple(dict.fromkeys(why for of in found for why in of.unknown)),
        labels_alone=labels_alone,
        # any other factory may draw, and make another estimator each time
        only_random_states=(made_from is None or factory is MODELS.get(source.name))
        and holds_only_random_states(estimator),
    )


def load_factory(text: str) -> Callable[..., Any]:
    """Import and return the function of the user's own that ``module:function`` or ``file.py:function`` names.

    Raises
    ------
    AuditError
        If there is none.
    """
    return _ImportedFactory(text).resolve()


def _from_text(text: str) -> ModelSource:
    if text in MODELS:
        return ModelSource(text, MODELS[text])
    if text in REGISTRY.installed:
        return ModelSource(text, REGISTRY.find(text))
    if ":" not in text and not text.endswith(".py"):
        if any(mark in text for mark in "/{ "):
            raise AuditError(
                f"the model {text!r} is not a name; if it is a program, say what it is given, as in './model.sh "
                "{train} {query} {answers}'"
            )
        check_known("model", [text], REGISTRY.names)
    factory = _ImportedFactory(text)
    if _is_module(factory.resolve()):
        raise _exists_already(factory.resolve())
    return ModelSource(factory.door.label, factory)


def _from_command(text: str, timeout: float) -> ModelSource:
    try:
        model = ProgramClassifier(text, timeout, str(Path.cwd()))
    except OSError as error:
        raise AuditError(
            f"model command {text} cannot be run: the working folder no longer exists; start again in another one"
        ) from error
    model.program.check()
    return ModelSource(model.program.file, _Cloner(model))


def _factory(name: str, found: Any) -> Callable[..., Any]:
    """Return the factory that an entry point leads to."""
    if not callable(found):
        raise AuditError(f"model {name} is a {type(found).__name__}, no function or class that makes a model")
    return found  # type: ignore[no-any-return]


REGISTRY: Registry[Callable[..., Any]] = Registry("model", "models", MODELS, _factory)
"""Every model that can be named."""


def _from_object(model: Any) -> ModelSource:
    if hasattr(model, "fit") and not isinstance(model, type):
        copier = _Cloner(model)
        unfitted = copier()
        settle(unfitted)
        return ModelSource(type(model).__name__, replace(copier, estimator=unfitted))
    if _is_module(model):
        raise _exists_already(model)
    if callable(model):
        return ModelSource(getattr(model, "__name__", type(model).__name__), model)
    raise AuditError(
        f"a {type(model).__name__} is not a model; pass a classifier, a function that makes one, or a name"
    )


def _exists_already(module: Any) -> AuditError:
    return AuditError(
        f"a {type(module).__name__} that already exists has weights, but each world trains its own; pass the class, or "
        "a function that makes one"
    )


@dataclass(frozen=True)
class _Cloner:
    """Makes copies of an estimator that stays unfitted.

    One whose constructor changes what it is given, as CatBoost's does, cannot be cloned, and is copied as it is.
    """

    estimator: Any

    def __call__(self) -> Any:
        try:
            return clone(self.estimator)
        except Exception as error:
            if not isinstance(error, RuntimeError) or knows_records(self.estimator):
                raise AuditError(why_not_cloned(self.estimator, error)) from error
        return copy.deepcopy(self.estimator)


class _ImportedFactory:
    """A factory of the user's own, imported anew in each worker process."""

    def __init__(self, text: str) -> None:
        self.door = Door.of("model", text)

    def resolve(self) -> Callable[..., Any]:
        """Import and return the factory."""
        factory = self.door.open()
        if not callable(factory):
            raise AuditError(f"model {self.door.module}:{self.door.name} is not a function or class that makes a model")
        return factory  # type: ignore[no-any-return]

    def __call__(self, **seed: Any) -> Any:
        return self.resolve()(**seed)


def _is_module(made: Any) -> bool:
    """Return whether something is a PyTorch module; what is one has imported PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(made, torch.nn.Module)


def _resolved(factory: Callable[..., Any]) -> Callable[..., Any]:
    return factory.resolve() if isinstance(factory, _ImportedFactory) else factory


def _network_of(factory: Callable[..., Any], name: str) -> Any:
    """Return the classifier for a function that makes PyTorch modules."""
    require_torch(name)
    from unlearn_audit.models.networks import network_classifier

    return network_classifier(_resolved(factory))


def _parameters(factory: Callable[..., Any]) -> set[str]:
    """Return the names of a factory's parameters (an estimator class's own do not count)."""
    target = _resolved(factory)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(target, type) and issubclass(target, torch.nn.Module):
        return set(inspect.signature(target).parameters) | NETWORK_FACTORY_ASKS
    if isinstance(target, type) or isinstance(factory, _Cloner):
        return set()
    try:
        return set(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return set()
