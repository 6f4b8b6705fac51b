"""What decides a model's behaviour, as text for the keys of the store: its settings, its code, its libraries.

A key that missed something would let a run reuse another model's posteriors. So the walk starts from the factory and
the estimator that it made, and follows what they hold and what their code reads by name, through all code that is not
installed: values as they are now, code as its syntax tree, installed packages as their versions. What cannot be
followed is reported as such, and is then no ground for reuse: see docs/decisions.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import sklearn

from unlearn_audit.models.fingerprint.modules import Modules
from unlearn_audit.models.fingerprint.syntax import digest_of
from unlearn_audit.models.fingerprint.values import Values

SCHEME = 3
"""Raise it whenever the walk records more or less than before, so that no key of before is taken for one of now."""


@dataclass(frozen=True)
class Fingerprint:
    """What decides a model's behaviour.

    Attributes
    ----------
    digest
        Of all that can be followed.
    unknown
        What cannot be followed, each in words that go on after "can't tell whether the model changed:".
    """

    digest: str
    unknown: tuple[str, ...]


def fingerprint(factory: Any, estimator: Any) -> Fingerprint:
    """Return what distinguishes a factory, and the unfitted estimator that it made, from any other.

    Parameters
    ----------
    factory
        The function or class that makes the estimator, or None if there is only the estimator.
    estimator
        What it made; None if there is only the factory.
    """
    modules = Modules()
    values = Values(modules)
    try:
        described = [values.describe(part) for part in (factory, estimator)]
        while modules.waiting:
            values.names.record(*modules.waiting.popleft())
    except RecursionError:
        described = []
        modules.note("what it holds is nested too deeply to be followed")
    parts = [SCHEME, described, sorted(modules.records.items()), _settings_of_libraries()]
    parts += [part.computed_with() for part in _computing(estimator)]
    return Fingerprint(digest_of(parts), tuple(sorted(modules.unknown)))


def computed_with(estimator: Any) -> dict[str, str]:
    """Return what an estimator's parts say they compute with: names to versions and devices."""
    return {name: value for part in _computing(estimator) for name, value in part.computed_with().items()}


def _computing(estimator: Any) -> list[Any]:
    deep = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else getattr(estimator, "__dict__", {})
    return [part for part in (estimator, *deep.values()) if hasattr(part, "computed_with")]


def _settings_of_libraries() -> str:
    """Return what is set for a whole process and changes what libraries compute."""
    torch = sys.modules.get("torch")
    usual = torch is None or torch.get_default_dtype() == torch.float32
    return f"{sorted(sklearn.get_config().items())} {'' if usual else torch.get_default_dtype()}"  # type: ignore[union-attr]
