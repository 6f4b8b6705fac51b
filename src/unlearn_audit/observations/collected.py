"""Posteriors that arrive block by block: converted, checked, and kept as the table holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.column_values import in_percent, numbers
from unlearn_audit.observations.posteriors import NO_ROWS, Check
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.values import ValuesName, as_probabilities, conversion_note, proven

Posteriors = npt.NDArray[np.float32]


class Collected:
    """Posteriors of one file.

    Parameters
    ----------
    versions
        How many versions a block has.
    classes
        Their names.
    partial
        Whether rows hold only some of the probabilities.
    read_as
        What flags say.
    where
        What messages call the file.
    """

    def __init__(self, versions: int, classes: Sequence[str], partial: bool, read_as: ReadAs, where: Path) -> None:
        self._check = Check(classes, partial, str(where), len(classes))
        self._shape, self._where, self._stated = (versions, len(classes)), str(where), read_as.values
        self._kind: ValuesName | None = None
        self._known = False
        self._held = np.empty((0, *self._shape), dtype=np.float32)
        self.notes: list[str] = []

    def add_columns(self, blocks: Iterable[Sequence[Any]], names: Sequence[str], path: Path) -> None:
        """Take the columns of all versions, block by block."""
        for columns in blocks:
            percent = [in_percent(column) for column in columns]
            block = np.empty((len(columns[0]), len(names)))
            for at, (column, name) in enumerate(zip(columns, names, strict=True)):
                block[:, at] = numbers(column, name, path)
            if len(block):
                self.add(block.reshape(len(block), self._shape[0], -1), percent=all(percent))

    def add(self, block: npt.NDArray[np.float64], *, percent: bool = False) -> None:
        """Take (n, versions, classes or 1) further rows.

        Raises
        ------
        AuditError
            If they are no probabilities, and nothing that becomes such.
        """
        if not self._known:
            self._decide(block, percent)
        elif percent and self._kind != "percentages":
            raise AuditError(
                f"{self._where} writes some numbers with a percent sign and some without; write all the same way"
            )
        start = self._check.rows
        if self._kind is not None and self._kind != "probabilities":
            block = as_probabilities(block, self._kind, start, self._where)
        elif block.shape[-1] == 1:
            self._refuse_single(block, start)
            block = as_probabilities(block, "probabilities", start, self._where)
        self._check.add(block)
        if start + len(block) > len(self._held):
            # in place where the system can; little more than is needed, since all of it is written
            self._held.resize((max(len(self._held) * 9 // 8, start + len(block)), *self._shape), refcheck=False)
        self._held[start : start + len(block)] = block

    def _decide(self, block: npt.NDArray[np.float64], percent: bool) -> None:
        """Decide by the first rows what the numbers are; all others are held to it."""
        self._known = True
        found = proven(block, whole=block.shape[-1] > 1)
        if percent:
            self._kind = "percentages"
            self.notes.append("its numbers have percent signs and were divided by 100")
        elif self._stated and found == "probabilities" and self._stated != found and _sums_to_one(block):
            self._kind = found
            self.notes.append(
                f"its numbers were left unchanged despite --values {self._stated}: each lies between 0 and 1, and each "
                "row sums to 1"
            )
        else:
            self._kind = self._stated or found
            if self._kind not in (None, "probabilities"):
                self.notes.append(conversion_note(self._kind, stated=self._stated is not None))

    def _refuse_single(self, block: npt.NDArray[np.float64], start: int) -> None:
        wrong = ~((block >= 0) & (block <= 1))
        if wrong.any():
            row, version, _ = (int(at) for at in np.argwhere(wrong)[0])
            raise AuditError(
                f"{self._where}: the number in row {start + row}, version {version} is {block[row, version, 0]}, which "
                "is not a probability; say what these numbers are with --values percentages, log-probabilities or "
                "logits"
            )

    def done(self) -> Posteriors:
        """Return the (n, versions, classes) posteriors, whose sums `decimals` checks.

        Raises
        ------
        AuditError
            If there are none.
        """
        if not self._check.rows:
            raise AuditError(NO_ROWS.format(self._where))
        self._held.resize((self._check.rows, *self._shape), refcheck=False)
        return self._held

    def decimals(self) -> int | None:
        """Return to how many decimals posteriors are rounded, where their sums show it.

        Raises
        ------
        AuditError
            If a row does not sum to 1.
        """
        return self._check.decimals()


def _sums_to_one(block: npt.NDArray[np.float64]) -> bool:
    return block.shape[-1] > 1 and bool((np.abs(block.sum(axis=-1) - 1) < 1e-3).all())
