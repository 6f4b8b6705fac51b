"""A share of cases that come in worlds."""

from __future__ import annotations

import numpy as np

from unlearn_audit.metrics.intervals import Estimate, logit_interval
from unlearn_audit.metrics.units import AnyArray, Clusters
from unlearn_audit.metrics.variation import variation


def share(true: AnyArray, clusters: Clusters | AnyArray | None) -> Estimate:
    """Return the share of cases in which something holds, with an interval for new worlds and new records.

    With one world there is none: it is then 0 to 1.

    Parameters
    ----------
    true : (n,) bool
        Whether it holds.
    clusters : Clusters or (n,) int (worlds)
        What cases share.

    Examples
    --------
    >>> share(np.array([True, True, False, True]), np.array([0, 0, 1, 1])).value
    0.75
    """
    holds = np.asarray(true, dtype=np.float64)
    value = float(holds.mean())
    found = variation((holds - value) / len(holds), None, clusters)
    if found.unit != "world":
        return Estimate(value, 0.0, 1.0)
    return logit_interval(value, found)
