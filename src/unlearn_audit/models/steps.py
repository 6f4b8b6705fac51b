"""What stands at the end of a pipeline."""

from __future__ import annotations

import sys
from typing import Any

from sklearn.pipeline import Pipeline


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or an estimator that is none.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> last_step(make_pipeline(StandardScaler(), DecisionTreeClassifier())), last_step(DecisionTreeClassifier())
    (DecisionTreeClassifier(), DecisionTreeClassifier())
    """
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def before_last_step(estimator: Any, X: Any) -> Any:
    """Return what the last step of a fitted pipeline gets of (n, ...) records; of no pipeline the records."""
    return estimator[:-1].transform(X) if isinstance(estimator, Pipeline) and len(estimator.steps) > 1 else X


def is_network(estimator: Any) -> bool:
    """Return whether an estimator is a `TorchClassifier`, or ends in one; PyTorch is not imported for it."""
    networks = sys.modules.get("unlearn_audit.models.networks")
    return networks is not None and isinstance(last_step(estimator), networks.TorchClassifier)
