"""Risk group by group: an average can hide records that are identified with certainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.metrics.roc import auc_interval
from unlearn_audit.metrics.units import AnyArray, Clusters

FEWEST_IN_A_GROUP = 10
"""Positives and negatives below which a group gets no figure."""


@dataclass(frozen=True)
class OfGroup:
    """What an attack reaches inside a group.

    Attributes
    ----------
    group
        Its code.
    n_positive, n_negative
        Rows.
    auc
        Of positives against negatives of the same group, with its interval; None where there are too few.
    """

    group: int
    n_positive: int
    n_negative: int
    auc: Estimate | None


def by_group(
    scores: AnyArray, positive: AnyArray, groups: AnyArray, clusters: Clusters | AnyArray | None
) -> list[OfGroup]:
    """Return the AUC inside each group, in their sorted order.

    Parameters
    ----------
    scores, positive : (n,) float, (n,) bool
        As in `auc_interval`.
    groups : (n,) int
        The group of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.

    Examples
    --------
    >>> scores, truth, groups = np.arange(80.0), np.arange(80) % 2 == 0, np.repeat([3, 8], 40)
    >>> [(of.group, of.n_positive) for of in by_group(scores, truth, groups, None)]
    [(3, 20), (8, 20)]
    """
    shared, found = Clusters.of(clusters), []
    for group in np.unique(groups):
        of = groups == group
        n_positive = int(positive[of].sum())
        n_negative = int(of.sum()) - n_positive
        estimate = None
        if min(n_positive, n_negative) >= FEWEST_IN_A_GROUP:
            estimate = auc_interval(scores[of], positive[of], shared.take(of))
        found.append(OfGroup(int(group), n_positive, n_negative, estimate))
    return found


def tenths(values: AnyArray) -> AnyArray:
    """Return (n,) in which tenth of all values each lies, 1 to 10; equal values lie in the same.

    Examples
    --------
    >>> tenths(np.arange(20.0)).tolist()[:6]
    [1, 1, 2, 2, 3, 3]
    """
    edges = np.quantile(values, np.arange(1, 10) / 10)
    return np.asarray(1 + np.searchsorted(edges, values, side="right"))
