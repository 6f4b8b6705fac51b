"""From the values of a column to groups of rows that a report may name: none that only a few people share."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.metrics.groups import FEWEST_IN_A_GROUP
from unlearn_audit.metrics.units import AnyArray

MOST_VALUES = 10
"""A column of numbers with more distinct values is cut into quarters."""

OTHERS = "other values"
"""The group of all values that are too rare to be named."""

MISSING = "missing"
"""The group of rows without a value."""

Values = npt.NDArray[Any]


def categories(values: Values, positive: AnyArray, records: AnyArray) -> tuple[AnyArray, tuple[str, ...]]:
    """Return the group of each row and the names of the groups.

    Numbers of more than `MOST_VALUES` distinct values are cut into quarters of the records. Each quarter, or else each
    value, is a separate group, if at least `FEWEST_IN_A_GROUP` records are in it in each role; those of fewer are one
    group together.

    Parameters
    ----------
    values
        (n,) float64, or objects: texts; NaN or None where missing.
    positive, records
        (n,) the role of each row, and which record it is.

    Returns
    -------
    codes, names
        (n,) int, and the name of each code.

    Examples
    --------
    >>> codes, names = categories(np.arange(80.0), np.arange(80) % 2 == 0, np.arange(80))
    >>> names, np.bincount(codes).tolist()
    (('up to 19.5', '19.5 to 39.5', '39.5 to 59.5', 'over 59.5'), [20, 20, 20, 20])
    """
    texts, order = _ordered(values, records)
    texts = _pooled(texts, positive, records)
    names = tuple(name for name in (*(of for of in order if of != OTHERS), OTHERS, MISSING) if (texts == name).any())
    code = {name: place for place, name in enumerate(names)}
    return np.asarray([code[text] for text in texts]), names


def _ordered(values: Values, records: AnyArray) -> tuple[Values, list[str]]:
    """Return the value, or quarter, of each row as text, and all of them in their order."""
    if values.dtype != object:
        of_records = values[np.unique(records, return_index=True)[1]]
        known = of_records[~np.isnan(of_records)]
        if len(np.unique(known)) > MOST_VALUES:
            return _quarters(values, known)
    texts = _texts(values)
    return texts, sorted({text for text in texts if text is not None}, key=_place)


def common_values(values: Values, holders: AnyArray) -> Values:
    """Return values with `OTHERS` in place of those that fewer than `FEWEST_IN_A_GROUP` people hold.

    Parameters
    ----------
    values
        (n,) as for `categories`; numbers that would be cut stay as they are.
    holders
        (n,) whose each row is.

    Examples
    --------
    >>> common_values(np.array(["a"] * 10 + ["b"] * 10, dtype=object), np.r_[np.arange(10), np.zeros(10)])[[0, -1]]
    array(['a', 'other values'], dtype=object)
    """
    if values.dtype != object and len(np.unique(values[~np.isnan(values)])) > MOST_VALUES:
        return values
    texts = _texts(values)
    held = pd.DataFrame({"value": texts, "holder": holders}).drop_duplicates()["value"].value_counts()
    rare = pd.Series(texts).isin(held.index[held < FEWEST_IN_A_GROUP]).to_numpy()
    return np.where(rare, OTHERS, texts) if rare.any() else values


def _texts(values: Values) -> Values:
    """Return values as texts, None where missing."""
    if values.dtype == object:
        return values
    return np.array([None if np.isnan(value) else f"{value:.15g}" for value in values], dtype=object)


def _quarters(values: Values, known: AnyArray) -> tuple[Values, list[str]]:
    """Return the quarter of each number, and all quarters in their order.

    Numbers are cut at three places: at a value that many hold, or else between two, so that a cut tells nobody's; equal
    ones are one cut.
    """
    there, held = np.unique(known, return_counts=True)
    lower = np.searchsorted(there, np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf"))
    lower = np.minimum(lower, len(there) - 2)
    common = held >= FEWEST_IN_A_GROUP
    cuts = np.unique([there[at] if common[at] else _between(there[at], there[at + 1]) for at in lower])
    cuts = cuts[(cuts >= known.min()) & (cuts < known.max())]
    shown = [f"{cut:,.10g}" for cut in cuts]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    names = [f"up to {shown[0]}", *between, f"over {shown[-1]}"] if shown else ["every value"]
    quarters = np.array([*names, None], dtype=object)
    return quarters[np.where(np.isnan(values), len(names), np.searchsorted(cuts, values, side="left"))], names


def _between(low: float, high: float) -> float:
    """Return the number of the fewest digits between two others.

    Examples
    --------
    >>> _between(35571.0, 35586.2), _between(19.0, 20.0)
    (35580.0, 19.5)
    """
    middle = (low + high) / 2
    rounded = (float(f"{middle:.{digits}g}") for digits in range(1, 16))
    return next((of for of in rounded if low < of < high), middle)


def _pooled(texts: Values, positive: AnyArray, records: AnyArray) -> Values:
    """Return texts with `OTHERS` in place of those that too few records of either role have, and `MISSING`."""
    column = pd.Series(texts, dtype=object)
    frame = pd.DataFrame({"text": column, "positive": positive, "record": records}).drop_duplicates()
    counts = [frame.loc[frame["positive"] == role, "text"].value_counts() for role in (True, False)]
    named = set.intersection(*(set(of.index[of >= FEWEST_IN_A_GROUP]) for of in counts))
    return np.asarray(column.where(column.isna() | column.isin(named), OTHERS).fillna(MISSING), dtype=object)


def _place(name: str) -> tuple[bool, float, str]:
    """Return what values are sorted by: numbers by value, then texts."""
    try:
        number = float(name)
    except ValueError:
        number = math.inf
    return (False, number, name) if math.isfinite(number) else (True, 0.0, name)
