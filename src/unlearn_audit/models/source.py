"""From what a user names to a function that makes seeded, unfitted estimators."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.base import clone

from unlearn_audit.errors import AuditError
from unlearn_audit.models.zoo import MODELS


@dataclass(frozen=True)
class ModelSource:
    """Where estimators come from.

    Attributes
    ----------
    name
        What reports call the model.
    factory
        Makes an unfitted estimator; it may take ``seed`` or ``random_state``.
    fingerprint
        Everything about it that decides results, as text: goes into the keys of the store.
    """

    name: str
    factory: Callable[..., Any]
    fingerprint: str

    def make(self, seed: int) -> Any:
        """Return an unfitted estimator whose every ``random_state`` comes from ``seed``."""
        takes = _parameters(self.factory)
        named = next((n for n in ("seed", "random_state") if n in takes), None)
        try:
            estimator = self.factory(**{named: seed}) if named else self.factory()
        except Exception as error:
            raise AuditError(
                f"the factory of model {self.name} raised {type(error).__name__}: {error}; "
                "it must return an unfitted classifier"
            ) from error
        for method in ("fit", "predict_proba"):
            if not callable(getattr(estimator, method, None)):
                raise AuditError(
                    f"model {self.name} is a {type(estimator).__name__} without {method}; an audit needs a classifier "
                    "with fit and predict_proba"
                )
        if hasattr(estimator, "get_params") and hasattr(estimator, "set_params"):
            states = [p for p in estimator.get_params(deep=True) if p.split("__")[-1] == "random_state"]
            estimator.set_params(**{p: (seed + i) % 2**31 for i, p in enumerate(sorted(states))})
        return estimator


def resolve_model(model: Any) -> ModelSource:
    """Return the source of a model given by name, by import path, as an estimator or as a factory.

    Raises
    ------
    AuditError
        If there is no such model, or what it names cannot be imported or makes no classifier.
    """
    source = _from_text(model) if isinstance(model, str) else _from_object(model)
    # what a factory makes can depend on more than its code: on variables around it, or on files it reads
    return replace(source, fingerprint=f"{source.fingerprint} {_settings_digest(source.make(seed=0))}")


def _settings_digest(estimator: Any) -> str:
    """Return a digest of an unfitted estimator's parameters, or of its attributes if it has none."""
    settings = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else vars(estimator)
    told = {name: type(value).__qualname__ if hasattr(value, "fit") else value for name, value in settings.items()}
    return str(joblib.hash((type(estimator).__qualname__, told)))


def _from_text(text: str) -> ModelSource:
    if text in MODELS:
        return ModelSource(text, MODELS[text], f"zoo {text} {inspect.getsource(MODELS[text])}")
    module_name, _, attribute = text.rpartition(":")
    if not module_name:
        raise AuditError(
            f"unknown model '{text}'; use one of {', '.join(MODELS)}, or package.module:factory for your own"
        )
    factory = _ImportedFactory(module_name, attribute)
    # a report names the file, not where on a disk it lies
    name = f"{Path(module_name).name if module_name.endswith('.py') else module_name}:{attribute}"
    return ModelSource(name, factory, f"factory {name} {_source_digest(factory.resolve())}")


def _from_object(model: Any) -> ModelSource:
    if hasattr(model, "fit") and not isinstance(model, type):
        try:
            unfitted = clone(model)
        except TypeError as error:
            raise AuditError(
                f"{type(model).__name__} cannot be cloned (it has no get_params); pass a function that makes one"
            ) from error
        text = f"estimator {type(model).__qualname__} {joblib.hash(unfitted)} {_source_digest(type(model))}"
        return ModelSource(type(model).__name__, _Cloner(unfitted), text)
    if callable(model):
        name = getattr(model, "__name__", type(model).__name__)
        return ModelSource(name, model, f"callable {name} {_source_digest(model)}")
    raise AuditError(f"a {type(model).__name__} is no model; pass a classifier, a function that makes one, or a name")


class _Cloner:
    """Makes copies of an estimator that stays unfitted."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def __call__(self) -> Any:
        return clone(self._estimator)


class _ImportedFactory:
    """A factory named by module (or file) and attribute, imported anew in each worker process."""

    def __init__(self, module: str, attribute: str) -> None:
        self._module, self._attribute = module, attribute

    def resolve(self) -> Callable[..., Any]:
        """Import and return the factory."""
        where = f"{self._module}:{self._attribute}"
        try:
            module = _load_file(Path(self._module)) if self._module.endswith(".py") else _load(self._module)
        except Exception as error:
            raise AuditError(f"model {where} cannot be imported ({type(error).__name__}: {error})") from error
        factory = getattr(module, self._attribute, None)
        if not callable(factory):
            raise AuditError(f"model {where}: the module has no function '{self._attribute}'")
        return factory  # type: ignore[no-any-return]

    def __call__(self, **seed: int) -> Any:
        return self.resolve()(**seed)


def _load(name: str) -> Any:
    # the folder a command is run in is where its user's modules are
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(name)


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    name = f"unlearn_audit_user_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def _parameters(factory: Callable[..., Any]) -> set[str]:
    """Return the names of a factory's parameters (an estimator class's own do not count)."""
    target = factory.resolve() if isinstance(factory, _ImportedFactory) else factory
    if isinstance(target, type) or isinstance(factory, _Cloner):
        return set()
    try:
        return set(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return set()


def _source_digest(obj: Any) -> str:
    """Return a digest of the code behind an object: its file's text, or its package's version if installed."""
    module = inspect.getmodule(obj)
    top = (module.__name__ if module else "").partition(".")[0]
    if top == "sklearn":
        return f"sklearn {sklearn.__version__}"
    try:
        file = Path(inspect.getsourcefile(inspect.unwrap(obj)) or "")
        if file.is_file() and not str(file).startswith(sysconfig.get_paths()["purelib"]):
            return sha256(file.read_bytes()).hexdigest()
        version = getattr(sys.modules.get(top), "__version__", "")
        return f"{top} {version} {sha256(inspect.getsource(obj).encode()).hexdigest()}"
    except (TypeError, OSError):
        # no source to read (typed at a prompt): the object itself, as far as it can be hashed
        return str(joblib.hash(getattr(obj, "__code__", obj)))
