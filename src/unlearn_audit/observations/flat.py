"""Observations as a flat table: one row a query, one column a version and class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.column_values import is_partial, label_codes, numbers, plain
from unlearn_audit.observations.table import COLUMNS, GROUP, Observations
from unlearn_audit.utils.messages import shortened

_POSTERIOR = re.compile(r"^(before|after|p(\d+))_(.+)$", re.DOTALL | re.ASCII)


def write_csv(observations: Observations, path: Path) -> None:
    """Write one row a query; metadata is left out, and signals are refused."""
    if observations.signals:
        raise AuditError(f"signals ({', '.join(observations.signals)}) do not fit into CSV; write Parquet or NPZ")
    frame = observations.rows.copy()
    names = np.array([*observations.classes, ""], dtype=object)
    frame["label"] = names[frame["label"].to_numpy()]
    if observations.partial:
        frame["partial"] = True
    posteriors = {
        f"p{version}_{name}": observations.posteriors[:, version, column]
        for version in range(observations.n_versions)
        for column, name in enumerate(observations.classes)
    }
    groups = {GROUP + name: values for name, values in observations.groups.items()}
    pd.concat([frame, pd.DataFrame(groups), pd.DataFrame(posteriors)], axis=1).to_csv(path, index=False)


def from_flat(table: dict[str, pa.ChunkedArray], path: Path) -> Observations:
    """Turn one column a version and class into the table.

    Parameters
    ----------
    table
        The columns, each of which is taken out once it is converted.
    path
        The file, for messages.
    """
    # pandas writes the row labels of a frame into Parquet under such a name
    there = [name for name in table if not name.startswith("__index_level_")]
    by_version = _by_version(there, path)
    classes = list(by_version[0])
    names = [by_version[version][name] for version in range(len(by_version)) for name in classes]
    known = {*COLUMNS, "partial", *names}
    others = [name for name in there if name not in known and not name.startswith(GROUP)]
    if others:
        raise AuditError(f"{path} has the unknown column '{others[0]}'; rename or drop it")
    columns: dict[str, Any] = {
        name: label_codes(table.pop(name), classes, path) if name == "label" else _values(table.pop(name), name, path)
        for name in there
        if name in COLUMNS
    }
    n = len(table[names[0]])
    single = all(pa.types.is_float32(table[name].type) for name in names)
    posteriors = np.empty((n, len(names)), dtype=np.float32 if single else np.float64)
    for at, name in enumerate(names):
        posteriors[:, at] = numbers(table.pop(name), name, path)
    pa.default_memory_pool().release_unused()
    return Observations.create(
        columns,
        posteriors.reshape(n, len(by_version), len(classes)),
        classes,
        partial="partial" in there and is_partial(table["partial"], path),
        groups={name.removeprefix(GROUP): _values(table[name], name, path) for name in there if name.startswith(GROUP)},
        where=str(path),
    )


def _by_version(names: Sequence[str], path: Path) -> dict[int, dict[str, str]]:
    """Return the column of each class by version.

    Raises
    ------
    AuditError
        If a version is missing, or lacks a class that another has.
    """
    by_version: dict[int, dict[str, str]] = {}
    for column in names:
        match = _POSTERIOR.match(column)
        if match:
            version = {"before": 0, "after": 1}.get(match[1])
            # of more digits there are not as many columns
            version = int(match[2][:9]) if version is None else version
            other = by_version.setdefault(version, {}).setdefault(match[3], column)
            if other != column:
                raise AuditError(f"{path}: '{other}' and '{column}' are the same version and class; drop one of them")
    if sorted(by_version) != list(range(len(by_version))) or not by_version:
        raise AuditError(
            f"{path} has no columns before_<class> and after_<class> (or p0_<class>, p1_<class>, ... without a gap); "
            f"it has {shortened(names)}"
        )
    for version, found in by_version.items():
        if found.keys() != by_version[0].keys():
            raise AuditError(
                f"{path}: version 0 has the classes {shortened(by_version[0])} and version {version} has "
                f"{shortened(found)}; every version needs the same"
            )
    return by_version


def _values(column: pa.ChunkedArray, name: str, path: Path) -> pd.Series[Any]:
    """Return a column as pandas holds it; one without any value has no type, and is of missing numbers."""
    if pa.types.is_null(column.type):
        return pd.Series(np.full(len(column), np.nan))
    return pd.Series(plain(column, name, path).to_pandas())
