"""What an erasure did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unlearn_audit.utils.messages import shortened

By = Literal["record", "person"]
"""What ids are of."""


@dataclass(kw_only=True)
class Purged:
    """What was removed, and what every file was searched for.

    Attributes
    ----------
    by
        What the ids are of.
    rows, tables
        Rows removed from tables of run folders, and how many tables they were in.
    artefacts, leftovers
        Artefacts, and files of killed runs, that were removed.
    other_data
        How many artefacts stay that are of other data by the name of these: there, records have other numbers.
    scanned
        How many files were looked into afterwards.
    answers
        For how many answers, which only removed rows had.
    files
        The files of run folders that were changed or removed, each after its folder.
    stores
        The stores that were searched.
    missing
        The ids of which nothing was found.
    left
        Why something may be left, by file; empty unless nothing was to be removed.
    """

    by: By = "record"
    rows: int = 0
    tables: int = 0
    artefacts: int = 0
    leftovers: int = 0
    other_data: int = 0
    scanned: int = 0
    answers: int = 0
    files: list[str] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def left_behind(left: Mapping[str, str]) -> str:
    """Say in which files something may be left, and what to do."""
    return (
        f"traces of the records may remain: {shortened((f'{path} {why}' for path, why in left.items()), 5)}; check it, "
        "remove or move what is there, and purge again"
    )
