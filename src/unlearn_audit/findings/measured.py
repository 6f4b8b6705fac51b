"""What was measured of pairs besides their answers, arm by arm: means over worlds, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from unlearn_audit.findings.comparison import Measured
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.utils.typing import Interval

COSTS = ("seconds", "cpu_seconds", "peak_memory")
"""What differs from run to run: it is no finding."""

ByArm = Mapping[str, pd.DataFrame]
"""By arm, what was measured of the target's pairs, see `unlearn_audit.engine.WorldStats`."""


def by_world(table: pd.DataFrame | None) -> pd.DataFrame:
    """Return (worlds, names) the mean over the pairs of each world; nothing of a table that is not there.

    Parameters
    ----------
    table
        Columns ``world``, ``request`` (negative for figures of an original), ``name`` and ``value``.
    """
    if table is None or not len(table):
        return pd.DataFrame()
    of_pairs = table[table["request"] >= 0]
    return of_pairs.pivot_table(index="world", columns="name", values="value", aggfunc="mean")


def measured(
    method: pd.DataFrame | None, retrained: pd.DataFrame | None = None, none: pd.DataFrame | None = None
) -> tuple[Measured, ...]:
    """Return each figure of a method with those of the other arms; what differs from run to run is left out.

    Parameters
    ----------
    method, retrained, none
        What was measured on each arm.
    """
    own, exact, nothing = by_world(method), by_world(retrained), by_world(none)
    found = []
    for name in own.columns:
        if name in COSTS:
            continue
        apart = (own[name] - exact[name]).dropna() if name in exact else pd.Series(dtype=float)
        found.append(
            Measured(
                name=name,
                mean=float(own[name].mean()),
                retrained=float(exact[name].mean()) if name in exact else None,
                none=float(nothing[name].mean()) if name in nothing else None,
                difference=float(apart.mean()) if len(apart) else None,
                difference_ci=mean_interval(apart),
            )
        )
    return tuple(found)


def mean_interval(values: pd.Series) -> Interval | None:
    """Return the 95 % interval of the mean of (worlds,) values by Student's t; None of fewer than two.

    Examples
    --------
    >>> [round(end, 2) for end in mean_interval(pd.Series([1.0, 2.0, 3.0]))]
    [-0.48, 4.48]
    """
    n = len(values)
    if n < 2:
        return None
    reach = t_quantile(n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return float(values.mean()) - reach, float(values.mean()) + reach


def costs(measures: ByArm) -> dict[str, dict[str, float]]:
    """Return, by arm and name, what one request took on average, of what was measured."""
    found = {}
    for arm, table in measures.items():
        of_arm = by_world(table)
        known = {name: float(of_arm[name].mean()) for name in COSTS if name in of_arm}
        if known:
            found[arm] = known
    return found
