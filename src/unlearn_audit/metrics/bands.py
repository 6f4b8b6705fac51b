"""Intervals that hold for a whole family of attacks at once.

Of thirty intervals of 95 % one or two are wrong, and those are the ones that stand out. Here the intervals of all
attacks are widened together, by as much as their errors differ: max-T (Hothorn, Bretz and Westfall 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import special

from unlearn_audit.metrics.intervals import CONFIDENCE, NEGLIGIBLE, Estimate
from unlearn_audit.metrics.roc import Area, area_difference, auc_variation
from unlearn_audit.metrics.units import AnyArray, Clusters
from unlearn_audit.metrics.variation import Variation, variation

SharesOf = Callable[[AnyArray | slice], AnyArray]
"""Gives the shares of some rows."""

DRAWS = 20_000
"""Of the errors of all attacks at once, from fixed random numbers."""

_UNITS_AT_ONCE = 1 << 16
"""Worlds or records whose sums are held at once, of all attacks."""


def simultaneous_auc(
    scores: Sequence[AnyArray],
    positive: AnyArray,
    clusters: Clusters | AnyArray | None,
    *,
    confidence: float = CONFIDENCE,
) -> list[Estimate]:
    """Return the AUC of each attack with intervals of which, with the stated confidence, none is wrong.

    Each is an `auc_interval` at a higher confidence, the same for all attacks (`confidence_of_each`). It lies between
    the confidence of one attack, where all err alike, and Bonferroni's.

    Parameters
    ----------
    scores
        (n,) of each attack, on the same rows.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
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
    shared = Clusters.of(clusters).coded(len(positive))
    return simultaneous([auc_variation(of, positive, shared) for of in scores], shared, confidence)


def simultaneous(areas: Sequence[Area], clusters: Clusters, confidence: float = CONFIDENCE) -> list[Estimate]:
    """Return what `simultaneous_auc` does, of AUCs that are known already; clusters are coded from 0."""
    if not areas:
        return []
    correlated = correlations(len(areas[0].ranks), [area.shares_of for area in areas], clusters)
    each = confidence_of_each([area.variation for area in areas], correlated, confidence)
    return [area.interval(each) for area in areas]


def simultaneous_differences(
    pairs: Sequence[tuple[Area, Area]],
    positive: AnyArray,
    clusters: Clusters,
    confidence: float = CONFIDENCE,
) -> list[Estimate]:
    """Return the paired difference of each two AUCs with intervals of which, with the stated confidence, none is wrong.

    Each is an `auc_difference` at a higher confidence, the same for all.

    Parameters
    ----------
    pairs
        The AUCs of the same rows: of the first arm, and of the second.
    positive : (n,) bool
        The truth of each row.
    clusters
        What rows share, coded from 0.
    confidence
        1 - α, of the family.
    """
    if not pairs:
        return []
    apart = [one.shares - other.shares for one, other in pairs]
    correlated = correlations(len(positive), [of.__getitem__ for of in apart], clusters)
    each = confidence_of_each([variation(of, positive, clusters) for of in apart], correlated, confidence)
    return [area_difference(one, other, positive, clusters, each) for one, other in pairs]


def correlations(n: int, shares: Sequence[SharesOf], clusters: Clusters) -> AnyArray:
    """Return (attacks, attacks) how the attacks' errors go together, by world and by record.

    Parameters
    ----------
    n
        Rows.
    shares
        Of each attack, or difference of two, what gives the shares of some rows in the deviation of its AUC.
    clusters
        Coded from 0; without worlds, single records or rows are what varies.
    """
    ways = [codes for codes in (clusters.worlds, clusters.records) if codes is not None]
    covariance = sum(sums @ sums.T for codes in ways or [np.arange(n)] for sums in _sums_by_unit(shares, codes))
    deviations = np.sqrt(np.diag(covariance))
    scale = np.where(deviations > NEGLIGIBLE, deviations, 1.0)
    found = covariance / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def _sums_by_unit(shares: Sequence[SharesOf], codes: AnyArray) -> Iterator[AnyArray]:
    """Yield (attacks, units) the sums of each attack's shares, of some units at once."""
    n_units = int(codes.max()) + 1
    for first in range(0, n_units, _UNITS_AT_ONCE):
        n = min(n_units - first, _UNITS_AT_ONCE)
        rows = slice(None) if n == n_units else np.flatnonzero((codes >= first) & (codes < first + n))
        own = codes[rows] - first
        yield np.stack([np.bincount(own, of(rows), n) for of in shares])


def confidence_of_each(variations: Sequence[Variation], correlation: AnyArray, confidence: float = CONFIDENCE) -> float:
    """Return the confidence of one interval at which all hold together with the stated confidence.

    Errors of all attacks are drawn as normals of the given correlation, and the variances between worlds as would be
    estimated from so few, alike for all attacks; an interval is wrong where its error exceeds its reach.

    Parameters
    ----------
    variations
        Of each attack.
    correlation : (attacks, attacks) float
        Of their errors.
    confidence
        1 - α, of the family.

    Examples
    --------
    For attacks that err alike nothing is widened, for those that do not nearly as much as by Bonferroni:

    >>> one = Variation(0.01, 9, 0.0, 0.0, 100, 100, "world", 10)
    >>> abs(confidence_of_each([one, one], np.ones((2, 2))) - 0.95) < 0.005
    True
    >>> abs(confidence_of_each([one, one], np.eye(2)) - 0.974) < 0.005
    True
    """
    between, recurring = (np.array([getattr(of, way) for of in variations]) for way in ("between", "recurring"))
    moving = np.isfinite(between) & (between + recurring > NEGLIGIBLE**2)
    if not moving.any():
        return 1 - (1 - confidence) / len(variations)
    between, recurring = between[moving], recurring[moving]
    records = np.array([of.freedom_of_records for of in variations])[moving]
    freedom = min(of.freedom for of in variations)
    rng = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(correlation[np.ix_(moving, moving)])
    normals = rng.standard_normal((DRAWS, len(values))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    squares = normals**2 * (between + recurring)
    seen = rng.chisquare(freedom, DRAWS) / freedom

    def wrong(each: float) -> AnyArray:
        tail = 1 - each / 2
        reach = np.outer(seen, special.stdtrit(freedom, tail) ** 2 * between)
        reach += special.stdtrit(records, tail) ** 2 * recurring
        return np.asarray((squares > reach).any(axis=1))

    low, high = np.log((1 - confidence) / len(variations) / 10), np.log(1 - confidence)
    known = 0
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = wrong(float(np.exp(middle)))
        if (known + found.sum()) / DRAWS > 1 - confidence:
            high, open_ = middle, found
        else:  # what is wrong in an interval is also wrong in a narrower one
            known += int(found.sum())
            low, open_ = middle, ~found
        squares, seen = squares[open_], seen[open_]
    return 1 - float(np.exp(low))


STEPS = 14
"""Of halving the logarithm of the error rate of one interval: it is then known to within a thousandth of itself."""
