"""The defence dp-sgd: the source of the same network, trained under differential privacy."""

from __future__ import annotations

import importlib.util
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.models.privacy import Privacy
from unlearn_audit.models.source import ModelSource


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
            "give only the network, on features prepared with public figures"
        )
    made = _PrivateNetwork(source, privacy)
    fingerprint = f"{source.fingerprint} {privacy!r} {made().computed_with()}"
    return ModelSource(source.name, made, fingerprint, unknown=source.unknown), bool(before)


class _PrivateNetwork:
    """Makes the network of another source, to be trained under a guarantee."""

    def __init__(self, source: ModelSource, privacy: Privacy) -> None:
        self._source, self._privacy = source, privacy

    def __call__(self) -> Any:
        return clone(self._source.network_in(self._source.make(seed=0))).set_params(privacy=self._privacy)
