"""What one request of a method takes, alongside exact retraining of the same worlds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unlearn_audit.audits.methods.findings import Cost
from unlearn_audit.findings.measured import by_world, mean_interval
from unlearn_audit.utils.typing import Interval


def cost_of(method: pd.DataFrame | None, retrained: pd.DataFrame | None, *, reused: bool) -> Cost | None:
    """Return what a request takes; None where that was not measured.

    Parameters
    ----------
    method, retrained
        What was measured of the target's pairs on both arms.
    reused
        Whether worlds came from the store.
    """
    own, exact = by_world(method), by_world(retrained)
    if "seconds" not in own:
        return None
    relative, ends = _ratio(own["seconds"], exact["seconds"]) if "seconds" in exact else (None, None)
    return Cost(
        seconds=float(own["seconds"].mean()),
        seconds_ci=_positive_interval(own["seconds"]),
        relative=relative,
        relative_ci=ends,
        peak_memory=float(own["peak_memory"].max()) if "peak_memory" in own else None,
        reused=reused,
    )


def _positive_interval(values: pd.Series) -> Interval | None:
    """Return the interval of the mean of (worlds,) positive values on a logarithmic scale; it has no negative end."""
    mean, ends = float(values.mean()), mean_interval(values)
    if ends is None or mean <= 0:
        return None
    reach = (ends[1] - mean) / mean
    return mean * float(np.exp(-reach)), mean * float(np.exp(reach))


def _ratio(own: pd.Series, exact: pd.Series) -> tuple[float | None, Interval | None]:
    """Return the mean ratio of (worlds,) times on a logarithmic scale, with its interval; None where a time is 0."""
    both = pd.DataFrame({"own": own, "exact": exact}).dropna()
    if not len(both) or not (both > 0).all(axis=None):
        return None, None
    logs = np.log(both["own"]) - np.log(both["exact"])
    ends = mean_interval(logs)
    return float(np.exp(logs.mean())), None if ends is None else (float(np.exp(ends[0])), float(np.exp(ends[1])))
