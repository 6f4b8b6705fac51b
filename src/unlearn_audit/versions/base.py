"""What passes between a query and a version of a model: records, and what is answered for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unlearn_audit.utils.kinds import TextKind
from unlearn_audit.utils.retrying import Clock

Say = Callable[[str], None]
"""Takes a line for whoever waits."""


def _silent(line: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, eq=False)
class Records:
    """Records as a version is asked about them: features alone, as their owner wrote them.

    Attributes
    ----------
    table
        (n, d) one column per feature.
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def names(self) -> list[str]:
        """(d,) the names of the features."""
        return list(self.table.column_names)

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """(n,) values by name; a missing one is None."""
        return [{name: _plain(value) for name, value in row.items()} for row in self.table.to_pylist()]

    @property
    def rows(self) -> list[list[Any]]:
        """(n, d) the same in the order of the columns."""
        return [list(row.values()) for row in self.objects]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """(n, d) the same for code in Python."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def part(self, start: int, stop: int) -> Records:
        """Return some of the records."""
        return Records(self.table.slice(start, stop - start))


def _plain(value: Any) -> Any:
    """Return a value that JSON has: NaN is as missing as None, and a date is a text."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str | list | dict | None) else str(value)


@dataclass(frozen=True, eq=False)
class Replies:
    """What a version answered for n records: numbers, or labels alone.

    Attributes
    ----------
    values
        (n, k) numbers, one column a class; NaN where a version named no such class for a record. Or None.
    labels
        (n,) texts; or None.
    classes
        (k,) what the columns are called; None where the version does not say.
    """

    values: npt.NDArray[np.float64] | None = None
    labels: npt.NDArray[np.object_] | None = None
    classes: tuple[str, ...] | None = None

    def __len__(self) -> int:
        answers = self.labels if self.values is None else self.values
        return 0 if answers is None else len(answers)


@dataclass(frozen=True)
class Asking:
    """How versions are asked; each kind looks at what concerns it.

    Attributes
    ----------
    classes
        Names of the classes, in the order in which versions answer; empty where these say so themselves.
    module
        ``module:object`` or ``file.py:object`` that makes the PyTorch module of which a file holds the weights.
    logits
        Whether numbers that come are logits, of which the softmax is taken.
    request
        The body of a request, see `unlearn_audit.versions.json_requests`.
    answers
        The path to the answers within a document; None to look for them.
    headers
        Of requests; their values are secret.
    timeout
        Seconds of one request or run.
    clock
        The time that all requests have together, and their turns.
    attempts, wait
        How many tries a request has, and the seconds before the second one.
    say
        Told of long waits.
    """

    classes: tuple[str, ...] = ()
    module: str | None = None
    logits: bool = False
    request: str = "instances"
    answers: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0
    clock: Clock = field(default_factory=Clock, repr=False, compare=False)
    attempts: int = 6
    wait: float = 1.0
    say: Say = field(default=_silent, repr=False, compare=False)


class Version(ABC):
    """A finished version of a model.

    Attributes
    ----------
    where
        What messages and files call it; it holds no secret.
    identity
        What tells it from another one, as far as that is known, in plain values without secrets.
    batch
        About how many records it is best asked at once.
    """

    where: str
    identity: Mapping[str, Any]
    batch: int

    @abstractmethod
    def ask(self, records: Records) -> Replies:
        """Return what it answers for (n, d) records.

        Raises
        ------
        AuditError
            If it does not answer, or not with one answer a record.
        """


class Kind(TextKind):
    """A kind of version."""

    @abstractmethod
    def opened(self, text: str, asking: Asking) -> AbstractContextManager[Version]:
        """Open the version that a text names, for as long as the block runs.

        Raises
        ------
        AuditError
            If there is none, or a library is missing that opens it.
        """
