"""Records as the files that programs are given, and answers as the files that they write.

Records have a column ``record`` (an id) and one column a feature; those that a model learns from have ``label`` too.
Answers have ``record`` and one column ``p_<class>`` a class, or ``label`` alone.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import content_of, read_columns
from unlearn_audit.utils.messages import reason, shortened
from unlearn_audit.utils.modes import PRIVATE_FILE
from unlearn_audit.utils.probabilities import SUM_TOLERANCE

PREFIX = "p_"
"""What the name of a column of probabilities starts with; the class follows."""

_STARTS = {b"PAR1": ".parquet", b"PK\x03\x04": ".npz", b"{": ".jsonl"}


def keys_of(X: Any) -> Iterator[bytes]:
    """Yield a key of each of (m, ...) records: equal records have the same."""
    if isinstance(X, pd.DataFrame):
        yield from (key.tobytes() for key in pd.util.hash_pandas_object(X, index=False).to_numpy())
        return
    rows = np.ascontiguousarray(X)
    for row in rows.reshape(len(rows), -1):
        yield blake2b(row.tobytes(), digest_size=16).digest()


def features_of(X: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the values of each feature of (m, ...) records; none has the name of another column.

    Raises
    ------
    AuditError
        If they are neither a DataFrame nor a dense array.
    """
    if isinstance(X, pd.DataFrame):
        for at, name in enumerate(map(str, X.columns)):
            meant_otherwise = name in ("record", "label") or name.startswith(PREFIX)
            yield f"feature_{name}" if meant_otherwise else name, X.iloc[:, at].reset_index(drop=True)
        return
    if hasattr(X, "tocsr"):
        raise AuditError("sparse records cannot be given to a program; give a dense array or a DataFrame")
    flat = np.asarray(X).reshape(len(X), -1)
    yield from ((f"x{at}", flat[:, at]) for at in range(flat.shape[1]))


def distinct_ids(record_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (n,) ids by which records are told apart: their own, or their places where two have the same.

    Before and after a correction a record has one id, and is two records to a program.
    """
    return record_ids if len(np.unique(record_ids)) == len(record_ids) else np.arange(len(record_ids))


def table_of(first: Mapping[str, Any], X: Any, what: str) -> pa.Table:
    """Return records as a table: first some columns, then one a feature.

    Raises
    ------
    AuditError
        If a column cannot be written; ``what`` says who is given them.
    """
    try:
        return pa.table({name: _column(values) for name, values in (dict(first) | dict(features_of(X))).items()})
    except pa.ArrowException as error:
        raise AuditError(f"the records cannot be given to {what} ({reason(error)})") from error


def _column(values: Any) -> Any:
    return pa.array(values if isinstance(values, pd.Series) else np.ascontiguousarray(values), from_pandas=True)


def content_as(table: pa.Table, suffix: str) -> bytes:
    """Return a table as a file with a suffix of `unlearn_audit.utils.programs.SUFFIXES`."""
    sink = pa.BufferOutputStream()
    if suffix == ".csv":
        _write_csv(table, sink)
    else:
        arrow_parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def _write_csv(table: pa.Table, sink: Any) -> None:
    """Write a table without quotes where no text needs them, for programs that split lines at commas."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(table.column_names)
    sink.write(header.getvalue().encode())
    try:
        body = pa.BufferOutputStream()
        arrow_csv.write_csv(table, body, arrow_csv.WriteOptions(include_header=False, quoting_style="none"))
    except pa.ArrowInvalid:
        body = pa.BufferOutputStream()
        arrow_csv.write_csv(table, body, arrow_csv.WriteOptions(include_header=False, quoting_style="needed"))
    sink.write(body.getvalue())


def put(path: Path, content: Any) -> None:
    """Write a file that its owner alone can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb") as stream:
        stream.write(content)


def suffix_by_content(content: bytes) -> str:
    """Return the suffix that files of such a content have."""
    return next((suffix for start, suffix in _STARTS.items() if content.startswith(start)), ".csv")


def written_file(folder: Path, name: str) -> bytes:
    """Return the content of the file that a program wrote to ``{name}``, whatever suffix it gave it.

    Raises
    ------
    AuditError
        If it wrote none, several, or an empty one.
    """
    # numpy.savez adds its suffix to a name that has another
    written = [path for path in sorted(folder.glob(f"{name}.*")) if path.is_file()]
    if not written:
        raise AuditError(f"wrote no file to {{{name}}}")
    if len(written) > 1:
        raise AuditError(f"wrote several files ({shortened(path.name for path in written)}); write one, to {{{name}}}")
    content = content_of(written[0])
    if not content:
        raise AuditError(f"wrote an empty file to {{{name}}}")
    return content


def places_of(ids: Any, asked: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return (m,) the rows in which the answers for (m,) records stand that a program was asked for.

    Raises
    ------
    AuditError
        If some are missing, unknown or there twice.
    """
    index = pd.Index(np.asarray(ids, dtype=object), dtype=object)
    if lacking := int((index.isna() | (index == "")).sum()):
        raise AuditError(
            f"wrote an empty record for {lacking:,} of {len(index):,} rows; write the ids of {{query}} in the column "
            "record"
        )
    twice = len(index) - index.nunique()
    if twice:
        raise AuditError(f"wrote {twice:,} records more than once; write each of them once")
    at = index.get_indexer(pd.Index(asked.astype(str), dtype=object))
    n_unknown = len(index) - int((at >= 0).sum())
    if n_unknown or (at < 0).any():
        raise AuditError(
            f"wrote posteriors of {len(index):,} records, of which {n_unknown:,} are unknown, and left out "
            f"{int((at < 0).sum()):,} of the {len(at):,} records of {{query}}; write each of them once, with the ids "
            "in its column record"
        )
    return np.asarray(at)


def check_classes(classes: Sequence[str], names: Sequence[str]) -> None:
    """Raise an `AuditError` if a program answered for a class that there is not."""
    strays = [name for name in classes if name not in names]
    if strays:
        raise AuditError(
            f"wrote posteriors of the class {strays[0]!r}; the classes are {shortened(names)}, each in a column "
            f"{PREFIX}<class>"
        )


def read_any_answers(folder: Path, asked: npt.NDArray[Any]) -> tuple[tuple[str, ...] | None, npt.NDArray[Any]]:
    """Return the classes and (m, classes) posteriors that a program wrote to ``{answers}``; or None and (m,) labels.

    Parameters
    ----------
    folder
        Where it wrote them.
    asked
        (m,) ids of the records it was asked for.

    Raises
    ------
    AuditError
        If it wrote nothing, or no answers for these records.
    """
    content = written_file(folder, "answers")
    try:
        table = read_columns(Path("answers").with_suffix(suffix_by_content(content)), ("record", "label"), content)
    except AuditError as error:
        raise AuditError(f"wrote no table of answers: {error}") from error
    held = table.column_names
    of_class = {name.removeprefix(PREFIX): name for name in held if name.startswith(PREFIX)}
    if "record" not in held or not (of_class or "label" in held):
        raise AuditError(
            f"wrote no answers: it needs a column record and one {PREFIX}<class> per class, or only label; the file "
            f"has {shortened(held)}"
        )
    at = places_of(_texts(table["record"]), asked)
    if not of_class:
        return None, _texts(table["label"])[at]
    posteriors = np.empty((len(at), len(of_class)))
    for place, column in enumerate(of_class.values()):
        try:
            posteriors[:, place] = table[column].cast(pa.float64()).to_numpy()[at]
        except pa.ArrowException as error:
            raise AuditError(f"wrote a column {column} that holds no numbers ({table[column].type})") from error
    _check_probabilities(posteriors, asked)
    return tuple(of_class), posteriors


def posteriors_of(
    classes: Sequence[str] | None, found: npt.NDArray[Any], names: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Return what `read_any_answers` found as (m, classes) posteriors for the classes of some names.

    A class without a column has probability 0; an answer that is a label alone gives that class all of it.

    Raises
    ------
    AuditError
        If it is about other classes.
    """
    posteriors, index = np.zeros((len(found), len(names))), pd.Index(list(names))
    if classes is None:
        check_classes(sorted({*found.tolist()} - {*names})[:1], names)
        posteriors[np.arange(len(found)), index.get_indexer(pd.Index(found))] = 1.0
        return posteriors
    check_classes(classes, names)
    posteriors[:, index.get_indexer(pd.Index(list(classes)))] = found
    return posteriors


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    if pa.types.is_floating(column.type):  # whole numbers of a program that knows no others
        values = column.to_numpy(zero_copy_only=False)
        return np.array([str(int(of)) if np.isfinite(of) and of == int(of) else str(of) for of in values], dtype=object)
    return np.asarray(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)


def _check_probabilities(posteriors: npt.NDArray[np.float64], ids: npt.NDArray[Any]) -> None:
    outside = (posteriors < 0) | (posteriors > 1 + SUM_TOLERANCE)
    faults: dict[str, npt.NDArray[np.bool_]] = {
        "hold no number (NaN, or infinite)": np.asarray(~np.isfinite(posteriors).all(axis=1)),
        "are not between 0 and 1": np.asarray(outside.any(axis=1)),
        "do not sum to 1": np.abs(posteriors.sum(axis=1) - 1) > SUM_TOLERANCE,
    }
    for what, wrong in faults.items():
        if wrong.any():
            raise AuditError(
                f"wrote posteriors that {what} for {int(wrong.sum()):,} of {len(wrong):,} records, the first with id "
                f"{ids[int(wrong.argmax())]}; write one probability per class"
            )
