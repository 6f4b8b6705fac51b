"""Small steps that several loaders share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened


def public_category(values: pd.Series, categories: Sequence[str], where: str) -> pd.Series:
    """Return ``values`` as a category column whose dtype holds the owner's whole list in its order.

    Parameters
    ----------
    values
        (n,) strings; NaN stays missing.
    categories
        The list that the owner publishes.
    where
        The file, for the error's sentence.

    Raises
    ------
    AuditError
        If a value is not in the list: the file is not the published one.
    """
    unknown = sorted(set(values.dropna().unique()) - set(categories))
    if unknown:
        raise AuditError(
            f"column {values.name} of {where} holds {shortened([repr(v) for v in unknown], 3)}, which is not in the "
            "publisher's list of categories; get the published file again"
        )
    return values.astype(pd.CategoricalDtype(list(categories)))


def label_codes(values: pd.Series) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return codes (n,) into the sorted distinct values, and these as class names.

    Numbers and booleans are sorted by value, all else as text. ``values`` must not hold NaN.

    Examples
    --------
    >>> label_codes(pd.Series([10, 9, 10]))
    (array([1, 0, 1]), ('9', '10'))
    """
    codes, classes = pd.factorize(values, sort=True)
    return codes.astype(np.int64), tuple(_class_name(value) for value in classes)


def _class_name(value: object) -> str:
    # A whole number reads as one even where the column was stored as floats.
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def missing_notes(features: pd.DataFrame) -> tuple[str, ...]:
    """Return one sentence a column that has missing values, with their number."""
    counts = features.isna().sum()
    return tuple(f"{name}: {count:,} missing." for name, count in counts.items() if count)
