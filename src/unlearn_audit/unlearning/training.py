"""One model fitted by its own ``fit``: on one thread, with every generator seeded."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from unlearn_audit.data.base import Dataset
from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fit_parameters import given_to_fit
from unlearn_audit.models.forest import fit_forest
from unlearn_audit.models.methods import answers_with_labels, check_fitted
from unlearn_audit.models.regimes import Regime, record_ids_option
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.utils.deadline import one_training
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.seeds import seeded_globals
from unlearn_audit.utils.threads import one_thread, threads_for_trees
from unlearn_audit.utils.typing import Positions


def train(
    source: ModelSource, data: Dataset, training: Positions, seed: int, regime: Regime = Regime.SAME_SEED
) -> Trained:
    """Fit one model on the given records, on one thread, with every generator seeded.

    In the regime *fixed* a model that can key its draws by record gets the records' ids.

    Raises
    ------
    AuditError
        If fitting fails; the reason is passed on.
    """
    model = source.make(seed)
    option = record_ids_option(model) if regime is Regime.FIXED else None
    keyed = {} if option is None else {option: data.record_ids[training]}
    texts = fit(model, "fit", source.name, data, training, seed, **keyed, **passed_on(source, data, model, training))
    check_fitted(model, source.name, labels_alone=bool(source.labels_alone))
    return Trained(model, source, data, training, seed, texts)


_OF_A_TRIAL = 200
"""Records that show whether a model gives probabilities."""


def known_to_answer(source: ModelSource, data: Dataset) -> ModelSource:
    """Return a source of which it is known whether its models give labels alone; where a training has to show, by one.

    A model that fails on a few records is left for the first training to tell of.
    """
    if source.labels_alone is not None:
        return source
    of_each = max(2, _OF_A_TRIAL // len(data.class_values))
    few = np.sort(np.concatenate([np.flatnonzero(data.y == value)[:of_each] for value in data.class_values]))
    model = source.make(seed=0)
    with suppress(AuditError):
        fit(model, "fit", source.name, data, few, 0, **passed_on(source, data, model, few))
        return replace(source, labels_alone=answers_with_labels(model))
    return replace(source, labels_alone=False)


def passed_on(source: ModelSource, data: Dataset, model: Any, training: Positions) -> dict[str, Any]:
    """Return the keyword arguments of a model's ``fit`` that the user gave, with the values of the training records."""
    of_records = {name: values[training] for name, values in data.fit_columns.items()}
    return given_to_fit(model, {**source.fit_params, **of_records})


def passes_on(source: ModelSource, data: Dataset) -> bool:
    """Return whether the user gave parameters of ``fit``, which nothing that trains in place of ``fit`` takes."""
    return bool(source.fit_params or data.fit_columns)


def fit(
    model: Any, method: str, name: str, data: Dataset, training: Positions, seed: int, **options: Any
) -> tuple[str, ...]:
    """Call a model's own ``fit`` (or ``partial_fit``) and return what it warned of, one sentence each."""
    with fitting(name, data, len(training), seed) as messages, threaded(model):
        records, labels = take(data.X, training), data.y[training]
        if getattr(model, "takes_dataset", False):
            options = {**options, "dataset": data, "training": training}
        if method != "fit" or options or not fit_forest(model, records, labels):
            try:
                getattr(model, method)(records, labels, **options)
            except ValueError as error:
                if not _knows_one_class(model, labels):
                    if type(error) is ValueError:
                        error.args = (f"{error}{_rare(labels)}",)
                    raise
    return tuple(messages)


def _rare(labels: npt.NDArray[Any]) -> str:
    """Return what to do where a class has a single record, which some models refuse; else nothing."""
    alone = bool((np.unique(labels, return_counts=True)[1] == 1).any())
    return " (a class has one record in this training set: stratify draws more of it)" if alone else ""


def _knows_one_class(model: Any, labels: npt.NDArray[Any]) -> bool:
    """Let a model that refuses labels of a single class know that class, and return whether there was one alone.

    Whatever it is, it answers with this class: see `models.posteriors.query`.
    """
    classes = np.unique(labels)
    if len(classes) != 1:
        return False
    try:
        last_step(model).classes_ = classes
    except AttributeError:
        return False
    return True


@contextmanager
def fitting(name: str, data: Dataset, n: int, seed: int, together: int = 1) -> Iterator[list[str]]:
    """Compute on one thread with every generator seeded; yield a list that gets what was warned of at the end.

    What takes longer than the limit of so many trainings ends the process, see `unlearn_audit.utils.deadline`.

    Raises
    ------
    AuditError
        If fitting fails; the reason is passed on.
    """
    messages: list[str] = []
    doing = f"model {name} failed to fit {n:,} records of {data.name}:"
    with (
        one_training(name, n, data.name, together),
        one_thread(),
        seeded_globals(seed),
        noting(messages),
        foreign(doing, lambda error: _wants_a_table(error, data), clean=lambda text: without_values(text, data.X)),
    ):
        yield messages


_OF_NAMES = re.compile(
    r"only supported for dataframes|only integers, slices|no attribute '(columns|iloc|loc|dtypes|select_dtypes)'", re.I
)
_OF_TEXTS = re.compile(
    r"(array|float\d*|int\d*)' object has no attribute '(lower|split|strip)'|expected string or byte"
)


def _wants_a_table(error: BaseException, data: Dataset) -> str:
    """Return what to do where a model looks for columns by name, or for texts, and got numbers; else nothing."""
    if not isinstance(data.X, np.ndarray) or data.X.dtype.kind not in "fiub":
        return ""
    said = str(error)
    if _OF_NAMES.search(said):
        of_a_table = "--encoding raw passes the columns of the table unchanged, with their names"
        return f"; {of_a_table if data.encoded else 'give X as a DataFrame, of which columns have names'}"
    if _OF_TEXTS.search(said) and data.encoded:
        return "; --encoding text passes a table's only column as texts, --encoding raw all columns unchanged"
    return ""


@contextmanager
def noting(messages: list[str]) -> Iterator[None]:
    """Append what is warned of meanwhile to a list, one sentence each; nothing of it is shown."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    messages += [f"{w.category.__name__}: {' '.join(str(w.message).split())}" for w in caught]


def take(X: Any, positions: Positions) -> Any:
    """Return records by position from an array or a DataFrame."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[positions]
    if not isinstance(X, np.ndarray):
        return X[positions]
    # `take` is four times as fast as an index where records are short, but of an array by columns it copies all first
    return X.take(positions, axis=0) if X.flags.c_contiguous else np.ascontiguousarray(X[positions])


@contextmanager
def threaded(model: Any) -> Iterator[None]:
    """Let a forest grow its trees in the threads that are free, and answer in one.

    Each tree is grown from a seed drawn beforehand, so that threads change no bit of it. In `predict_proba` threads
    add the trees' posteriors in the order in which they end, which does change bits.
    """
    last = last_step(model)
    inner = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    for forest in (last, *inner):
        if isinstance(forest, RandomForestClassifier | ExtraTreesClassifier):
            forest.set_params(n_jobs=threads_for_trees() if forest is last else 1)
    yield
    if isinstance(last, RandomForestClassifier | ExtraTreesClassifier):
        last.set_params(n_jobs=1)
