"""Points of curves to be drawn: the ROC down to low false-positive rates, and how scores of roles are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unlearn_audit.metrics.roc import roc_curve
from unlearn_audit.utils.typing import Array, Mask

POINTS = 400
"""About how many points a curve is drawn with."""


def roc_points(scores: Array, positive: Mask, lowest: float) -> tuple[Array, Array]:
    """Return the ROC curve from a false-positive rate on: straight between thresholds on linear axes.

    Parameters
    ----------
    scores : (n,) float
        Higher = more likely positive.
    positive : (n,) bool
        The truth of each row.
    lowest : float
        The false-positive rate to start from, above 0.

    Returns
    -------
    false_positive_rate, true_positive_rate : (points,) float
        Without points whose true-positive rate is 0, which logarithmic axes cannot show.
    """
    curve = roc_curve(scores, positive)
    false, true = curve.false_positive_rate, curve.true_positive_rate
    inside = np.unique(false[false >= lowest])
    inside = inside[:: max(1, len(inside) // POINTS)]
    x = np.unique(np.concatenate([np.geomspace(lowest, 1, POINTS), inside, inside[1:] * (1 - 1e-9)]))
    y = np.interp(x, false, true)
    return x[y > 0], y[y > 0]


@dataclass(frozen=True, eq=False)
class SharesAbove:
    """Which share of each role scores at least a threshold.

    Attributes
    ----------
    thresholds : (points,) float
        Scores, rising.
    ranks : (points + 1,) float
        The ranks of the thresholds from 0 to 1.
    shares
        (points + 1,) by role. Ranks and shares end with one more point, beyond the highest threshold, where no record
        is left.
    """

    thresholds: Array
    ranks: Array
    shares: dict[str, Array]


def shares_above(scores: Mapping[str, Array], weighed: tuple[str, str]) -> SharesAbove:
    """Return the share of each role that scores at or above each threshold.

    Parameters
    ----------
    scores
        By role.
    weighed
        The two roles that ranks count, both weighing the same.
    """
    thresholds = np.unique(np.concatenate(list(scores.values())))
    share = {
        role: np.append(1 - np.searchsorted(np.sort(own), thresholds, side="left") / len(own), 0.0)
        for role, own in scores.items()
    }
    ranks = 1 - (share[weighed[0]] + share[weighed[1]]) / 2
    kept = np.unique(np.append(np.arange(0, len(ranks), max(1, len(ranks) // POINTS)), len(ranks) - 1))
    return SharesAbove(thresholds[kept[:-1]], ranks[kept], {role: values[kept] for role, values in share.items()})
