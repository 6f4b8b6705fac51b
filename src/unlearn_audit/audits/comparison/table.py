"""The table of a comparison of runs as CSV: a row for each run, with its difference from the first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from unlearn_audit.audits.comparison.findings import RunDifference, RunRow, RunsComparison
from unlearn_audit.utils.typing import Interval

_DIFFERENCES = ("difference", "excess", "tpr_difference")


def frame_of(found: RunsComparison) -> pd.DataFrame:
    """Return the table: of each figure its value, and its interval in columns that end in ``_low`` and ``_high``."""
    differences: list[RunDifference | None] = [None, *found.differences]
    return pd.DataFrame([_row(run, of) for run, of in zip(found.runs, differences, strict=True)])


def _row(run: RunRow, of: RunDifference | None) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in run:
        row |= _ends(name.removesuffix("_ci"), value) if name.endswith("_ci") else {name: value}
    best = None if of is None else of.best
    row["compared_with"] = None if of is None else of.first
    row["paired"] = None if best is None or of is None else of.paired
    row["reading"] = None if of is None else "not compared" if best is None else best.side
    for name in _DIFFERENCES:
        row[name] = None if best is None else getattr(best, name)
        row |= _ends(name, None if best is None else getattr(best, f"{name}_ci"))
    row |= _ends("excess_claim", None if best is None else best.excess_claim_ci)
    row["excess_seen"] = None if best is None else best.seen
    row["sentence"] = None if of is None else of.sentences[0]
    return row


def _ends(name: str, ends: Interval | None) -> dict[str, float | None]:
    low, high = (None, None) if ends is None else ends
    return {f"{name}_low": low, f"{name}_high": high}
