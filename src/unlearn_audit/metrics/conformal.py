"""Conformal p-values: how far one score stands out among scores of records that were never in training.

Vovk et al., "Algorithmic Learning in a Random World" (2005); with several of them on the same references Bates et al.,
"Testing for Outliers with Conformal p-values" (Annals of Statistics 2023): they depend on each other, positively, so
that the step-up rule of Benjamini and Hochberg still holds its rate. Holm's rule holds under any dependence.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Control = Literal["holm", "fdr"]
"""What is held: the chance of even one wrong rejection (Holm), or the expected share of wrong ones (Benjamini and
Hochberg)."""

_ROUNDING = 1e-9
"""Relative slack of comparisons between p-values and levels, which are ratios of small whole numbers."""


def conformal_p_values(scores: Array, references: Array) -> Array:
    """Return (1 + how many references score at least as high) / (1 + how many there are).

    Where a score is exchangeable with those of the references, its p-value is at most t with probability at most t.

    Parameters
    ----------
    scores : (m,) float
        Higher = more outstanding.
    references : (n,) float
        Scores by the same rule, which may not have been learned from them.

    Returns
    -------
    (m,) float

    Examples
    --------
    >>> conformal_p_values(np.array([5.0, 2.0]), np.array([1.0, 2.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    ordered = np.sort(references)
    as_high = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return np.asarray((1 + as_high) / (1 + len(ordered)))


def references_needed(tests: int, level: float, control: Control = "holm") -> int:
    """Return the fewest references with which anything can be rejected.

    Parameters
    ----------
    tests
        How many p-values are compared.
    level
        The error rate that is held, such as 0.05.
    control
        Under ``holm`` the smallest p-value must reach level / tests; under ``fdr`` all tests together may reach the
        level itself.

    Examples
    --------
    >>> references_needed(1, 0.05), references_needed(10, 0.05), references_needed(10, 0.05, "fdr")
    (19, 199, 19)
    """
    return math.ceil((tests if control == "holm" else 1) / level * (1 - _ROUNDING)) - 1


def rejected(p_values: Array, level: float, control: Control = "holm", references: Counts | None = None) -> Flags:
    """Return (m,) which p-values stand out once all of them are allowed for.

    ``holm``: the chance that even one is wrongly among them is at most the level, however they depend on each other.
    ``fdr``: the expected share of wrong ones among them is, for conformal p-values on shared references.

    Parameters
    ----------
    p_values : (m,) float
        Conformal ones.
    level, control
        What is held.
    references : (m,) int, optional
        How many references gave each, where they differ. Holm's rule is then weighted by the least that each p-value
        can be, so that few references of one kind do not keep the others from standing out (Holm, "A Simple
        Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979, section 3).

    Examples
    --------
    >>> p = np.array([0.001, 0.02, 0.03, 0.5])
    >>> rejected(p, 0.05).tolist(), rejected(p, 0.05, "fdr").tolist()
    ([True, False, False, False], [True, True, True, False])
    >>> rejected(np.array([1 / 30, 1 / 90]), 0.05, references=np.array([29, 89])).tolist()
    [True, True]
    """
    slack = 1 + _ROUNDING
    if control == "holm":
        return np.asarray(holm_adjusted(p_values, references) <= level * slack)
    rank = np.arange(1, len(p_values) + 1)
    order = np.argsort(p_values, kind="stable")
    under = p_values[order] <= level * rank / len(p_values) * slack
    result = np.zeros(len(p_values), dtype=bool)
    # Benjamini and Hochberg's rule stops at the last that is under its bar
    result[order[: int(rank[under].max(initial=0))]] = True
    return result


def holm_adjusted(p_values: Array, references: Counts | None = None) -> Array:
    """Return (m,) the level at which Holm's rule, weighted as in `rejected`, would begin to reject each.

    Examples
    --------
    >>> holm_adjusted(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    weights = np.ones(len(p_values)) if references is None else 1 / (1 + references)
    order = np.argsort(p_values / weights, kind="stable")
    remaining = np.cumsum(weights[order][::-1])[::-1]
    stepped = np.maximum.accumulate((p_values / weights)[order] * remaining)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
