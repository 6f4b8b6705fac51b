"""Raw records to numbers, fitted on some of the rows and applied to all.

Whatever is learned from data (medians, most frequent categories, a user's list of categories, which columns
never vary) is learned from ``fit_rows`` alone, so that the encoding carries nothing from the target's records
to the attacker's side.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.typing import Array, Integers, Mask

Encoding = Literal["codes", "one-hot", "raw", "text"]
"""How a category column becomes numbers: one integer code, or one 0/1 column a category. Or not at all: the table as it
is, for a model that encodes it; or its only column as texts."""

ENCODED = ("codes", "one-hot")
"""The encodings that make numbers."""


def encoded(table: Table, fit_rows: npt.NDArray[np.integer[Any]], encoding: Encoding) -> tuple[Any, tuple[str, ...]]:
    """Return the features of all rows as a model gets them, and what was done to them.

    Parameters
    ----------
    table, fit_rows
        As in `encode`.
    encoding
        As in `encode`; or ``raw``: a DataFrame of the columns as they are, missing values too; or ``text``: the only
        column, of texts, as (n,) objects.

    Raises
    ------
    AuditError
        As `encode` does; or if ``text`` is asked of a table of another form.
    """
    if encoding in ENCODED:
        return encode(table, fit_rows, encoding)
    features = table.features
    if encoding == "raw":
        return features, ("Columns are passed to the model unchanged; it has to encode them.",)
    if features.shape[1] != 1 or not _is_category(features.iloc[:, 0]):
        raise AuditError(
            f"encoding text passes one column of texts, and {table.name} has the features "
            f"{shortened(map(str, features.columns))}; exclude all but one, or use the encoding raw"
        )
    texts = features.iloc[:, 0]
    if texts.isna().any():
        raise AuditError(
            f"column {texts.name!r} of {table.name} lacks {int(texts.isna().sum()):,} texts; drop those rows, or "
            "replace them with a text"
        )
    return texts.astype(object).to_numpy(), (f"{texts.name}: passed to the model as texts; it has to encode them.",)


def encode(
    table: Table, fit_rows: npt.NDArray[np.integer[Any]], encoding: Encoding = "codes"
) -> tuple[Array, tuple[str, ...]]:
    """Return the features of all rows as numbers, and what was done to them.

    Parameters
    ----------
    table
        The raw records, n of them.
    fit_rows
        (m,) row numbers from which everything is learned; their order does not matter.
    encoding
        ``codes``: a category column becomes one column of integer codes. The code is the position in the
        dtype's list for pandas' ``category`` dtype (a public list), else the position among the sorted
        distinct values of ``fit_rows``; a value never seen there gets one extra code, the highest.
        ``one-hot``: one 0/1 column for each of these positions, all 0 for a value never seen.

    Returns
    -------
    X
        (n, p) the encoded features, in the order of the table's columns, without NaN. A missing number
        becomes the median of ``fit_rows``, a missing boolean or category their most frequent one (the first
        of several). Booleans are 0 and 1. A column that never varies on ``fit_rows`` is dropped.
    notes
        One plain sentence for each column filled and each group of columns dropped.

    Raises
    ------
    AuditError
        If ``fit_rows`` is empty or no list of row numbers, a number is infinite, or no column is left.

    Examples
    --------
    >>> people = pd.DataFrame({"job": ["cook", "baker", None, "smith"], "age": [30.0, 40.0, 50.0, None]})
    >>> X, notes = encode(Table("people", people, np.zeros(4, int), ("no", "yes")), np.arange(3))
    >>> X
    array([[ 1., 30.],
           [ 0., 40.],
           [ 0., 50.],
           [ 2., 40.]])
    >>> notes[0]
    'job: 1 missing filled with the most frequent category.'
    """
    rows = _checked_rows(fit_rows, len(table.features))
    if encoding not in ENCODED:
        raise AuditError(f"no encoding {encoding!r}; choose 'codes' or 'one-hot'")
    blocks, notes = _blocks(table, rows, one_hot=encoding == "one-hot")
    if not blocks:
        raise AuditError(
            f"no feature of {table.name} varies on the {len(rows):,} rows it is fitted on; give more rows or "
            "other columns"
        )
    return np.concatenate(blocks, axis=1), tuple(notes)


def _blocks(table: Table, rows: Integers, *, one_hot: bool) -> tuple[list[Array], list[str]]:
    """Return the columns that each feature becomes, and what was done to it; nothing for those that never vary."""
    blocks: list[Array] = []
    notes: list[str] = []
    empty: list[str] = []
    constant: list[str] = []
    for label, values in table.features.items():
        name = str(label)
        missing = values.isna().to_numpy()
        if missing[rows].all():
            empty.append(name)
            continue
        if _is_category(values):
            codes, size, filled = _category_codes(name, values, missing, rows)
            block = _indicators(codes, size) if one_hot else codes.astype(np.float64)[:, None]
        else:
            block, filled = _numbers(name, values, missing, rows)
        varying = np.ptp(block[rows], axis=0) > 0
        if not varying.any():
            constant.append(name)
            continue
        notes += filled
        if not varying.all():
            notes.append(f"{name}: {int((~varying).sum()):,} categories dropped, constant on the fit rows.")
        blocks.append(block[:, varying])
    if empty:
        notes.append(f"Dropped, missing in every fit row: {shortened(empty)}.")
    if constant:
        notes.append(f"Dropped, constant on the fit rows: {shortened(constant)}.")
    return blocks, notes


def _checked_rows(fit_rows: npt.NDArray[np.integer[Any]], n: int) -> Integers:
    rows = np.asarray(fit_rows)
    if rows.ndim != 1 or rows.size == 0 or not np.issubdtype(rows.dtype, np.integer):
        raise AuditError(
            f"fit_rows must be a list of row numbers, at least one; got {rows.dtype} of shape {rows.shape}"
        )
    if rows.min() < 0 or rows.max() >= n:
        raise AuditError(f"fit_rows must lie in 0..{n - 1}; got {rows.min()}..{rows.max()}")
    return rows.astype(np.int64)


def _is_category(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(values.dtype)


def _category_codes(name: str, values: pd.Series, missing: Mask, rows: Integers) -> tuple[Integers, int, list[str]]:
    """Return codes (n,), the number of known categories, and notes; a code of that number means 'other'."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = [str(category) for category in values.cat.categories]
        codes = np.array(values.cat.codes, dtype=np.int64)
    else:
        # Mixed objects have no order of their own, their text has.
        texts = values.astype("str").where(~missing)
        known = sorted(texts.iloc[rows].dropna().unique())
        codes = np.array(pd.Index(known).get_indexer(pd.Index(texts)), dtype=np.int64)
    notes = []
    if missing.any():
        seen = rows[~missing[rows]]
        frequent = int(np.bincount(codes[seen], minlength=len(known)).argmax())
        codes[missing] = frequent
        # a user's text column may hold names: a note that may be published quotes none
        notes.append(f"{name}: {int(missing.sum()):,} missing filled with the most frequent category.")
    unknown = codes < 0
    if unknown.any():
        codes[unknown] = len(known)
        notes.append(f'{name}: {int(unknown.sum()):,} rows hold a value not among the fit rows, "other".')
    return codes, len(known), notes


def _indicators(codes: Integers, size: int) -> Array:
    return np.equal(codes[:, None], np.arange(size)).astype(np.float64)


def _numbers(name: str, values: pd.Series, missing: Mask, rows: Integers) -> tuple[Array, list[str]]:
    """Return one column (n, 1) without NaN, and notes."""
    column = values.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if np.isinf(column).any():
        raise AuditError(
            f"column {name!r} holds {int(np.isinf(column).sum()):,} infinite values; replace or remove them"
        )
    if not missing.any():
        return column[:, None], []
    known = column[rows[~missing[rows]]]
    # Half a truth is none: a boolean takes the value of the majority, not the median of 0 and 1.
    fill = float(known.mean() > 0.5) if pd.api.types.is_bool_dtype(values.dtype) else float(np.median(known))
    column[missing] = fill
    return column[:, None], [f"{name}: {int(missing.sum()):,} missing filled with {fill:.6g}."]
