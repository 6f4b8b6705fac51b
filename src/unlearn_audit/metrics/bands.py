"""Intervals that hold for a whole family of attacks at once.

Of thirty intervals of 95 % one or two are wrong. Who looks for the strongest attack among many looks at those; here the
intervals of all are widened together, by as much as the attacks' errors go their own ways: max-T (Hothorn, Bretz and
Westfall 2008).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from unlearn_audit.metrics.intervals import CONFIDENCE, NEGLIGIBLE, Estimate, logit_interval
from unlearn_audit.metrics.roc import centred_shares, delong_components
from unlearn_audit.metrics.units import Array, check_rows, clustered_error, crossed_units

DRAWS = 20_000
"""Of the largest of correlated t, from fixed random numbers; its quantile then varies by less than 0.02."""


def simultaneous_auc(
    scores: Sequence[Array],
    positive: Array,
    clusters: Array | None,
    *,
    records: Array | None = None,
    confidence: float = CONFIDENCE,
) -> list[Estimate]:
    """Return the AUC of each attack with intervals of which, with the stated confidence, none is wrong.

    DeLong's components are summed by world as in `auc_interval`; the errors of the attacks then have the correlation
    of these sums. The quantile of the largest |t| of the family, t with the degrees of freedom of the worlds, is drawn
    from normals that are given to the worlds, and takes the place of the t quantile. It lies between that of one
    attack, where all err alike, and Bonferroni's.

    Parameters
    ----------
    scores
        (n,) of each attack, on the same rows.
    positive : (n,) bool
        The truth of each row.
    clusters : (n,) int or None
        The world of each row.
    records : (n,) int or None
        As in `auc_interval`; the errors' correlation is that between worlds.
    confidence
        1 - α, of the family.

    Examples
    --------
    >>> rows = np.arange(120)
    >>> truth, worlds = rows % 3 == 0, rows // 12
    >>> alone, = simultaneous_auc([rows * 7 % 31], truth, worlds)
    >>> among = simultaneous_auc([rows * 7 % 31, rows * 11 % 29, rows * 5 % 23], truth, worlds)[0]
    >>> among.low < alone.low < alone.high < among.high
    True
    """
    if not scores:
        return []
    areas, errors, sums = [], [], []
    for of_attack in scores:
        values, truth = check_rows(of_attack, positive)
        area, components = delong_components(values, truth)
        share = centred_shares(components, truth, area)
        units = crossed_units(truth, clusters, records)
        areas.append(area)
        errors.append(clustered_error(share, truth, units))
        sums.append(np.bincount(units.codes, share, units.n_units))
    reach = max_t_quantile(np.array(sums), units.degrees_of_freedom, confidence)
    # the confidence at which one interval alone would be as wide
    each = float(2 * special.stdtr(units.degrees_of_freedom, reach) - 1)
    return [
        logit_interval(area, error, units.degrees_of_freedom, units.fewest, each)
        for area, error in zip(areas, errors, strict=True)
    ]


def max_t_quantile(sums: Array, degrees_of_freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return the quantile of the largest |t| of statistics that are sums over units.

    Parameters
    ----------
    sums : (statistics, units) float
        What each unit adds to each statistic, centred.
    degrees_of_freedom
        Of every t.
    confidence
        1 - α.

    Examples
    --------
    Of one statistic it is the t quantile, 2.262 for 9 degrees of freedom:

    >>> abs(max_t_quantile(np.array([[1.0, -1.0, 2.0, -2.0]]), 9) - 2.262) < 0.06
    True
    """
    centred = np.asarray(sums) - np.mean(sums, axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    moving = centred[lengths > NEGLIGIBLE] / lengths[lengths > NEGLIGIBLE, None]
    rng = np.random.default_rng(0)
    if not len(moving):
        moving = np.eye(1, centred.shape[1])
    # of normals given to the units, without drawing one for each: units may be as many as rows
    root = np.linalg.qr(moving.T, mode="r")
    normals = np.abs(rng.standard_normal((DRAWS, len(root))) @ root).max(axis=1)
    scale = np.sqrt(rng.chisquare(degrees_of_freedom, DRAWS) / degrees_of_freedom)
    return float(np.quantile(normals / scale, confidence))
