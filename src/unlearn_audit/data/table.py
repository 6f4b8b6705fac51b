"""Reading a user's own table. The file is data: nothing in it is ever executed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from unlearn_audit.data.base import Table
from unlearn_audit.data.columns import label_codes, missing_notes
from unlearn_audit.data.labels import BIN, MOST_CLASSES, refuse_numbers
from unlearn_audit.data.texts import TEXT
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.messages import reason, shortened

MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A")
"""What counts as a missing value in a CSV."""

_EXACT_FLOATS = 2**53
"""Whole numbers beyond are not all floats."""

_A_DAY = {unit: 86_400 * per_second for unit, per_second in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))}
"""How many of a unit of time a day has."""


def read_table(
    path: Path | str,
    label: str,
    person: str | None = None,
    exclude: Sequence[str] = (),
    missing: Sequence[str] = MISSING,
) -> Table:
    """Read a table of records.

    Parameters
    ----------
    path
        A file with a suffix of `unlearn_audit.utils.columns.FORMATS`.
    label
        The column to predict. Numbers are sorted by value, all else as text; it may have no missing value.
    person
        The column that says which person a row belongs to; not a feature; it may have no missing value either.
    exclude
        Further columns that are no features.
    missing
        Texts that stand for a missing value in a CSV.

    Returns
    -------
    Table
        Numbers and booleans stay. A date or time becomes days (a time of day, hours), with a note. All else
        is text, also a Parquet dictionary, whose list of categories is not known to be public.

    Raises
    ------
    AuditError
        If the file cannot be read, a column is absent, repeated, infinite or of a kind that cannot be
        encoded, the label has a missing value or one class, or no feature is left.
    """
    path = Path(path)
    # persons that look like numbers stay texts: of two long numbers one float is made
    columns = read_columns(path, () if person is None else (person,), missing=missing)
    names = columns.column_names
    for what, wanted in (("label", label), ("person", person), *(("excluded", name) for name in exclude)):
        if wanted is not None and wanted not in names:
            raise AuditError(f"no {what} column {wanted!r} in {path}; name one of: {shortened(names, 20)}")
    if label == person:
        raise AuditError(
            f"column {label!r} of {path} cannot be both label and person; name another column for one of them"
        )
    if taken := {label, person} & set(exclude):
        raise AuditError(
            f"column {taken.pop()!r} of {path} holds labels or persons and is not a feature; do not exclude it"
        )
    if columns.num_rows == 0:
        raise AuditError(f"{path} has a header and no rows; give a file with records")

    notes = [f"{columns.num_rows:,} rows of {path.name}."]
    for name in (label, *(() if person is None else (person,))):
        _check_present(columns[name], name, path, "label" if name == label else "person", missing)
    labels, class_names = _labels(columns[label], label, path)
    persons, person_ids = (None, ()) if person is None else _persons(columns[person], person, path)
    excluded = set(exclude)
    features: dict[str, pd.Series] = {}
    others: dict[str, pd.Series] = {}
    for name in names:
        # pandas writes the row labels of a frame into Parquet under such a name: no feature.
        if name in (label, person) or name.startswith("__index_level_"):
            continue
        values, note = _feature(columns[name], name, path)
        if name in excluded:
            others[name] = values
            continue
        features[name] = values
        notes += note
    if not features:
        raise AuditError(f"{path} has no feature columns besides {label!r}; add at least one")
    frame = pd.DataFrame(features)
    return Table(
        name=path.stem,
        features=frame,
        labels=labels,
        class_names=class_names,
        persons=persons,
        notes=(*notes, *missing_notes(frame)),
        others=pd.DataFrame(others) if others else None,
        person_ids=person_ids,
    )


def _check_present(column: pa.ChunkedArray, name: str, path: Path, what: str, missing: Sequence[str]) -> None:
    """Raise if a value is missing; say which texts were taken for that, where any were."""
    absent = column.is_null(nan_is_null=True)
    count = pc.sum(absent).as_py()
    if not count:
        return
    of = f"{count:,} of {len(column):,} rows"
    texts: set[str] = set()
    if path.suffix.lower() == ".csv":  # the same column as it is written
        texts = set(read_columns(path, (name,), missing=())[name].filter(absent).to_pylist()) & set(missing) - {""}
    if texts:
        raise AuditError(
            f"{what} column {name!r} of {path} is missing in {of}, since {shortened(map(repr, sorted(texts)))} is read "
            "as missing; if it is meant as a text, name the texts that mean a missing value: --na-values, or na_values "
            "in a configuration"
        )
    advice = (
        "remove these rows or fill in their label" if what == "label" else "say whose rows these are, or remove them"
    )
    raise AuditError(f"{what} column {name!r} of {path} is missing in {of}; {advice}")


def _labels(column: Any, name: str, path: Path) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    values = _plain(column, name, path)
    if _infinite(values):
        raise AuditError(f"label column {name!r} of {path} holds infinite values; a label must name a class")
    if pd.api.types.is_float_dtype(values.dtype) and (values.abs() > _EXACT_FLOATS).any():
        raise AuditError(
            f"label column {name!r} of {path} holds numbers beyond 2^53, which may have merged different labels; write "
            "the labels as texts"
        )
    if pd.api.types.is_float_dtype(values.dtype):
        refuse_numbers(values.to_numpy(np.float64), f"label column {name!r} of {path}")
    codes, classes = label_codes(values)
    if len(classes) == 1:
        raise AuditError(f"label column {name!r} of {path} holds one class only, {classes[0]!r}; wanted two or more")
    if len(classes) > MOST_CLASSES:
        raise AuditError(
            f"label column {name!r} of {path} holds {len(classes):,} distinct values; wanted at most "
            f"{MOST_CLASSES:,} classes, so if they are quantities, {BIN}"
        )
    return codes, classes


def _persons(column: Any, name: str, path: Path) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    codes, ids = pd.factorize(_plain(column, name, path))
    return codes.astype(np.int64), tuple(map(str, ids))


def _feature(column: Any, name: str, path: Path) -> tuple[pd.Series, list[str]]:
    kind = column.type
    notes = []
    if kinds.is_timestamp(kind) or kinds.is_date(kind):
        values = _days(column)
        notes.append(f"{name}: dates read as days since 1970-01-01.")
    elif kinds.is_time(kind):
        values = column.cast(pa.time64("us")).cast(pa.int64()).to_pandas() / 3600e6
        notes.append(f"{name}: times of day read as hours.")
    else:
        values = _plain(column, name, path)
    if _infinite(values):
        count = int(np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan)).sum())
        raise AuditError(f"column {name!r} of {path} holds {count:,} infinite values; replace or remove them")
    return values, notes


def _days(column: pa.ChunkedArray) -> pd.Series:
    """Return days since 1970; the counts are divided as they are, since other units may not hold them."""
    if kinds.is_date32(column.type):
        return pd.Series(column.cast(pa.int32()).to_pandas(), dtype=np.float64)
    return pd.Series(column.cast(pa.int64()).to_pandas()) / _A_DAY[getattr(column.type, "unit", "ms")]


def _plain(column: Any, name: str, path: Path) -> pd.Series:
    """Return an Arrow column as numbers, booleans or text."""
    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if kinds.is_null(kind):
        return pd.Series(np.full(len(column), np.nan))
    if kinds.is_boolean(kind):
        return pd.Series(column.to_pandas(), dtype="boolean" if column.null_count else "bool")
    if kinds.is_integer(kind) or kinds.is_floating(kind):
        return pd.Series(column.to_pandas())
    if kinds.is_decimal(kind):
        return pd.Series(column.cast(pa.float64()).to_pandas())
    moment = kinds.is_timestamp(kind) or kinds.is_date(kind) or kinds.is_time(kind)
    if kinds.is_string(kind) or kinds.is_large_string(kind) or moment:
        try:
            return pd.Series(column.cast(pa.string()).to_pandas(), dtype=TEXT)
        except pa.ArrowException as error:
            raise AuditError(
                f"column {name!r} of {path} holds a {kind} that cannot be written ({reason(error)})"
            ) from error
    raise AuditError(f"column {name!r} of {path} holds values of kind {kind}; wanted numbers, booleans or text")


def _infinite(values: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(values.dtype) and bool(np.isinf(values.to_numpy()).any())
