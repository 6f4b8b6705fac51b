"""Training under differential privacy: what is asked, what was spent, and the source of networks trained so."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.models.source import ModelSource

NEIGHBOURS = "add or remove one record"
"""Which two training sets the accountant's epsilon cannot tell apart."""


@dataclass(frozen=True)
class Privacy:
    """The guarantee that a training is to give.

    Attributes
    ----------
    epsilon, delta
        What the training may spend at most, for `NEIGHBOURS`.
    max_grad_norm
        To which L2 norm each record's gradient is clipped.
    """

    epsilon: float
    delta: float = 1e-5
    max_grad_norm: float = 1.0


@dataclass(frozen=True)
class Spent:
    """What a training spent.

    Attributes
    ----------
    epsilon, delta
        The guarantee, for `NEIGHBOURS`.
    noise_multiplier
        Standard deviation of the noise over the clipping norm.
    max_grad_norm
        The clipping norm.
    sample_rate
        The probability with which a record takes part in a step.
    steps
        How many steps there were.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    max_grad_norm: float
    sample_rate: float
    steps: int


def most_spent(spent: Iterable[Spent | None]) -> Spent | None:
    """Return what the training that spent most did; None if none was private."""
    return max((s for s in spent if s is not None), key=lambda s: s.epsilon, default=None)


def private_source(source: ModelSource, privacy: Privacy) -> tuple[ModelSource, bool]:
    """Return the source of the same network trained by DP-SGD, and whether its records must be standardised.

    A scaler fitted on the training records is no part of the guarantee, so it is left out: records have to be
    standardised with public figures instead.

    Raises
    ------
    AuditError
        If Opacus is not installed, the model is no network, or it has steps before it that learn from the training
        records.
    """
    if importlib.util.find_spec("opacus") is None:
        raise missing_extra("defence dp-sgd", "Opacus", "dp")
    estimator = source.make(seed=0)
    source.network_in(estimator)
    before = [step for _, step in estimator.steps[:-1]] if isinstance(estimator, Pipeline) else []
    unknown = [type(step).__name__ for step in before if type(step) is not StandardScaler]
    if unknown:
        raise AuditError(
            f"model {source.name} learns a {unknown[0]} from the training records, outside the guarantee of dp-sgd; "
            "give the network alone, on features prepared with public figures"
        )
    made = _PrivateNetwork(source, privacy)
    told = f"{source.fingerprint} {privacy!r} {made().computed_with()}"
    return ModelSource(source.name, made, told, unknown=source.unknown), bool(before)


class _PrivateNetwork:
    """Makes the network of another source, to be trained under a guarantee."""

    def __init__(self, source: ModelSource, privacy: Privacy) -> None:
        self._source, self._privacy = source, privacy

    def __call__(self) -> Any:
        return clone(self._source.network_in(self._source.make(seed=0))).set_params(privacy=self._privacy)
