"""Columns that files of one version and files of pairs have alike: labels, and whether rows are partial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import Columns
from unlearn_audit.utils.messages import reason, shortened

# a number of thousands, such as 1,234, is refused as no number
_WITH_COMMA = r"^[+-]?(?:\d+|0?,\d+|[1-9]\d*,(?:\d{1,2}|\d{4,}))(?:[eE][+-]?\d+)?$"
_NOT_TRUE_OR_FALSE = "{path}: the column 'partial' holds something other than true and false in every row"


def plain(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    """Return a column of numbers, texts or truth values; dates and decimals become texts.

    Raises
    ------
    AuditError
        If it holds anything else, such as lists, or values that have no text.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column
    if not (
        pa.types.is_decimal(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind)
    ):
        raise AuditError(f"{path}: column '{name}' holds values of kind {kind}; numbers or texts are needed")
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise AuditError(f"{path}: column '{name}' holds a {kind} that cannot be written ({reason(error)})") from error


def numbers(column: pa.ChunkedArray, name: str, path: Path) -> npt.NDArray[np.float64]:
    """Return a column of numbers, or of texts that are numbers; a missing one is NaN.

    A text may end with a percent sign, and have a decimal comma where no other has a point.

    Raises
    ------
    AuditError
        If something is no number.
    """
    column = plain(column, name, path)
    try:
        if is_text(column.type):
            column = _without_signs(column)
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowException as error:
        raise AuditError(
            f"{path}: column '{name}' holds something that is not a number ({reason(error)}), and posteriors are "
            "numbers"
        ) from error


def held_numbers(columns: Columns, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return (rows, names) the numbers of some columns; where all have a percent sign, divided by 100."""
    path = columns.wanted.where
    table = columns.read(names)
    found = np.column_stack([numbers(table[name], name, path) for name in names])
    return found / 100 if all(in_percent(table[name]) for name in names) else found


def in_percent(column: pa.ChunkedArray | pa.Array) -> bool:
    """Return whether every number of a column is followed by a percent sign."""
    if not is_text(column.type) or column.null_count == len(column):
        return False
    return bool(pc.all(pc.ends_with(pc.utf8_trim_whitespace(column), "%")).as_py())


def is_text(kind: pa.DataType) -> bool:
    """Return whether a column holds texts, in whatever form a file has them."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _without_signs(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return numbers as they are written in programs: some without a percent sign would be another kind."""
    texts = pc.utf8_trim_whitespace(column)
    if in_percent(texts):
        texts = pc.utf8_rtrim_whitespace(pc.utf8_rtrim(texts, "%"))
    # a number with a point doesn't match
    if pc.any(pc.match_substring(texts, ",")).as_py() and pc.all(pc.match_substring_regex(texts, _WITH_COMMA)).as_py():
        texts = pc.replace_substring(texts, ",", ".")
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def label_codes(column: pa.ChunkedArray, classes: Sequence[str], path: Path) -> npt.NDArray[np.int64]:
    """Return class indices of class names, -1 where there is none or the cell is empty.

    Raises
    ------
    AuditError
        If a label is none of the classes.
    """
    texts = _texts(column, classes, path)
    codes = pc.index_in(texts, value_set=pa.array(list(classes), pa.string()))
    stray = pc.and_(pc.is_null(codes), pc.is_valid(texts))
    if pc.any(stray).as_py():
        wrong = texts.filter(stray)[0].as_py()
        raise AuditError(f"{path}: the label {wrong!r} is not among the classes {shortened(list(classes))}")
    return np.asarray(pc.fill_null(codes, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _texts(column: pa.ChunkedArray, classes: Sequence[str], path: Path) -> pa.Array:
    """Return labels as texts, null where there is none; numbers are written as Python writes them."""
    try:
        if pa.types.is_floating(column.type):
            texts = pa.array([None if of is None or of != of else str(of) for of in column.to_pylist()], pa.string())
        else:
            texts = plain(column, "label", path).cast(pa.string()).combine_chunks()
    except pa.ArrowException as error:
        raise AuditError(f"{path}: the column 'label' holds something that is not a class ({reason(error)})") from error
    if pa.types.is_boolean(column.type) and {"True", "False"} & set(classes):
        texts = pc.utf8_capitalize(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def numbered(values: dict[str, Any]) -> list[str]:
    """Number record ids that are texts, in place, in the order in which they appear; return what to say of it.

    Texts that are numbers are taken as such, and a missing one is refused later, in files of every format.
    """
    ids = pd.Series(values["record"])
    # what pandas takes for a number of hundreds of digits depends on its version
    if bool(ids.isna().any()) or all(map(_is_number, ids[pd.to_numeric(ids, errors="coerce").isna()])):
        return []
    values["record"] = pd.Series(pd.factorize(ids)[0].astype(np.int64))
    return ["the record ids are texts, and were numbered from 0 in the order in which they appear"]


def _is_number(text: Any) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


def is_partial(column: pa.ChunkedArray, path: Path) -> bool:
    """Return whether a column says that rows hold some classes alone.

    Raises
    ------
    AuditError
        If it holds something other than true and false in every row.
    """
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise AuditError(_NOT_TRUE_OR_FALSE.format(path=path))
    return bool(pc.all(column).as_py())


def is_partial_array(array: npt.NDArray[Any], path: Path) -> bool:
    """Return the same of an array.

    Raises
    ------
    AuditError
        If it holds something other than true and false.
    """
    if array.dtype != bool or not array.size:
        raise AuditError(f"{path}: 'partial' holds something other than true and false")
    return bool(array.all())
