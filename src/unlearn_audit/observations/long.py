"""Long files: the numbers of a query stand in several rows, and become one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.messages import shortened

_KEYS = ("dataset", "side", "world", "request", "record", "query")
"""What tells one query from another."""

_VERSIONS: Mapping[str, int] = {
    **dict.fromkeys(("before", "original", "old", "pre"), 0),
    **dict.fromkeys(("after", "unlearned", "new", "post"), 1),
}
"""What the values of the column ``version`` may be, besides numbers from 0."""

Codes = npt.NDArray[np.int64]


def widened(
    table: pa.Table, numbers: npt.NDArray[np.float64], classes: Sequence[str], read_as: ReadAs, path: Path
) -> tuple[pa.Table, npt.NDArray[np.float64], tuple[str, ...]]:
    """Return one row a query.

    Parameters
    ----------
    table
        All other columns, under our names.
    numbers
        (rows, classes or 1) numbers of each row.
    classes
        Their names; none where the column ``class`` names them.
    read_as
        What flags say.
    path
        The file, for messages.

    Returns
    -------
    The columns of each query, its (queries, versions, classes) numbers, and the names of the classes.

    Raises
    ------
    AuditError
        If a query lacks a number, has one twice, or its rows differ in another column.
    """
    keys = [name for name in _KEYS if name in table.column_names]
    if "record" not in keys:
        raise AuditError(
            f"{path} is long and has no column record, which says which rows belong together; add it, or name it with "
            "--column"
        )
    queries = _codes([table[name] for name in keys])
    first = np.unique(queries, return_index=True)[1]
    versions, n_versions = _versions(table, read_as, path)
    if classes:
        at, width = versions, len(classes)
    else:
        texts = pd.Series(table["class"].cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
        if bool(texts.isna().any()):
            raise AuditError(
                f"{path}: column 'class' is empty in row {int(np.flatnonzero(texts.isna())[0])}; fill it in"
            )
        of_class, found = pd.factorize(texts)
        classes, width = [str(name) for name in found], 1
        at = versions * len(classes) + of_class
    per_query = n_versions * len(classes) // width
    places = queries * per_query + at
    counts = np.bincount(places, minlength=len(first) * per_query)
    if (counts != 1).any():
        place = int(np.flatnonzero(counts != 1)[0])
        record = table["record"][int(first[place // per_query])].as_py()
        what = f"version {place % per_query // (per_query // n_versions)}"
        if width == 1 and per_query > n_versions:
            what += f", class '{classes[place % len(classes)]}'"
        many = "no row" if counts[place] == 0 else f"{counts[place]:,} rows"
        raise AuditError(
            f"{path} is long and has {many} for record {record}, {what}; give one row for each query, version and "
            "class, and a column world or request if a record was queried on several models"
        )
    wide = np.empty((len(first) * per_query, width))
    wide[places] = numbers
    others = [name for name in table.column_names if name not in ("version", "class")]
    for name in others:
        codes = _codes([table[name]])
        wrong = codes != codes[first][queries]
        if wrong.any():
            record = table["record"][int(np.flatnonzero(wrong)[0])].as_py()
            raise AuditError(
                f"{path} is long, and its rows of record {record} differ in the column '{name}'; give the same in all "
                "rows of a query"
            )
    return (
        table.select(others).take(pa.array(first)),
        wide.reshape(len(first), n_versions, len(classes)),
        tuple(classes),
    )


def _codes(columns: Sequence[Any]) -> Codes:
    """Return (n,) a number for the values of each row, counted in the order of the rows."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        of = column.combine_chunks()
        of = of if pa.types.is_dictionary(of.type) else of.dictionary_encode()
        own = np.asarray(pc.fill_null(of.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)) + 1
        codes = pd.factorize(codes * (int(own.max(initial=0)) + 1) + own)[0].astype(np.int64)
    return codes


def _versions(table: pa.Table, read_as: ReadAs, path: Path) -> tuple[Codes, int]:
    """Return (n,) the version of each row, and how many there are."""
    if "version" not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64), 1
    texts = pd.Series(table["version"].cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object).fillna("")
    codes, names = pd.factorize(texts)
    stated = {name: at for at, name in enumerate((read_as.before, read_as.after)) if name is not None}
    numbers = {name: stated.get(name, number_of_version(name)) for name in names}
    if sorted(numbers.values()) != list(range(max(len(names), 1))):
        raise AuditError(
            f"{path}: the column 'version' holds {shortened(names)}; it should hold before and after, or 0, 1, ...; "
            "say which is which with --before NAME and --after NAME"
        )
    return np.array([numbers[name] for name in names], dtype=np.int64)[codes], len(names)


def rows_of_version(column: pa.ChunkedArray, asked: int, read_as: ReadAs, path: Path) -> npt.NDArray[np.bool_] | None:
    """Return (n,) which rows are of one version, where a file holds several; None where it holds one.

    Parameters
    ----------
    column
        The column ``version``.
    asked
        0 for the version before, 1 for the one after.
    read_as
        What flags say: `before` names the version that is asked for, `after` the other.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        If it isn't known which rows are of that version, or none is.
    """
    texts = pd.Series(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object).fillna("")
    names = [str(name) for name in pd.unique(texts)]
    if len(names) < 2:
        _refuse_other(names, asked, read_as, path)
        return None
    if read_as.before is not None:
        fitting = [name for name in names if name == read_as.before]
    else:
        fitting = [name for name in names if name != read_as.after and number_of_version(name) == asked]
    if len(fitting) != 1:
        raise AuditError(
            f"{path} holds several versions: its column 'version' has the values {shortened(names)}; say which is "
            "which with --before NAME and --after NAME"
        )
    return np.asarray(texts == fitting[0], dtype=bool)


def _refuse_other(names: Sequence[str], asked: int, read_as: ReadAs, path: Path) -> None:
    """Raise if the only version of a file says that it is the other one; numbers may count from 0 or 1."""
    for name in names:
        if name == read_as.after or _VERSIONS.get(name.strip().lower(), asked) != asked:
            which, other = ("before", "after")[:: 1 - 2 * asked]
            raise AuditError(
                f"{path} was given as the version {which} the deletion, and its column 'version' says '{name}', which "
                f"is the one {other}: exchange the two files"
            )


def number_of_version(name: str) -> int:
    """Return the version that a value of the column ``version`` names; -1 where it says none."""
    plain = name.strip().lower()
    digits = plain.removeprefix("v").removeprefix("p")
    return _VERSIONS.get(plain, int(digits) if digits.isdecimal() and len(digits) < 4 else -1)
