"""The observation table: its columns, and the checks that every table passes, whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.memory import picked
from unlearn_audit.observations.posteriors import check_posteriors
from unlearn_audit.observations.rows import (
    COLUMNS,
    DEFAULTS,
    PLAIN_ARRAYS,
    ROLES,
    TEXTS,
    check_array,
    check_rows,
    complete,
)
from unlearn_audit.utils.codes import codes_of, codes_of_rows

__all__ = [
    "COLUMNS",
    "DEFAULTS",
    "GROUP",
    "PLAIN_ARRAYS",
    "READ_AS",
    "ROLES",
    "ROUNDED",
    "SIGNAL",
    "TEXTS",
    "Observations",
    "concatenate",
    "group_values",
]

SIGNAL = "signal_"
"""What the name of a signal starts with in a file."""

ROUNDED = "rounded_to"
"""The key of the metadata that says to how many decimals posteriors are rounded, where their sums show it."""

READ_AS = "read_as"
"""The key of the metadata that says how a file was read, where it isn't of the plain form: sentences."""

GROUP = "group_"
"""Prefix, in a file, of the columns by which risk is broken down."""


@dataclass(frozen=True, eq=False, repr=False)
class Observations:
    """Posteriors of every version for each record queried, with what identifies the row.

    Attributes
    ----------
    rows
        (n, 10) the columns of `COLUMNS`: dataset and side (text), world, request, record and query
        (integers; query 0 is the record itself), role, paper (true on the rows of the paper's protocol),
        deleted_at (first version without the record, -1 if none), label (class index, -1 if not known).
    posteriors
        (n, versions, classes) float32 probabilities; version 0 is the original model.
    classes
        (classes,) names, in the order of the last axis.
    partial
        True where rows hold only some of the probabilities and need not sum to 1 (top-k outputs).
    signals
        Further arrays of n rows each, by name.
    metadata
        What is known of how the table was made.
    groups
        (n,) values by name, of columns by which risk is broken down: numbers as float64, all else as text, a
        missing one NaN or None. No attack sees them.
    """

    rows: pd.DataFrame
    posteriors: npt.NDArray[np.float32]
    classes: tuple[str, ...]
    partial: bool = False
    signals: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Observations({len(self):,} rows, {self.n_versions} versions, {len(self.classes)} classes)"

    @classmethod
    def create(
        cls,
        columns: Mapping[str, Any],
        posteriors: npt.NDArray[Any],
        classes: Sequence[str],
        *,
        partial: bool = False,
        signals: Mapping[str, npt.NDArray[Any]] | None = None,
        metadata: Mapping[str, Any] | None = None,
        groups: Mapping[str, Any] | None = None,
        where: str = "the observations",
    ) -> Observations:
        """Build and check a table; columns left out take the value of `DEFAULTS`.

        Raises
        ------
        AuditError
            If anything about the table is wrong; ``where`` names it in the message.

        Examples
        --------
        >>> pair = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.5, 0.5]]])
        >>> table = Observations.create({"role": ["deleted", "unseen"]}, pair, ["no", "yes"])
        >>> len(table), table.n_versions, table.rows["record"].tolist()
        (2, 2, [0, 1])
        """
        array = np.asarray(posteriors)
        if array.ndim != 3 or array.dtype.kind not in "fiu":
            raise AuditError(
                f"{where} holds posteriors of shape {array.shape} and type {array.dtype}; "
                "numbers of shape (rows, versions, classes) are needed"
            )
        made = cls.of_checked(
            columns,
            array,
            classes,
            lambda: check_posteriors(array, classes, partial, where),
            partial=partial,
            metadata=metadata,
            groups=groups,
            where=where,
        )
        for name, values in (signals or {}).items():
            shape, kind = np.shape(values), np.asarray(values).dtype
            if shape[:1] != (len(array),) or kind.kind not in "biuf":
                raise AuditError(
                    f"{where}: signal '{name}' has shape {shape} and type {kind} for {len(array)} rows; numbers for "
                    "each are needed"
                )
        return replace(made, signals=dict(signals or {}))

    @classmethod
    def of_checked(
        cls,
        columns: Mapping[str, Any],
        array: npt.NDArray[Any],
        classes: Sequence[str],
        check: Callable[[], int | None],
        *,
        partial: bool = False,
        metadata: Mapping[str, Any] | None = None,
        groups: Mapping[str, Any] | None = None,
        where: str = "the observations",
    ) -> Observations:
        """Build a table of posteriors that ``check`` checks, as `check_posteriors` does; the rest is of `create`.

        Raises
        ------
        AuditError
            If anything else about the table is wrong.
        """
        rows = complete(columns, len(array), where, versions=array.shape[1])
        if len(array) > 0 and array.shape[1] < 2:
            raise AuditError(
                f"{where} has {array.shape[1]} version of the model; an original and an unlearned one are needed"
            )
        rounded = check()
        check_rows(rows, len(classes), array.shape[1], where)
        for name, values in (groups or {}).items():
            if np.shape(values) != (len(array),):
                raise AuditError(f"{where}: group '{name}' has shape {np.shape(values)} for {len(array)} rows")
            if isinstance(values, np.ndarray):
                check_array(values, GROUP + name, where)
        return cls(
            rows,
            array.astype(np.float32, copy=False),
            tuple(map(str, classes)),
            partial,
            {},
            _described(metadata or {}, rounded, where),
            {name: group_values(values) for name, values in (groups or {}).items()},
        )

    @classmethod
    def assemble(
        cls,
        columns: Mapping[str, npt.NDArray[Any]],
        posteriors: npt.NDArray[np.float32],
        classes: Sequence[str],
        signals: Mapping[str, npt.NDArray[Any]],
    ) -> Observations:
        """Return what `create` would, unchecked: for what this program made itself from checked answers.

        Parameters
        ----------
        columns
            Those of `COLUMNS`, each in the type of its kind (text as objects).
        posteriors, classes, signals
            As `create` takes them.
        """
        # a stated type is not looked for, and text stays as it is
        series = {name: pd.Series(columns[name], dtype=columns[name].dtype, copy=False) for name in COLUMNS}
        rows = pd.DataFrame(series, copy=False)
        return cls(rows, posteriors, tuple(classes), signals=dict(signals))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_versions(self) -> int:
        """How many versions of the model were queried."""
        return int(self.posteriors.shape[1])

    @property
    def canaries(self) -> Literal["mislabelled"] | None:
        """What was done to the audited records, as the metadata say: whether they have wrong labels."""
        return "mislabelled" if self.metadata.get("canaries") == "mislabelled" else None

    @property
    def roles(self) -> npt.NDArray[np.str_]:
        """(n,) the role of each row."""
        codes, names = self._roles
        return names[codes]

    def in_roles(self, *roles: str) -> npt.NDArray[np.bool_]:
        """Return (n,) which rows have one of some roles."""
        codes, names = self._roles
        return np.isin(names, roles)[codes]

    @cached_property
    def _roles(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.str_]]:
        """(n,) the place of each row's role among the different ones, and their names."""
        codes, names = pd.factorize(self.rows["role"])
        return codes.astype(np.int8), np.asarray(names, dtype=object).astype(str)

    @property
    def worlds(self) -> npt.NDArray[np.int64]:
        """(n,) the world of each row."""
        return self.rows["world"].to_numpy()

    @property
    def records(self) -> npt.NDArray[np.int64]:
        """(n,) a number for the record of each row: equal for the same record of the same dataset."""
        dataset = pd.factorize(self.rows["dataset"], sort=True)[0]
        records: npt.NDArray[np.int64] = self.rows["record"].to_numpy()
        if not dataset.any():
            return records
        keys = np.column_stack([dataset, records])
        return codes_of_rows(keys).astype(np.int64, copy=False)

    def shared_records(self, positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
        """Return `records` where every record of a positive row is one of a negative row too; else None.

        Per-record worlds audit the same records in both roles.

        Parameters
        ----------
        positive
            (n,) the truth of each row.
        """
        records = self.records
        return records if np.isin(records[positive], records[~positive]).all() else None

    @property
    def paper(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows are the paper's."""
        return self.rows["paper"].to_numpy()

    @property
    def clean(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows are the clean queries: of the record itself, and of no copy of it."""
        return np.asarray(self.rows["query"].to_numpy() == 0)

    @cached_property
    def pairs(self) -> npt.NDArray[np.int64]:
        """(n,) a number for the pair (world, request) of each row: 0, 1, ... in their sorted order."""
        worlds, requests = (codes_of(self.rows[name].to_numpy()) for name in ("world", "request"))
        if requests.any():
            worlds = codes_of(worlds * (int(requests.max()) + 1) + requests)
        return worlds.astype(np.int64, copy=False)

    @property
    def references(self) -> Observations | None:
        """The rows of records that were never trained on, and are never scored; None without any."""
        rows = self.in_roles("reference")
        return self.select(rows) if rows.any() else None

    @property
    def unanswered(self) -> Observations:
        """The same rows without any answers, of which a selection takes little memory."""
        return replace(self, posteriors=self.posteriors[..., :0], signals={})

    def select(self, mask: npt.NDArray[Any]) -> Observations:
        """Return the rows that ``mask`` (booleans or positions) picks, in that order."""
        if mask.dtype == bool and mask.all():
            return self
        return replace(
            self,
            rows=pd.DataFrame({name: picked(self.rows[name], mask) for name in self.rows.columns}, copy=False),
            posteriors=self.posteriors[mask],
            signals={name: values[mask] for name, values in self.signals.items()},
            groups={name: values[mask] for name, values in self.groups.items()},
        )


def _described(metadata: Mapping[str, Any], rounded: int | None, where: str) -> dict[str, Any]:
    """Return metadata that say how the posteriors at hand are rounded, whatever they said before."""
    gaps = metadata.get("overfitting")
    if gaps and not (
        isinstance(gaps, list | tuple) and all(isinstance(of, int | float) and abs(of) <= 1 for of in gaps)
    ):
        raise AuditError(
            f"{where}: overfitting, in the metadata, is not a list of differences of accuracies; leave it out"
        )
    others = {name: value for name, value in metadata.items() if name != ROUNDED}
    return others if rounded is None else {**others, ROUNDED: rounded}


def group_values(values: Any) -> npt.NDArray[Any]:
    """Return one value a row as float64 where all are numbers, else as text; a missing one is NaN or None.

    Examples
    --------
    >>> group_values([True, None]), group_values([3, None])
    (array(['True', None], dtype=object), array([ 3., nan]))
    """
    column = pd.Series(values).reset_index(drop=True)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = column.isna().to_numpy()
    texts = column.astype(object).map(str).to_numpy(dtype=object)
    texts[missing] = None
    return np.asarray(texts)


def concatenate(tables: Sequence[Observations]) -> Observations:
    """Stack tables of the same versions, classes, signals and groups."""
    first = tables[0]
    return replace(
        first,
        rows=pd.concat([t.rows for t in tables], ignore_index=True),
        posteriors=np.concatenate([t.posteriors for t in tables]),
        signals={name: np.concatenate([t.signals[name] for t in tables]) for name in first.signals},
        groups={name: np.concatenate([t.groups[name] for t in tables]) for name in first.groups},
    )
