"""What shadow worlds reveal of each record by itself: how models answer in which it has the one role, or the other.

It takes per-record worlds, in which the same records are audited on both sides, in roles drawn anew.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from unlearn_audit.attacks.base import Attack
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.typing import Array

SHRINKAGE = 6.0
"""k: the pooled covariance counts as so many observations of a record."""

SMALLEST_VARIANCE = 1e-8
"""Posteriors are float32: what varies less is rounding."""


def records_of(view: View) -> npt.NDArray[np.int64]:
    """Return (n,) whose each row is.

    Raises
    ------
    AuditError
        If the view does not tell.
    """
    if view.records is None:
        raise AuditError(
            "this attack learns about each record separately, and the worlds do not audit the same records in every "
            "role; use worlds.layout: per-record"
        )
    return view.records


@dataclass(frozen=True, eq=False)
class ByRecord:
    """Values of one role, record by record.

    Attributes
    ----------
    records
        (r,) which records there are, ascending.
    count, mean
        (r,) and (r, d) of each.
    covariance
        (r, d, d) of each, with divisor count.
    pooled
        (d, d) within records, of all.
    centre, spread
        (d,) and (d, d) mean and covariance of all values.
    """

    records: npt.NDArray[np.int64]
    count: Array
    mean: Array
    covariance: Array
    pooled: Array
    centre: Array
    spread: Array

    @classmethod
    def of(cls, records: npt.NDArray[np.int64], values: Array) -> ByRecord:
        """Collect (n, d) values."""
        rows = np.atleast_2d(values.T).T
        names, code = np.unique(records, return_inverse=True)
        code, d = code.reshape(-1), rows.shape[1]
        count = np.bincount(code).astype(np.float64)
        mean = np.stack([np.bincount(code, rows[:, j]) for j in range(d)], axis=1) / count[:, None]
        apart = rows - mean[code]
        products = apart[:, :, None] * apart[:, None, :]
        sums = np.stack([np.bincount(code, product) for product in products.reshape(len(rows), -1).T], axis=1)
        floor = SMALLEST_VARIANCE * np.eye(d)
        degrees = max(len(rows) - len(names), 1)
        return cls(
            names,
            count,
            mean,
            (sums / count[:, None]).reshape(-1, d, d),
            sums.sum(axis=0).reshape(d, d) / degrees + floor,
            rows.mean(axis=0),
            np.atleast_2d(np.cov(rows.T)) + floor if len(rows) > 1 else floor,
        )

    def rows_of(self, records: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the place of each record asked about, and whether it is known at all."""
        at = np.minimum(np.searchsorted(self.records, records), len(self.records) - 1)
        return at, self.records[at] == records

    def log_normal(self, records: npt.NDArray[np.int64], values: Array, shrinkage: float = SHRINKAGE) -> Array:
        """Return (n,) log N(v; mean, (n S + k pooled)/(n + k)) of each record; of all values where it is not known."""
        values = np.atleast_2d(values.T).T
        at, known = self.rows_of(records)
        weight = np.where(known, self.count[at], 0.0)[:, None, None]
        shrunk = (weight * self.covariance[at] + shrinkage * self.pooled) / (weight + shrinkage)
        covariance = np.where(known[:, None, None], shrunk, self.spread)
        apart = values - np.where(known[:, None], self.mean[at], self.centre)
        solved = np.linalg.solve(covariance, apart[:, :, None])[:, :, 0]
        _, log_determinant = np.linalg.slogdet(covariance)
        d = values.shape[1]
        return np.asarray(-0.5 * (np.sum(apart * solved, axis=1) + log_determinant + d * np.log(2 * np.pi)))

    def log_student(self, records: npt.NDArray[np.int64], values: Array) -> Array:
        """Return (n,) log predictive densities of one number a row, with a prior on mean and variance from all records.

        Normal-inverse-gamma: the mean's prior is centred at that of all records and as wide as records differ, the
        variance's at the pooled one with 4 degrees of freedom.
        """
        at, known = self.rows_of(records)
        n = np.where(known, self.count[at], 0.0)
        mean, variance = self.mean[at, 0], self.covariance[at, 0, 0]
        within = float(self.pooled[0, 0])
        between = max(float(np.var(self.mean[:, 0])) - within / float(np.mean(self.count)), 1e-3 * within)
        k0, a0 = within / between, 2.0
        b0 = within * (a0 - 1)
        centre = float(self.centre[0])
        k = k0 + n
        location = (k0 * centre + n * mean) / k
        a = a0 + n / 2
        b = b0 + 0.5 * n * variance + k0 * n * (mean - centre) ** 2 / (2 * k)
        freedom, scale = 2 * a, np.sqrt(b * (k + 1) / (a * k))
        z = (np.ravel(values) - location) / scale
        return np.asarray(
            gammaln((freedom + 1) / 2)
            - gammaln(freedom / 2)
            - 0.5 * np.log(freedom * np.pi)
            - np.log(scale)
            - (freedom + 1) / 2 * np.log1p(z**2 / freedom)
        )


@dataclass(frozen=True)
class PerRecordAttack(Attack):
    """An attack that is fitted record by record.

    By default it is fitted on the paper's rows, which hold each record once a world, as one model answers it; pairs
    differ in the change alone.

    Attributes
    ----------
    fitted_
        What it learned; None before.
    """

    fitted_: Any = None

    needs = frozenset({"labels", "records"})

    def fit(self, shadow: LabelledView, seed: int) -> Self:  # noqa: ARG002 - as every attack
        """Return a fitted copy."""
        return replace(self, fitted_=self.learn(shadow))

    @abstractmethod
    def learn(self, shadow: LabelledView) -> Any:
        """Return what shadow rows show."""


def both_roles(shadow: LabelledView, values: Array) -> tuple[ByRecord, ByRecord]:
    """Return the values of the positive and of the negative role, record by record."""
    records, positive = records_of(shadow.view), shadow.positive
    values = np.atleast_2d(values.T).T
    return ByRecord.of(records[positive], values[positive]), ByRecord.of(records[~positive], values[~positive])
