"""From a table or arrays to records that worlds can be drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.config import DataConfig
from unlearn_audit.data import Table, encode, first_of_duplicates, load_table, read_table
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds.split import Split, split_records
from unlearn_audit.worlds.units import Units


@dataclass(frozen=True)
class Records:
    """A dataset with its two sides, and which of its records belong together."""

    data: Dataset
    split: Split
    units: Units


def prepare(config: DataConfig, seed: int) -> Records:
    """Load, drop exact duplicates, split, and encode with what the shadow side knows.

    Raises
    ------
    AuditError
        If the data cannot be had, or cannot be split.
    """
    if config.file is not None:
        assert config.label is not None
        table = read_table(Path(config.file), config.label, config.unit)
    else:
        assert config.name is not None
        table = load_table(config.name)
    keep = first_of_duplicates(table)
    record_ids = np.flatnonzero(keep).astype(np.int64)
    table = Table(
        table.name,
        table.features.loc[keep].reset_index(drop=True),
        table.labels[keep],
        table.class_names,
        None if table.units is None else table.units[keep],
        table.notes,
    )
    units = Units(np.arange(len(table.labels)) if table.units is None else table.units)
    split = split_records(units, seed)
    X, encoded = encode(table, split.shadow.all, config.encoding)
    notes = [*table.notes, *_dropped(len(keep), len(record_ids)), *encoded]
    class_values = np.arange(len(table.class_names))
    data = Dataset(table.name, X, table.labels, class_values, table.class_names, record_ids, table.units, tuple(notes))
    return Records(data, split, units)


def prepare_arrays(X: Any, y: Sequence[Any], units: Sequence[Any] | None, name: str, seed: int) -> Records:
    """Take records from Python: features go to the model as they are.

    Parameters
    ----------
    X
        (n, ...) an array, or a DataFrame.
    y
        (n,) labels of any kind that sorts.
    units
        (n,) whose row each is, or None.
    name
        What to call the data in reports.
    seed
        The seed of the audit.

    Raises
    ------
    AuditError
        If lengths differ, there is one class only, or there are too few records.
    """
    features = X if isinstance(X, pd.DataFrame) else np.asarray(X)
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) != len(features):
        raise AuditError(f"y has shape {labels.shape} for {len(features):,} records; one label a record is needed")
    if pd.isna(labels).any():
        raise AuditError("y has missing labels; drop those records first")
    if units is not None and len(units) != len(labels):
        raise AuditError(f"units has {len(units):,} values for {len(labels):,} records; one a record is needed")
    frame = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features.reshape(len(labels), -1))
    rows = frame.assign(**{"": labels}) if isinstance(features, pd.DataFrame) else frame.assign(y=labels)
    keep = ~rows.duplicated().to_numpy()
    record_ids = np.flatnonzero(keep).astype(np.int64)
    codes = None if units is None else pd.factorize(np.asarray(units), sort=True)[0][keep].astype(np.int64)
    labels = labels[keep]
    class_values = np.unique(labels)
    if len(class_values) < 2:
        raise AuditError(f"y has one class only ({class_values[0]}); an audit needs a classifier of at least two")
    data = Dataset(
        name,
        features.loc[keep].reset_index(drop=True) if isinstance(features, pd.DataFrame) else features[keep],
        labels,
        class_values,
        tuple(str(value) for value in class_values),
        record_ids,
        codes,
        tuple(_dropped(len(keep), len(record_ids))),
    )
    unit_rows = Units(np.arange(len(labels)) if codes is None else codes)
    return Records(data, split_records(unit_rows, seed), unit_rows)


def _dropped(before: int, after: int) -> list[str]:
    gone = before - after
    what = "row was" if gone == 1 else "rows were"
    return [f"{gone:,} exact duplicate {what} dropped, {after:,} records remain"] if gone else []
