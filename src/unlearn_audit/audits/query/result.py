"""What a query left: two files, and what is to be known of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unlearn_audit.utils.columns import read_columns


@dataclass(frozen=True, eq=False)
class QueryResult:
    """The result of a query.

    Attributes
    ----------
    folder
        Where its files are.
    records
        How many records were queried.
    classes
        Names of the classes, in the order of the columns.
    changed
        The share of records whose answer changed from one version to the other.
    labels_only
        Whether a version answered only with labels.
    notes
        Notes, one sentence each.
    columns
        Options of the next command, about columns of the files.
    """

    folder: Path
    records: int
    classes: tuple[str, ...]
    changed: float
    labels_only: bool
    notes: tuple[str, ...]
    columns: Mapping[str, Any]

    @property
    def before(self) -> Path:
        """The file of the answers of the version before."""
        return self.folder / "before.parquet"

    @property
    def after(self) -> Path:
        """The file of the answers of the version after."""
        return self.folder / "after.parquet"

    def to_frame(self) -> pd.DataFrame:
        """Return the answers of both versions: one row per record, columns ``before_<class>`` and ``after_<class>``."""
        frames = [read_columns(path, ("record", "label")).to_pandas() for path in (self.before, self.after)]
        renamed = [
            frame.rename(columns={name: f"{side}_{name[2:]}" for name in frame if name.startswith("p_")})
            for side, frame in zip(("before", "after"), frames, strict=True)
        ]
        answers = renamed[1][[name for name in renamed[1] if name.startswith("after_")]]
        both: pd.DataFrame = pd.concat([renamed[0], answers], axis=1)
        return both

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was done, with notes."""
        one = (
            f"{self.records:,} records, {len(self.classes)} classes: answers changed for {self.changed:.1%} of records"
        )
        return (one, *self.notes)

    def next_command(self, deleted: str | None = None, reference: str | None = None) -> str:
        """Return the next command to run.

        Parameters
        ----------
        deleted, reference
            As `unlearn_audit.cli.release` takes them; a word in capitals marks what is not known.
        """
        return " ".join(self._words(deleted or "IDS", reference or "IDS"))

    def _words(self, deleted: str, reference: str) -> Iterator[str]:
        yield "unlearn-audit release"
        yield from (shlex.quote(str(path)) for path in (self.before, self.after))
        yield from ("--deleted", shlex.quote(deleted), "--reference", shlex.quote(reference))
        for option, value in self.columns.items():
            for each in value if isinstance(value, tuple) else (value,):
                yield from (option, shlex.quote(each))
