"""Rows that are fit to be measured, and what they share: the world whose models answered, the record that was asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.codes import codes_of

AnyArray = NDArray[Any]
"""An array of any type; the docstrings give the shapes."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """What rows share, so that they vary together.

    Attributes
    ----------
    worlds : (n,) int or None
        The world of each row: its rows were answered by the same original model. None if unknown.
    records : (n,) int or None
        The record of each row: the same record may be asked in many worlds, and a model that treats it in
        some way does so in all of them. None where no record comes back.

    Examples
    --------
    >>> both = Clusters(np.array([0, 0, 1, 1]), np.array([7, 8, 7, 9]))
    >>> both.take(np.array([True, False, True, False])).records.tolist()
    [7, 7]
    """

    worlds: AnyArray | None = None
    records: AnyArray | None = None

    @classmethod
    def of(cls, given: Clusters | AnyArray | None) -> Clusters:
        """Return clusters as they are; an array stands for worlds, None for rows that share nothing known."""
        return given if isinstance(given, Clusters) else cls(None if given is None else np.asarray(given))

    def take(self, rows: AnyArray) -> Clusters:
        """Return what the rows that ``rows`` (booleans or positions) picks share."""
        return Clusters(*(None if codes is None else codes[rows] for codes in (self.worlds, self.records)))

    def coded(self, n: int) -> Clusters:
        """Return the same with codes from 0 without gaps; they are made once.

        Raises
        ------
        AuditError
            There is not one world, or one record, for each of ``n`` rows.
        """
        for name, codes in (("world", self.worlds), ("record", self.records)):
            if codes is not None and np.shape(codes) != (n,):
                raise AuditError(f"one {name} per row is needed, got shape {np.shape(codes)} for {n} rows")
        return self._coded

    @cached_property
    def _coded(self) -> Clusters:
        coded = Clusters(*(None if of is None else _short(codes_of(of)) for of in (self.worlds, self.records)))
        coded.__dict__["_coded"] = coded
        return coded

    @cached_property
    def answers(self) -> AnyArray | None:
        """(n,) a code for each record in a world, of codes; None where worlds are not known."""
        if self.worlds is None:
            return None
        records = np.arange(len(self.worlds)) if self.records is None else self.records
        # as many bits as the largest product takes
        return _short(codes_of(self.worlds.astype(np.int64) * (int(records.max()) + 1) + records))

    def units(self, way: str, positive: AnyArray | None) -> Units:
        """Return what varies together in one way, by the truth of rows; made once for each truth, of codes.

        Parameters
        ----------
        way
            ``worlds``, ``records`` (single rows where they are not known) or ``answers``.
        positive : (n,) bool or None
            The truth of each row; None where there is one class.
        """
        known, key = self._units, (way, id(positive))
        if key not in known:
            codes = getattr(self, way)
            if codes is None:
                assert self.worlds is not None, "rows share nothing"
                codes = _short(np.arange(len(self.worlds)))
            # the truth is kept with its units, so that no other array gets its identity
            known[key] = Units.of(codes, positive), positive
        return known[key][0]

    @cached_property
    def _units(self) -> dict[tuple[str, int], tuple[Units, AnyArray | None]]:
        return {}


@dataclass(frozen=True, eq=False)
class Units:
    """What varies together, by which contributions are summed, and the class of each row.

    Attributes
    ----------
    codes : (n,) int
        The unit of each row, from 0 without gaps.
    positive : (n,) bool or None
        The truth of each row; None where there is one class.
    n : int
        How many units there are.
    counts
        How many of them hold rows of each class: positives, negatives.
    held : int
        How many hold any row.
    """

    codes: AnyArray
    positive: AnyArray | None
    n: int
    counts: list[int]
    held: int

    @classmethod
    def of(cls, codes: AnyArray, positive: AnyArray | None) -> Units:
        """Split (n,) codes from 0 by the truth of rows."""
        n = int(codes.max()) + 1
        there = [np.bincount(codes[rows], minlength=n) > 0 for rows in _classes(positive)]
        return cls(codes, positive, n, [int(of.sum()) for of in there], int(np.any(there, axis=0).sum()))

    @property
    def mixed(self) -> bool:
        """Whether any unit holds rows of more than one class."""
        return self.held < sum(self.counts)

    def sums(self, values: AnyArray) -> Iterator[AnyArray]:
        """Yield (units,) the sums of (n,) values, class by class."""
        for rows in _classes(self.positive):
            yield np.bincount(self.codes[rows], values[rows], self.n)


def _classes(positive: AnyArray | None) -> Iterator[AnyArray | slice]:
    """Yield which rows are of each class, as positions, which pick faster than booleans: positives come first."""
    if positive is None:
        yield slice(None)
    else:
        yield np.flatnonzero(positive)
        yield np.flatnonzero(~positive)


def _short(codes: AnyArray) -> AnyArray:
    """Return codes from 0 in as few bytes as hold the largest."""
    return codes.astype(np.min_scalar_type(-1 - int(codes.max(initial=0))))


def check_rows(values: AnyArray, positive: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return values as float64 and positives as bool, or say why they cannot be measured.

    Parameters
    ----------
    values : (n,) float
        One number per row; infinite is allowed, NaN is not.
    positive : (n,) bool
        The truth of each row.

    Raises
    ------
    AuditError
        The shapes differ, a value is NaN, the truth is not boolean, or a class has no row.
    """
    values = np.asarray(values, dtype=np.float64)
    truth = np.asarray(positive)
    if values.ndim != 1 or truth.shape != values.shape:
        raise AuditError(f"one value and one truth per row are needed, got shapes {values.shape} and {truth.shape}")
    if truth.dtype != bool and not np.isin(truth, (0, 1)).all():
        raise AuditError(f"positive must be boolean, got {truth.dtype} with values other than 0 and 1")
    truth = truth.astype(bool, copy=False)
    n_nan = int(np.isnan(values).sum())
    if n_nan:
        raise AuditError(f"{n_nan} of {len(values)} rows are NaN; drop them or fix the attack that scored them")
    n_positive = int(truth.sum())
    if not 0 < n_positive < len(truth):
        raise AuditError(
            f"a metric needs positives and negatives, got {n_positive} and {len(truth) - n_positive}; "
            "query records of both roles"
        )
    return values, truth


def check_probabilities(values: AnyArray, positive: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the checked rows of `check_rows`, or refuse values outside [0, 1]."""
    values, truth = check_rows(values, positive)
    if values.min() < 0 or values.max() > 1:
        raise AuditError(
            f"confidences must lie in [0, 1], got {values.min():g} to {values.max():g}; "
            "pass the probability of positive"
        )
    return values, truth
