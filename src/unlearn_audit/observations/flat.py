"""Observations as a flat table: one row a query, one column a version and class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.column_values import is_partial, label_codes
from unlearn_audit.observations.table import COLUMNS, GROUP, Observations
from unlearn_audit.utils.messages import reason, shortened

_POSTERIOR = re.compile(r"^(before|after|p(\d+))_(.+)$")


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


def from_flat(table: pa.Table, path: Path) -> Observations:
    """Turn one column a version and class into the table."""
    posteriors = [name for name in table.column_names if _POSTERIOR.match(name)]
    try:
        frame = table.drop_columns(posteriors).to_pandas()
    except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise AuditError(f"{path} cannot be read as a table ({reason(error)}); write it again") from error
    # a column without any value has no type
    frame = frame.astype({name: np.float64 for name in frame.columns if pa.types.is_null(table.field(name).type)})
    by_version: dict[int, dict[str, str]] = {}
    for column in posteriors:
        match = _POSTERIOR.match(column)
        if match:
            version = {"before": 0, "after": 1}.get(match[1])
            by_version.setdefault(int(match[2]) if version is None else version, {})[match[3]] = column
    if sorted(by_version) != list(range(len(by_version))) or not by_version:
        raise AuditError(
            f"{path} has no columns before_<class> and after_<class> (or p0_<class>, p1_<class>, ... without a gap); "
            f"it has {shortened(table.column_names)}"
        )
    classes = list(by_version[0])
    for version, found in by_version.items():
        if set(found) != set(classes):
            raise AuditError(
                f"{path}: version 0 has the classes {shortened(classes)} and version {version} has "
                f"{shortened(list(found))}; every version needs the same"
            )
    names = [by_version[version][name] for version in range(len(by_version)) for name in classes]
    flat = _numbers(table, names, path)
    columns: dict[str, Any] = {name: frame[name] for name in frame.columns if name in COLUMNS}
    if "label" in columns:
        columns["label"] = label_codes(table["label"], classes, path)
    partial = "partial" in frame.columns and is_partial(table["partial"], path)
    groups = {str(c).removeprefix(GROUP): frame[c] for c in frame.columns if str(c).startswith(GROUP)}
    known = {*COLUMNS, "partial", *(GROUP + name for name in groups)}
    others = [str(c) for c in frame.columns if c not in known]
    if others:
        raise AuditError(f"{path} has the unknown column '{others[0]}'; rename or drop it")
    return Observations.create(
        columns,
        flat.reshape(table.num_rows, len(by_version), len(classes)),
        classes,
        partial=partial,
        groups=groups,
        where=str(path),
    )


def _numbers(table: pa.Table, names: list[str], path: Path) -> npt.NDArray[np.floating]:
    """Return (n, columns) numbers of some columns, in single precision where all of them are."""
    single = all(pa.types.is_float32(table.field(name).type) for name in names)
    numbers = np.empty((table.num_rows, len(names)), dtype=np.float32 if single else np.float64)
    for place, name in enumerate(names):
        try:
            numbers[:, place] = table[name].to_pandas().to_numpy(dtype=numbers.dtype)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise AuditError(f"{path} holds posteriors that are not numbers ({reason(error)})") from error
    return numbers
