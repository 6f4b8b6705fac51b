"""Records from Python: arrays, DataFrames, sparse matrices and texts, which go to the model as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from unlearn_audit.data import refuse_identifiers
from unlearn_audit.data.base import Dataset
from unlearn_audit.data.images import TO_CHANNELS_FIRST, channels_last
from unlearn_audit.data.labels import BIN, MOST_CLASSES, refuse_numbers, refuse_several
from unlearn_audit.data.rows import canonical, digests_of_rows, n_records
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.suggest import advice
from unlearn_audit.worlds.fit_columns import columns_named, fit_columns
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.prepare import Records, dropped, duplicates_named, named_columns
from unlearn_audit.worlds.split import split_records


def prepare_arrays(
    X: Any,
    y: Sequence[Any] | str,
    persons: Sequence[Any] | str | None,
    name: str,
    seed: int,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    keep_columns: Sequence[str] = (),
    fit_params: Mapping[str, Any] = MappingProxyType({}),
) -> Records:
    """Take records from Python: features go to the model as they are.

    Parameters
    ----------
    X
        (n, ...) an array, a DataFrame, or a sparse matrix, which stays sparse, by rows; or (n,) texts.
    y
        (n,) labels of any kind that sorts; or the name of a column of X, which is no feature then.
    persons
        (n,) whose row each is, or None; or the name of a column of X, which is no feature then.
    name
        What to call the data in reports.
    seed
        The seed of the audit.
    groups
        Columns of X, features or not, by which to break risk down; or (n,) values by name.
    keep_columns
        Columns of X that are features even if they hold nearly another text in every record.
    fit_params
        What is passed on to ``fit``, by name: columns of X, which are no features then, (n,) values, or constants.

    Raises
    ------
    AuditError
        If X is nothing of that, lengths differ, labels or persons are missing or cannot be
        sorted, there is one class only, a column of X identifies records, or there are too few records.
    """
    of_fit = columns_named(fit_params, X.columns) if isinstance(X, pd.DataFrame) else []
    named = [of for of in (y, persons, *of_fit) if isinstance(of, str)]
    y, persons = _values_of(y, X, "y"), _values_of(persons, X, "persons")
    whole, features = X, _features(X.drop(columns=named) if named else X)
    n = n_records(features)
    labels = _labels(y, n)
    codes, person_ids = (None, ()) if persons is None else _person_codes(_one_each(persons, "persons", "values", n))
    keep = _first_of_each(features, labels)
    record_ids = np.flatnonzero(keep).astype(np.int64)
    columns = {key: values[keep].reset_index(drop=True) for key, values in _given(groups, whole, name).items()}
    passed = fit_columns(fit_params, whole if isinstance(whole, pd.DataFrame) else None, n, "X")
    codes = None if codes is None else codes[keep]
    labels = labels[keep]
    class_values = _classes_of(labels)
    kept = features.loc[keep].reset_index(drop=True) if isinstance(features, pd.DataFrame) else features[keep]
    data = Dataset(
        name,
        kept,
        labels,
        class_values,
        tuple(str(value) for value in class_values),
        record_ids,
        codes,
        (*_warnings(kept, codes, keep_columns), *dropped(len(keep), len(record_ids))),
        duplicates=len(keep) - len(record_ids),
        fit_columns={key: values[keep] for key, values in passed.items()},
    )
    holders = Persons(np.arange(len(labels)) if codes is None else codes)
    with duplicates_named(len(data), data.duplicates):
        split = split_records(holders, seed)
    return Records(data, split, holders, columns, person_ids)


def _warnings(features: Any, codes: npt.NDArray[np.int64] | None, keep_columns: Sequence[str]) -> tuple[str, ...]:
    """Return what to know of features, or refuse them: what looks like an id, and images in another layout."""
    if sparse.issparse(features) or features.ndim != 2:
        shape = tuple(features.shape[1:])
        return (
            (Caution(f"X: {TO_CHANNELS_FIRST}, unless the model takes them in that order"),)
            if channels_last(shape)
            else ()
        )
    frame = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features)
    return refuse_identifiers(frame, codes, keep_columns)


def _labels(y: Any, n: int) -> npt.NDArray[Any]:
    """Return (n,) labels of classes, or say why they are none."""
    refuse_several(y, n)
    labels = _one_each(y, "y", "labels", n)
    refuse_numbers(labels, "y")
    return labels


def _values_of(given: Any, X: Any, what: str) -> Any:
    """Return one value a record as it was given, or the column of a DataFrame of this name."""
    if not isinstance(given, str):
        return given
    if not isinstance(X, pd.DataFrame):
        raise AuditError(
            f"{what} is {given!r}, and X is not a DataFrame that could have a column of this name; give one value per "
            "record"
        )
    if given not in X.columns:
        raise AuditError(f"X has no column {given!r} for {what}; {advice(given, map(str, X.columns))}")
    return X[given]


def _first_of_each(features: Any, labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(n,) true for a record that no earlier one equals in features and label."""
    if sparse.issparse(features):
        rows = pd.DataFrame({"row": digests_of_rows(features)})
    elif isinstance(features, pd.DataFrame):
        rows = features
    else:
        rows = pd.DataFrame(features.reshape(len(labels), -1))
    rows = rows.assign(**{"" if isinstance(features, pd.DataFrame) else "y": labels})
    try:
        return np.asarray(~rows.duplicated().to_numpy())
    except TypeError as error:
        raise AuditError(
            f"X holds values in which duplicates cannot be found ({error}); give numbers, texts or booleans"
        ) from error


def _classes_of(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the classes that labels name, of which there are two at least."""
    try:
        class_values = np.unique(labels)
    except TypeError as error:
        raise AuditError(f"y has labels that cannot be sorted ({error}); give labels of one type") from error
    if len(class_values) < 2:
        raise AuditError(f"y has one class only ({class_values[0]}); an audit needs a classifier of at least two")
    if len(class_values) > MOST_CLASSES:
        raise AuditError(
            f"y holds {len(class_values):,} distinct labels, and an audit takes at most {MOST_CLASSES:,} classes; if "
            f"they are quantities, {BIN}"
        )
    return class_values


def _given(groups: Sequence[str] | Mapping[str, Sequence[Any]], features: Any, where: str) -> dict[str, pd.Series]:
    """Return columns of X, or values of their own, by name."""
    if isinstance(groups, Mapping):
        return {name: _one_value_each(values, name, len(features)) for name, values in groups.items()}
    if groups and not isinstance(features, pd.DataFrame):
        raise AuditError(
            f"X is an array, whose columns have no names, so there is no {groups[0]!r} to group by; give a DataFrame, "
            "or groups as {name: values}"
        )
    return (
        {name: values.reset_index(drop=True) for name, values in named_columns(features, groups, where).items()}
        if groups
        else {}
    )


def _one_value_each(values: Sequence[Any], name: str, n: int) -> pd.Series:
    series = pd.Series(values).reset_index(drop=True)
    if len(series) != n:
        raise AuditError(
            f"groups: {name!r} has {len(series):,} values for {n:,} records; one value per record is needed"
        )
    return series


def _features(X: Any) -> Any:
    """Return a DataFrame as it is, a sparse matrix by rows, texts as (n,) objects and all else as a (n, ...) array."""
    if sparse.issparse(X):
        if X.ndim != 2 or 0 in X.shape:
            raise AuditError(f"X has shape {X.shape}; a sparse matrix of shape (n, features) is needed")
        return canonical(X)
    try:
        features = X if isinstance(X, pd.DataFrame) else np.asarray(X)
    except ValueError as error:
        raise AuditError("X has rows of different lengths; an array of shape (n, features) is needed") from error
    if features.ndim == 1 and len(features) and all(isinstance(of, str) for of in features):
        return features.astype(object)
    if features.ndim < 2 or 0 in features.shape:
        raise AuditError(f"X has shape {features.shape}; an array of shape (n, features), or n texts, are needed")
    return features


def _one_each(values: Sequence[Any], name: str, what: str, n: int) -> npt.NDArray[Any]:
    """Return one value a record as an array, or say why they are not that."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise AuditError(f"{name} has entries of different lengths; one value per record is needed") from error
    if array.shape != (n,):
        raise AuditError(f"{name} has shape {array.shape} for {n:,} records; one value per record is needed")
    # as objects: in an array of texts a missing value would be the text 'nan'
    if pd.isna(np.asarray(values, dtype=object)).any():
        raise AuditError(f"{name} has missing {what}; drop those records first, or fill them in")
    return array


def _person_codes(persons: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    try:
        codes, ids = pd.factorize(persons, sort=True)
        return codes.astype(np.int64), tuple(map(str, ids))
    except TypeError as error:
        raise AuditError(f"persons has values that cannot be sorted ({error}); give values of one type") from error
