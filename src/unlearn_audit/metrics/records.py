"""Risk record by record: which are identified as deleted, at an error rate for all of them together.

Records share worlds, so that their p-values depend on each other in a way that nobody knows. Benjamini and Yekutieli's
rule (2001) holds the expected share of wrong ones under any dependence, and so does e-BH on e-values (Wang and Ramdas
2022).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.conformal import rejected
from unlearn_audit.metrics.units import AnyArray

Flags = npt.NDArray[np.bool_]

RiskControl = Literal["by", "e-bh"]


def record_p_values(scores: AnyArray, positive: AnyArray, records: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return each record's p-value against its scores being alike in worlds where it is positive and where it is not.

    The test is Mann and Whitney's, one-sided (higher where positive), exact unless scores are tied.

    Parameters
    ----------
    scores, positive : (n,) float, (n,) bool
        One row a record and world.
    records : (n,) int
        Whose row it is.

    Returns
    -------
    records, p_values
        Each record that occurs in both, ascending.

    Raises
    ------
    AuditError
        If no record occurs in both.

    Examples
    --------
    >>> found, p = record_p_values(np.array([3.0, 4.0, 1.0, 2.0]), np.array([1, 1, 0, 0]), np.array([7, 7, 7, 7]))
    >>> found.tolist(), p.round(4).tolist()
    ([7], [0.1667])
    """
    truth, names = np.asarray(positive, dtype=bool), np.unique(records)
    code = np.searchsorted(names, records)
    counts = np.stack([np.bincount(code[rows], minlength=len(names)) for rows in (truth, ~truth)], axis=1)
    if not (counts > 0).all(axis=1).any():
        raise AuditError("no record is positive in one world and negative in another; use per-record worlds")
    p_values = np.full(len(names), np.nan)
    # positives first, so that the rows of records of one shape are a matrix
    order = np.lexsort((~truth, code))
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))[:-1]])
    for n_in, n_out in np.unique(counts[(counts > 0).all(axis=1)], axis=0):
        of = np.flatnonzero((counts == (n_in, n_out)).all(axis=1))
        values = np.asarray(scores, dtype=np.float64)[order[starts[of][:, None] + np.arange(n_in + n_out)]]
        p_values[of] = _higher(values[:, :n_in], values[:, n_in:])
    known = np.isfinite(p_values)
    return names[known], p_values[known]


def _higher(ins: AnyArray, outs: AnyArray) -> AnyArray:
    """Return (m,) p-values of (m, n_in) values being no higher than (m, n_out) others, row by row."""
    ordered = np.sort(np.concatenate([ins, outs], axis=1), axis=1)
    tied = (np.diff(ordered, axis=1) == 0).any(axis=1)
    p_values = np.ones(len(ins))
    # the smallest that any order of so few can have, below which the normal approximation falls where scores are tied
    least = 1 / math.comb(ins.shape[1] + outs.shape[1], ins.shape[1])
    for rows, method in ((~tied, "exact"), (tied & (ordered[:, 0] < ordered[:, -1]), "asymptotic")):
        if rows.any():
            p_values[rows] = scipy.stats.mannwhitneyu(
                ins[rows], outs[rows], alternative="greater", method=method, axis=1
            ).pvalue
    return np.maximum(p_values, least)


def worlds_needed(records: int, level: float) -> int:
    """Return how many worlds of each kind a record needs before its smallest p-value could stand out among so many.

    With k worlds where it is positive and k where it is not, the smallest exact p-value is k!²/(2k)!; under Benjamini
    and Yekutieli's rule one record alone is identified at level/(m Σ 1/i).

    Examples
    --------
    >>> worlds_needed(200, 0.05)
    9
    """
    bar = level / (records * _harmonic(records))
    k = 1
    while 1 / math.comb(2 * k, k) > bar:
        k += 1
    return k


def benjamini_yekutieli(p_values: AnyArray, level: float) -> Flags:
    """Return (m,) which stand out: the expected share of wrong ones is at most the level, however they depend.

    Examples
    --------
    >>> benjamini_yekutieli(np.array([0.001, 0.2, 0.9]), 0.05).tolist()
    [True, False, False]
    """
    return rejected(p_values, level / _harmonic(len(p_values)), "fdr")


def e_values(p_values: AnyArray) -> AnyArray:
    """Return e-values from p-values: ½ p^(-½), whose mean is at most 1 where p is uniform (Vovk and Wang 2021).

    Examples
    --------
    >>> e_values(np.array([0.25, 0.0001])).tolist()
    [1.0, 50.0]
    """
    return np.asarray(0.5 / np.sqrt(np.maximum(p_values, np.finfo(float).tiny)))


def e_benjamini_hochberg(e: AnyArray, level: float) -> Flags:
    """Return (m,) which stand out: those with the k largest e-values, k the most with e_(k) ≥ m/(k level).

    Examples
    --------
    >>> e_benjamini_hochberg(np.array([100.0, 1.0, 0.5]), 0.05).tolist()
    [True, False, False]
    """
    return rejected(1 / np.asarray(e), level, "fdr")


def records_at_risk(p_values: AnyArray, level: float = 0.05, control: RiskControl = "by") -> Flags:
    """Return (m,) which records can be identified as deleted, at an expected share of wrong ones of at most the level.

    Examples
    --------
    >>> records_at_risk(np.array([1e-6, 0.5])).tolist()
    [True, False]
    """
    return benjamini_yekutieli(p_values, level) if control == "by" else e_benjamini_hochberg(e_values(p_values), level)


def _harmonic(m: int) -> float:
    return float(np.sum(1 / np.arange(1, m + 1)))
