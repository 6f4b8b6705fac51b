"""Settings that every training needs, as libraries name them: one thread, no chatter, no files.

Several models are trained at a time, one in each process, so that more threads would only be in each other's way; and
where a library adds numbers up in the order in which its threads end, they would change results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

_THREADS = ("n_jobs", "nthread", "thread_count", "num_threads")
"""Parameters that hold a number of threads or processes."""

_QUIET: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "xgboost": ({"verbosity": 0}, ("verbosity",)),
    "lightgbm": ({"verbosity": -1}, ("verbosity", "verbose")),
    "catboost": (
        {"logging_level": "Silent", "thread_count": 1, "allow_writing_files": False},
        ("logging_level", "verbose", "verbose_eval", "silent"),
    ),
    "skorch": ({"verbose": 0}, ()),
}
"""By package, what to set, and names by one of which the user may have said how much is to be told."""


def settle(estimator: Any) -> None:
    """Let an unfitted estimator, and all that it holds, compute on one thread and say nothing.

    What the user set of how much is told stays. Forests of scikit-learn are left to `unlearning.training`.
    """
    for part in _parts(estimator):
        own, package = part.get_params(deep=False), type(part).__module__.partition(".")[0]
        usual, loudness = _QUIET.get(package, ({}, ()))
        # where scikit-learn is told nothing it takes one, and warns of a number that it has no use for
        threads = None if package == "sklearn" else 1
        given = {name: threads for name in _THREADS if name in own and (usual or own[name] is not None)}
        if isinstance(part, RandomForestClassifier | ExtraTreesClassifier):
            given = {}
        told = any(own.get(name) is not None for name in loudness)
        given |= {name: value for name, value in usual.items() if not (told and name in loudness)}
        changed = {name: value for name, value in given.items() if own.get(name) != value}
        if changed:
            part.set_params(**changed)


def _parts(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and the estimators among its parameters."""
    if not (hasattr(estimator, "get_params") and hasattr(estimator, "set_params")):
        return
    yield estimator
    for value in estimator.get_params(deep=True).values():
        if hasattr(value, "fit") and hasattr(value, "set_params") and not isinstance(value, type):
            yield value
