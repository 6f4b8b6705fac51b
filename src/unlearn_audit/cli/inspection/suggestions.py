"""Columns that were left out and could be meant: labels, ids and worlds, by their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.cli.inspection.seen import Seen
from unlearn_audit.cli.shared.reading import quoted
from unlearn_audit.observations import Observations
from unlearn_audit.observations.naming import Expected, naming_of
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.columns import Columns

_LARGEST_SHARE = 0.25
"""How many values a column of worlds may have, as a share of the rows."""


def left_out(columns: Columns, read_as: ReadAs, expected: Expected, path: Path) -> tuple[pd.DataFrame, set[str]]:
    """Return the columns that nothing reads, and our names of those that are read."""
    naming = naming_of(columns.names, read_as, expected, path)
    rest = [name for name in columns.names if name.strip() and name in naming.ignored and name not in read_as.ignored]
    return columns.read(rest).to_pandas(), set(naming.theirs)


def label_among(frame: pd.DataFrame, classes: Sequence[str], posteriors: Any) -> tuple[list[str], list[str]]:
    """Return the columns whose values are names of classes: those that may be labels, and those that are predictions.

    A column that agrees with the most likely class of a version in every row is that version's prediction.
    """
    labels: list[str] = []
    predictions: list[str] = []
    for name in frame:
        values = frame[name].dropna().astype(str)
        if values.empty or values.nunique() < 2 or not set(values) <= set(classes):
            continue
        said = frame[name].astype(str).to_numpy()
        tops = np.array(classes)[posteriors.argmax(axis=-1)] if len(posteriors) == len(frame) else None
        agree = tops is not None and bool((tops.reshape(len(said), -1) == said[:, None]).all(axis=0).any())
        (predictions if agree else labels).append(str(name))
    return labels, predictions


def suggest(found: Seen, frame: pd.DataFrame, read: set[str], taken: Sequence[str]) -> None:
    """Note which of the columns left could be ids or worlds."""
    whole = [name for name in frame if name not in taken and not pd.api.types.is_float_dtype(frame[name].dtype)]
    for name in whole:
        texts = frame[name].astype(str)
        n = texts.nunique()
        if "record" not in read and 2 * n > len(frame) > 1:
            found.suggestions.append(f"--column {quoted(f'record={name}')}: it has {n:,} values, and may be the ids")
        elif "world" not in read and isinstance(found.table, Observations) and _like_worlds(texts, found.table):
            found.suggestions.append(
                f"--column {quoted(f'world={name}')}, if it distinguishes pairs of models: it has {n:,} values, and "
                "rows of role deleted and unseen under each"
            )


def _like_worlds(texts: pd.Series[Any], table: Observations) -> bool:
    n = texts.nunique()
    if len(texts) != len(table) or not 2 <= n <= _LARGEST_SHARE * len(texts):
        return False
    counts = pd.crosstab(texts, np.asarray(table.roles))
    return all(role in counts and bool((counts[role] > 0).all()) for role in ("deleted", "unseen"))
