"""The figures of every attack as a frame: one row an attack, one column a figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pandas as pd

from unlearn_audit.findings.result import Result, is_selected
from unlearn_audit.findings.schema import Findings

_BY_RATE = {"tpr_at_fpr": "tpr_at", "realised_fpr": "realised_fpr_at"}
"""Fields that hold a figure for each false-positive rate, and what their columns start with."""


def frame_of(findings: Findings) -> pd.DataFrame:
    """Return one row for each result, in the order of the findings.

    Columns are the fields of `Result`, and ``leading``: whether the report leads with the attack. An interval is in
    two columns that end in ``_low`` and ``_high``; a figure at a false-positive rate ends in the rate, as in
    ``tpr_at_0.01``. What is not given is missing.
    """
    rows = [{"leading": is_selected(of, findings.selected), **dict(_cells(of))} for of in findings.results]
    frame = pd.DataFrame(rows)
    numbers = [name for name in frame.columns if _is_real(name)]
    return frame.astype(dict.fromkeys(numbers, float))


def _cells(result: Result) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each column."""
    for name in Result.model_fields:
        value, ends = getattr(result, name), name.removesuffix("_ci")
        if ends in _BY_RATE:
            for rate, of in value.items():
                column = f"{_BY_RATE[ends]}_{rate}"
                yield from _ends(column, of) if ends != name else [(column, of)]
        elif ends != name:
            yield from _ends(ends, value)
        else:
            yield name, value


def _ends(name: str, ends: Any) -> Iterator[tuple[str, float | None]]:
    low, high = (None, None) if ends is None else ends
    yield f"{name}_low", low
    yield f"{name}_high", high


def _is_real(column: str) -> bool:
    """Return whether a column holds real numbers, also where all of them are missing."""
    field = Result.model_fields.get(column)
    if field is None:
        return column != "leading"
    return float in (field.annotation, *get_args(field.annotation))
