"""What every unlearning method must do, checked on a made-up table.

See `unlearn_audit.testing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Dataset
from unlearn_audit.data.rows import n_records
from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource, resolve_model
from unlearn_audit.unlearning.base import Trained, Unlearner
from unlearn_audit.unlearning.function import options_for
from unlearn_audit.unlearning.options import Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.utils.checks import raise_first
from unlearn_audit.worlds.design import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

_RECORDS, _TRAINING = 160, 96


CANDIDATES = ("logistic-regression", "decision-tree", "ridge", "torch-logistic-regression")
"""Models that a method is tried on where none is given: the first one that it can take."""


def check_unlearner(method: Any, model: Any = None, X: Any = None, y: Any = None) -> Any:
    """Check an unlearning method, given by its options or as a function, against the contract; return what was given.

    The original must stay as it was, results must repeat with the seed and answer with posteriors, a deletion from a
    result must not bring back an earlier one, records must be taken in as well, and the method's text must say what it
    is made of, since it is part of the keys of stored worlds.

    Parameters
    ----------
    method
        A class derived from `Options`, an instance of one, or a function ``(model, forget, retain, *, rng)``.
    model
        What it is tried on, as in `unlearn_audit.audit`: a name, an estimator or a factory. None for the first of
        `CANDIDATES` that the method can take.
    X, y
        Records to try it on, as in `unlearn_audit.audit`; 160 of them are drawn. By default four made-up columns of
        numbers in two classes, without names.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> from unlearn_audit.unlearning import METHODS
    >>> check_unlearner(METHODS["sisa"]).__name__
    'SisaOptions'
    """
    options = method() if isinstance(method, type) else method
    name = type(options).__name__
    if not isinstance(options, Options):
        if isinstance(method, type) or not callable(method):
            raise AuditError(
                f"{name} is neither a class of options nor a function; derive it from unlearn_audit.unlearning.Options"
            )
        name = getattr(method, "__name__", name)
        options = options_for(name, method)()
    source = _suitable(options) if model is None else resolve_model(model)
    data = made_data() if X is None else _drawn(X, y)
    if (reason := options.why_not(source, data)) is not None:
        raise AuditError(f"unlearning method {name} cannot be checked on model {source.name}: {reason}")
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    where = "a made-up table" if X is None else "the records given"
    try:
        raise_first(f"unlearning method {name}", _problems(options, retrain, source, data), where)
    except AuditError as error:
        if model is None:
            raise AuditError(f"{error}; it was tried on {source.name}, give your own as the second argument") from error
        if X is None and f"records of {data.name}" in str(error):  # which the model could not learn from
            raise AuditError(
                f"{error}; it was tried on made-up numbers without names of columns: if the model needs others, give "
                "records of yours, as in check_unlearner(method, model, X, y)"
            ) from error
        raise
    return method


def _drawn(X: Any, y: Any) -> Dataset:
    """Return some of the records given, as an audit prepares them.

    Raises
    ------
    AuditError
        If there are no labels, too few records, or an audit would refuse them.
    """
    if y is None:
        raise AuditError("check_unlearner needs y too: the labels of X, or the name of their column")
    n = n_records(X) if hasattr(X, "shape") else len(X)
    if n < _RECORDS:
        raise AuditError(f"check_unlearner needs at least {_RECORDS} records, and X has {n:,}; give more, or no X")
    rows = np.sort(np.random.default_rng(0).choice(n, _RECORDS, replace=False))
    some = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows] if hasattr(X, "shape") else [X[i] for i in rows]
    labels = y if isinstance(y, str) else list(np.asarray(y)[rows])
    data = prepare_arrays(some, labels, None, "yours", 0).data
    if len(data) <= _TRAINING:
        raise AuditError(
            f"of {_RECORDS} records drawn from X only {len(data):,} differ, and more than {_TRAINING} are needed; give "
            "records with more columns"
        )
    return data


def checked(unlearner: Any, name: str) -> Unlearner:
    """Return a method, once it is one and its text says all that it is made of.

    Raises
    ------
    AuditError
        If not.
    """
    if not isinstance(unlearner, Unlearner):
        raise AuditError(
            f"unlearning method {name} makes a {type(unlearner).__name__}; derive it from "
            "unlearn_audit.unlearning.Unlearner"
        )
    if not isinstance(getattr(unlearner, "regime", None), Regime):
        raise AuditError(f"unlearning method {name} states no regime; take that of the Retrain given")
    if " at 0x" in repr(unlearner):
        raise AuditError(
            f"the text of unlearning method {name} ({repr(unlearner)[:80]}) does not say what it consists of, although "
            "it is part of the keys of stored worlds; make it a frozen dataclass"
        )
    return unlearner


def made_data() -> Dataset:
    """Return the made-up table that methods are tried on."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(_RECORDS, 4))
    y = (X.sum(axis=1) + rng.normal(size=_RECORDS) > 0).astype(np.int64)
    return Dataset("made", X, y, np.arange(2), ("no", "yes"), np.arange(_RECORDS))


def _suitable(options: Options) -> ModelSource:
    """Return a model that a method can take, or the first candidate, on which it says what it needs."""
    data, sources = made_data(), (resolve_model(name) for name in CANDIDATES)
    # one after the other: the last needs PyTorch, which few methods do
    return next((source for source in sources if options.why_not(source, data) is None), resolve_model(CANDIDATES[0]))


def _answers(trained: Trained) -> npt.NDArray[np.float32]:
    return query(trained.model, trained.data.X, trained.data.class_values, trained.source.name)


def _problems(options: Options, retrain: Retrain, source: ModelSource, data: Dataset) -> Iterator[str]:
    unlearner = checked(options.unlearner(replace(retrain, opened=True)), type(options).__name__)
    training = np.arange(max(_TRAINING, unlearner.least_training))
    original = unlearner.learn(source, data, training, seed=1)
    before = _answers(original)
    if not np.array_equal(_answers(unlearner.learn(source, data, training, seed=1)), before):
        yield (
            "learns a different model from the same records with the same seed; draw random numbers only from the seed"
        )
    nobody = np.arange(0)
    first, second = (Request(np.array(positions), nobody) for positions in ([3], [5, 8]))
    unlearned, _ = list(unlearner.unlearn_many(original, [first, second], [2, 3]))
    if not np.array_equal(_answers(original), before):
        yield "changes the original when it unlearns; other requests start from it too, so work on a copy"
    if not np.array_equal(_answers(next(unlearner.unlearn_many(original, [first], [2]))), _answers(unlearned)):
        yield (
            "unlearns to a different model with the same seed, or depending on other requests; draw random numbers "
            "only from the seed"
        )
    again = unlearner.unlearn(unlearned, second, 4)
    # a method may leave a record in; one that took it out may not bring it back
    if 3 in again.training and 3 not in unlearned.training:
        yield "brings back an earlier deletion when it unlearns from its own result"
    unlearner.unlearn(original, Request(np.array([3]), np.array([len(data) - 1])), 5)
    if not _refuses(unlearner, original, Request(nobody, nobody)):
        yield "accepts a request that deletes nothing; raise an AuditError"
    if not _refuses(unlearner, original, Request(training, nobody)):
        yield "accepts a request that deletes every training record; raise an AuditError"


def _refuses(unlearner: Unlearner, original: Trained, request: Request) -> bool:
    """Return whether a request that cannot be met is refused."""
    try:
        unlearner.unlearn(original, request, 2)
    except AuditError:
        return True
    return False
