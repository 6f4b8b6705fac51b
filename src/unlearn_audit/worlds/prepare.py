"""From a table, images or arrays to records that worlds can be drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from unlearn_audit.config import DataConfig
from unlearn_audit.data import (
    MISSING,
    Images,
    Table,
    encode,
    first_of_duplicates,
    load_dataset,
    read_table,
    refuse_identifiers,
    without_identifiers,
)
from unlearn_audit.data.base import Dataset
from unlearn_audit.data.images import TO_CHANNELS_FIRST, channels_last
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.suggest import advice
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.split import Split, split_records


@dataclass(frozen=True)
class Records:
    """A dataset with its two sides, and which of its records belong together.

    Attributes
    ----------
    data, split, persons
        The records, the sides, and which records belong together.
    columns
        (n,) values by name, of the columns by which risk is broken down; neither models nor attacks see them.
    person_ids
        What the owner calls the person of each code, as text; empty where that is not known.
    """

    data: Dataset
    split: Split
    persons: Persons
    columns: Mapping[str, pd.Series] = field(default_factory=dict)
    person_ids: tuple[str, ...] = ()

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """(n,) what the owner calls each record: the id of its person where rows belong to people, else its number."""
        if self.data.persons is None:
            return np.array([str(number) for number in self.data.record_ids], dtype=object)
        names = self.person_ids or tuple(map(str, range(int(self.data.persons.max()) + 1)))
        return np.array(names, dtype=object)[self.data.persons]

    def duplicates_named(self) -> AbstractContextManager[None]:
        """Name the dropped duplicates in an error that refuses sizes."""
        return _duplicates_named(len(self.data), self.data.duplicates)


@contextmanager
def _duplicates_named(left: int, dropped: int) -> Iterator[None]:
    """Say in every error that so many records are left after dropping so many duplicates, if there were any."""
    try:
        yield
    except AuditError as error:
        if not dropped:
            raise
        duplicates = "duplicate" if dropped == 1 else "duplicates"
        raise AuditError(
            f"{error} (there are {left:,} records, after dropping {dropped:,} exact {duplicates})"
        ) from error


def prepare(config: DataConfig, seed: int, groups: Sequence[str] = ()) -> Records:
    """Load, drop exact duplicates, split, and make numbers with what the shadow side knows.

    Of images, `Dataset.X` is (n, channels * height * width) uint8: every classifier takes rows of numbers.

    Parameters
    ----------
    config
        Which data.
    seed
        The seed of the audit.
    groups
        Columns, features or not, by which to break risk down.

    Raises
    ------
    AuditError
        If the data cannot be had, or cannot be split, no feature is left, or an encoding or column is asked for that
        they do not have.
    """
    raw = _load(config)
    columns = _columns(raw, groups)
    keep = first_of_duplicates(raw)
    warnings: tuple[str, ...] = ()
    if isinstance(raw, Table):
        left, warnings = without_identifiers(raw, keep, config.keep)
        if left.features.shape != raw.features.shape:  # records may have differed by an id alone
            raw, keep = left, first_of_duplicates(left)
    record_ids = np.flatnonzero(keep).astype(np.int64)
    raw = raw.kept(keep)
    columns = {name: values[keep].reset_index(drop=True) for name, values in columns.items()}
    persons = Persons(np.arange(len(raw.labels)) if raw.persons is None else raw.persons)
    duplicates = len(keep) - len(record_ids)
    with _duplicates_named(len(record_ids), duplicates):
        split = split_records(persons, seed)
    X, made = _numbers(raw, split, config)
    notes = (*warnings, *raw.notes, *_dropped(len(keep), len(record_ids)), *made)
    class_values = np.arange(len(raw.class_names))
    data = Dataset(
        raw.name, X, raw.labels, class_values, raw.class_names, record_ids, raw.persons, notes, duplicates=duplicates
    )
    return Records(data, split, persons, columns, raw.person_ids if isinstance(raw, Table) else ())


def _columns(raw: Table | Images, names: Sequence[str]) -> dict[str, pd.Series]:
    """Return columns of a table by name."""
    if names and isinstance(raw, Images):
        raise AuditError(f"{raw.name} holds images, which have no columns to group by; leave {names[0]!r} out")
    if not isinstance(raw, Table):
        return {}
    return _named(raw.features if raw.others is None else raw.features.join(raw.others), names, raw.name)


def _named(frame: pd.DataFrame, names: Sequence[str], where: str) -> dict[str, pd.Series]:
    for name in names:
        if name not in frame.columns:
            raise AuditError(
                f"no column {name!r} to group by in {where}; name one of: {shortened(map(str, frame.columns), 20)}"
            )
    return {name: frame[name] for name in names}


def _load(config: DataConfig) -> Table | Images:
    if config.file is not None:
        assert config.label is not None
        missing = MISSING if config.na_values is None else config.na_values
        return read_table(Path(config.file), config.label, config.person, config.exclude, missing)
    assert config.name is not None
    raw = load_dataset(config.name)
    if isinstance(raw, Images) and config.encoding != DataConfig.model_fields["encoding"].default:
        raise AuditError(
            f"{raw.name} holds images, which have no categories; leave the encoding {config.encoding!r} out"
        )
    return raw


def _numbers(raw: Table | Images, split: Split, config: DataConfig) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Return features (n, d), and what was done to get them."""
    if isinstance(raw, Table):
        return encode(raw, split.shadow.all, config.encoding)
    channels, height, width = raw.pixels.shape[1:]
    channel = "channel" if channels == 1 else "channels"
    return raw.flat(), (f"Pixels of {channels} {channel}, {height} x {width}, as bytes 0 to 255, not scaled.",)


def standardized(records: Records) -> Records:
    """Return records with features standardised by mean and spread of the shadow side, which stands for public data."""
    X = np.asarray(records.data.X, dtype=np.float64)
    public = X[records.split.shadow.all]
    spread = public.std(axis=0)
    scaled = (X - public.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return replace(records, data=replace(records.data, X=scaled.astype(np.float32)))


def prepare_arrays(
    X: Any,
    y: Sequence[Any] | str,
    persons: Sequence[Any] | str | None,
    name: str,
    seed: int,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    keep_columns: Sequence[str] = (),
) -> Records:
    """Take records from Python: features go to the model as they are.

    Parameters
    ----------
    X
        (n, ...) an array, or a DataFrame.
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

    Raises
    ------
    AuditError
        If X is no dense (n, ...) array or DataFrame, lengths differ, labels or persons are missing or cannot be
        sorted, there is one class only, a column of X identifies records, or there are too few records.
    """
    named = [of for of in (y, persons) if isinstance(of, str)]
    y, persons = _values_of(y, X, "y"), _values_of(persons, X, "persons")
    whole, features = X, _features(X.drop(columns=named) if named else X)
    labels = _one_each(y, "y", "labels", len(features))
    codes, person_ids = (
        (None, ()) if persons is None else _person_codes(_one_each(persons, "persons", "values", len(features)))
    )
    frame = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features.reshape(len(labels), -1))
    keep = _first_of_each(frame.assign(**{"" if isinstance(features, pd.DataFrame) else "y": labels}))
    record_ids = np.flatnonzero(keep).astype(np.int64)
    columns = {key: values[keep].reset_index(drop=True) for key, values in _given(groups, whole, name).items()}
    codes = None if codes is None else codes[keep]
    labels = labels[keep]
    class_values = _classes_of(labels)
    shape = tuple(features.shape[1:])
    warnings = refuse_identifiers(frame[keep], codes, keep_columns) if features.ndim == 2 else ()
    layout = [Caution(f"X: {TO_CHANNELS_FIRST}, unless the model takes them so")] if channels_last(shape) else []
    data = Dataset(
        name,
        features.loc[keep].reset_index(drop=True) if isinstance(features, pd.DataFrame) else features[keep],
        labels,
        class_values,
        tuple(str(value) for value in class_values),
        record_ids,
        codes,
        (*warnings, *layout, *_dropped(len(keep), len(record_ids))),
        duplicates=len(keep) - len(record_ids),
    )
    holders = Persons(np.arange(len(labels)) if codes is None else codes)
    with _duplicates_named(len(data), data.duplicates):
        split = split_records(holders, seed)
    return Records(data, split, holders, columns, person_ids)


def _values_of(given: Any, X: Any, what: str) -> Any:
    """Return one value a record as it was given, or the column of a DataFrame of this name."""
    if not isinstance(given, str):
        return given
    if not isinstance(X, pd.DataFrame):
        raise AuditError(
            f"{what} is {given!r}, and X is no DataFrame that could have a column of this name; give one value a record"
        )
    if given not in X.columns:
        raise AuditError(f"X has no column {given!r} for {what}; {advice(given, map(str, X.columns))}")
    return X[given]


def _first_of_each(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """(n,) true for a row that no earlier one equals."""
    try:
        return np.asarray(~rows.duplicated().to_numpy())
    except TypeError as error:
        raise AuditError(
            f"X holds values in which duplicates cannot be looked for ({error}); give numbers, texts or booleans"
        ) from error


def _classes_of(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the classes that labels name, of which there are two at least."""
    try:
        class_values = np.unique(labels)
    except TypeError as error:
        raise AuditError(f"y has labels that cannot be sorted ({error}); give labels of one type") from error
    if len(class_values) < 2:
        raise AuditError(f"y has one class only ({class_values[0]}); an audit needs a classifier of at least two")
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
        {name: values.reset_index(drop=True) for name, values in _named(features, groups, where).items()}
        if groups
        else {}
    )


def _one_value_each(values: Sequence[Any], name: str, n: int) -> pd.Series:
    series = pd.Series(values).reset_index(drop=True)
    if len(series) != n:
        raise AuditError(f"groups: {name!r} has {len(series):,} values for {n:,} records; one value a record is needed")
    return series


def _features(X: Any) -> Any:
    """Return a DataFrame as it is and all else as an array of shape (n, ...)."""
    if sparse.issparse(X):
        raise AuditError("X is a sparse matrix; pass a dense array, such as X.toarray()")
    try:
        features = X if isinstance(X, pd.DataFrame) else np.asarray(X)
    except ValueError as error:
        raise AuditError("X has rows of different lengths; an array of shape (n, features) is needed") from error
    if features.ndim < 2 or 0 in features.shape:
        raise AuditError(f"X has shape {features.shape}; an array of shape (n, features) is needed")
    return features


def _one_each(values: Sequence[Any], name: str, what: str, n: int) -> npt.NDArray[Any]:
    """Return one value a record as an array, or say why they are not that."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise AuditError(f"{name} has entries of different lengths; one value a record is needed") from error
    if array.shape != (n,):
        raise AuditError(f"{name} has shape {array.shape} for {n:,} records; one value a record is needed")
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


def _dropped(before: int, after: int) -> list[str]:
    gone = before - after
    what = "row was" if gone == 1 else "rows were"
    return [f"{gone:,} exact duplicate {what} dropped, {after:,} records remain"] if gone else []
