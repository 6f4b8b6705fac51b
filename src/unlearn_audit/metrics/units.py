"""Rows that are fit to be measured, and what is independent among them: worlds, or single records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unlearn_audit.errors import AuditError

Array = NDArray[Any]
"""An array of any type; the docstrings give the shapes."""


@dataclass(frozen=True)
class Units:
    """The independent units of some rows.

    Attributes
    ----------
    codes : (n,) int
        The unit of each row, from 0 to ``n_units - 1``.
    kind : {"world", "record"}
        What a unit is.
    n_units : int
        How many there are.
    n_positive, n_negative : int
        How many units hold a positive row, and how many a negative one.
    crossed : Units or None
        Further units that rows vary with, each across many of these: records, where worlds audit the same ones.
    """

    codes: Array
    kind: Literal["world", "record"]
    n_units: int
    n_positive: int
    n_negative: int
    crossed: Units | None = None

    @property
    def alone(self) -> Units:
        """The same units without those that cross them."""
        return replace(self, crossed=None)

    @property
    def fewest(self) -> int:
        """The units of the class that stands in fewer of them: what limits every interval."""
        fewest = min(self.n_positive, self.n_negative)
        return fewest if self.crossed is None else min(fewest, self.crossed.fewest)

    @property
    def degrees_of_freedom(self) -> int:
        """One less than the fewest units, at least 1; conservative where the classes differ in units."""
        return max(self.fewest - 1, 1)


def check_rows(values: Array, positive: Array) -> tuple[Array, Array]:
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
    if not np.isin(truth, (0, 1)).all():
        raise AuditError(f"positive must be boolean, got {truth.dtype} with values other than 0 and 1")
    truth = truth.astype(bool)
    n_nan = int(np.isnan(values).sum())
    if n_nan:
        raise AuditError(f"{n_nan} of {len(values)} rows are NaN; drop them or mend the attack that scored them")
    n_positive = int(truth.sum())
    if not 0 < n_positive < len(truth):
        raise AuditError(
            f"a metric needs positives and negatives, got {n_positive} and {len(truth) - n_positive}; "
            "query records of both roles"
        )
    return values, truth


def check_probabilities(values: Array, positive: Array) -> tuple[Array, Array]:
    """Return the checked rows of `check_rows`, or refuse values outside [0, 1]."""
    values, truth = check_rows(values, positive)
    if values.min() < 0 or values.max() > 1:
        raise AuditError(
            f"confidences must lie in [0, 1], got {values.min():g} to {values.max():g}; "
            "pass the probability of positive"
        )
    return values, truth


def crossed_units(positive: Array, clusters: Array | None, records: Array | None) -> Units:
    """Return worlds as units, crossed by records where these are given.

    Records cross worlds only where at least two hold a positive and two a negative row.

    Parameters
    ----------
    positive : (n,) bool
        The truth of each row.
    clusters, records : (n,) int or None
        The world and the record of each row.
    """
    units = independent_units(positive, clusters)
    if records is None or units.kind != "world":
        return units
    crossing = independent_units(positive, records)
    return replace(units, crossed=crossing) if crossing.kind == "world" else units


def independent_units(positive: Array, clusters: Array | None) -> Units:
    """Say which rows vary together.

    Worlds are the units where at least two worlds hold a positive and at least two a negative; otherwise
    nothing can be learnt about the variation between worlds, and each record is its own unit.

    Parameters
    ----------
    positive : (n,) bool
        The truth of each row.
    clusters : (n,) int or None
        The world of each row; None if unknown.

    Raises
    ------
    AuditError
        There is not one world code per row.

    Examples
    --------
    >>> independent_units(np.array([True, False, True, False]), np.array([7, 7, 9, 9])).kind
    'world'
    >>> independent_units(np.array([True, False, True, False]), np.array([7, 7, 7, 7])).kind
    'record'
    """
    n = len(positive)
    if clusters is not None:
        worlds = np.asarray(clusters)
        if worlds.shape != (n,):
            raise AuditError(f"one world per row is needed, got shape {worlds.shape} for {n} rows")
        names, codes = np.unique(worlds, return_inverse=True)
        n_positive, n_negative = len(np.unique(codes[positive])), len(np.unique(codes[~positive]))
        if min(n_positive, n_negative) >= 2:
            return Units(codes, "world", len(names), n_positive, n_negative)
    n_positive = int(np.count_nonzero(positive))
    return Units(np.arange(n), "record", n, n_positive, n - n_positive)


def clustered_error(contributions: Array, positive: Array, units: Units) -> float:
    """Return the standard error of a statistic that is, to first order, a sum of row contributions.

    With P_u and N_u the summed contributions of unit u's positives and negatives, the variance is
    f₁ Σ P_u² + f₀ Σ N_u² + 2 f Σ P_u N_u, f = k/(k−1) for k units with positives, with negatives, and in
    all (Obuchowski 1997). Where each unit holds both classes this is Σ d_w² / (W (W−1)) with
    d_w = W (P_w + N_w); where each unit is one record it is the variance of two independent samples
    (DeLong 1988).

    Parameters
    ----------
    contributions : (n,) float
        Row by row; they sum to zero over the positives and over the negatives.
    positive : (n,) bool
        The truth of each row.
    units : Units
        What is independent.

    Returns
    -------
    float
        Infinite where a class stands in a single unit: its variation is unknown.
    """
    if units.fewest < 2:
        return float("inf")
    if units.crossed is not None:
        # two-way: variance by world, plus by record, less that of single cells (Cameron, Gelbach and Miller 2011)
        worlds, records = (_variance(contributions, positive, of) for of in (units.alone, units.crossed))
        cells = np.unique(np.column_stack([units.codes, units.crossed.codes]), axis=0, return_inverse=True)[1]
        both = _variance(contributions, positive, independent_units(positive, cells.reshape(-1)))
        return float(np.sqrt(max(worlds + records - both, worlds, records)))
    return float(np.sqrt(_variance(contributions, positive, units)))


def _variance(contributions: Array, positive: Array, units: Units) -> float:
    sums = [np.bincount(units.codes[c], contributions[c], units.n_units) for c in (positive, ~positive)]
    f_positive, f_negative, f_all = (k / (k - 1) for k in (units.n_positive, units.n_negative, units.n_units))
    variance = f_positive * sums[0] @ sums[0] + f_negative * sums[1] @ sums[1] + 2 * f_all * sums[0] @ sums[1]
    return float(np.maximum(variance, 0.0))
