"""From a table or images to records that worlds can be drawn from; arrays of Python's are taken by `from_arrays`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.config import DataConfig
from unlearn_audit.data import (
    ENCODED,
    MISSING,
    Images,
    Table,
    checked_identifiers,
    encoded,
    first_of_duplicates,
    load_dataset,
    read_table,
)
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened
from unlearn_audit.worlds.fit_columns import FitColumns, columns_named, fit_columns
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
        return duplicates_named(len(self.data), self.data.duplicates)


@contextmanager
def duplicates_named(left: int, dropped: int) -> Iterator[None]:
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


def prepare(
    config: DataConfig,
    seed: int,
    groups: Sequence[str] = (),
    fit_params: Mapping[str, Any] = MappingProxyType({}),
) -> Records:
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
    fit_params
        What is passed on to ``fit``, by name: columns, which are no features then, or constants.

    Raises
    ------
    AuditError
        If the data cannot be had, or cannot be split, no feature is left, or an encoding or column is asked for that
        they do not have.
    """
    raw = _load(config)
    columns = _columns(raw, groups)
    raw, passed = _passed_on(raw, fit_params)
    keep = first_of_duplicates(raw)
    warnings: tuple[str, ...] = ()
    if isinstance(raw, Table):
        left, warnings = checked_identifiers(raw, keep, config.encoding, config.keep)
        if left.features.shape != raw.features.shape:  # records may have differed by an id alone
            raw, keep = left, first_of_duplicates(left)
    record_ids = np.flatnonzero(keep).astype(np.int64)
    raw = raw.kept(keep)
    columns = {name: values[keep].reset_index(drop=True) for name, values in columns.items()}
    persons = Persons(np.arange(len(raw.labels)) if raw.persons is None else raw.persons)
    duplicates = len(keep) - len(record_ids)
    with duplicates_named(len(record_ids), duplicates):
        split = split_records(persons, seed)
    X, made = _given_to_model(raw, split, config)
    notes = (*warnings, *raw.notes, *dropped(len(keep), len(record_ids)), *made)
    class_values = np.arange(len(raw.class_names))
    data = Dataset(
        raw.name,
        X,
        raw.labels,
        class_values,
        raw.class_names,
        record_ids,
        raw.persons,
        notes,
        duplicates=duplicates,
        fit_columns={name: values[keep] for name, values in passed.items()},
        encoded=isinstance(raw, Table) and config.encoding in ENCODED,
    )
    return Records(data, split, persons, columns, raw.person_ids if isinstance(raw, Table) else ())


def _passed_on(raw: Table | Images, fit_params: Mapping[str, Any]) -> tuple[Table | Images, FitColumns]:
    """Return records without the columns that parameters of ``fit`` name, and their values by parameter."""
    if isinstance(raw, Images):
        return raw, fit_columns(fit_params, None, len(raw.labels), raw.name)
    every = raw.features if raw.others is None else raw.features.join(raw.others)
    found = fit_columns(fit_params, every, len(every), raw.name)
    features = raw.features.drop(columns=columns_named(fit_params, raw.features.columns))
    if features.columns.empty:
        raise AuditError(f"{raw.name} has no features besides the columns that are passed to fit; add at least one")
    return replace(raw, features=features), found


def _columns(raw: Table | Images, names: Sequence[str]) -> dict[str, pd.Series]:
    """Return columns of a table by name."""
    if names and isinstance(raw, Images):
        raise AuditError(f"{raw.name} holds images, which have no columns to group by; leave {names[0]!r} out")
    if not isinstance(raw, Table):
        return {}
    return named_columns(raw.features if raw.others is None else raw.features.join(raw.others), names, raw.name)


def named_columns(frame: pd.DataFrame, names: Sequence[str], where: str) -> dict[str, pd.Series]:
    """Return columns to group by, by name."""
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


def _given_to_model(raw: Table | Images, split: Split, config: DataConfig) -> tuple[Any, tuple[str, ...]]:
    """Return features as the model gets them, and what was done to them."""
    if isinstance(raw, Table):
        return encoded(raw, split.shadow.all, config.encoding)
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


def dropped(before: int, after: int) -> list[str]:
    """Return a note on the duplicates that were dropped; none where there were none."""
    gone = before - after
    what = "row was" if gone == 1 else "rows were"
    return [f"{gone:,} exact duplicate {what} dropped, {after:,} records remain"] if gone else []
