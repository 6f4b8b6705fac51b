"""KLOM: how far apart the margins of a record are under many unlearned and under many retrained models.

Georgiev et al., "Attribute-to-Delete: Machine Unlearning via Datamodel Matching" (2024): for each record the
Kullback-Leibler divergence KL(unlearned ‖ retrained) of the distributions of its margin over models. They train 100
models of each kind and compare histograms (`histogram_klom`). An audit has fewer, with which a histogram is far above 0
even where nothing differs, so the figure to read here takes margins for normal and has no bias (`paired_klom`).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from unlearn_audit.metrics.units import AnyArray

FEWEST_MODELS = 8
"""Models of each kind below which no distance is given: the estimate's variance is finite from 6 on."""

BINS = 20
"""Of the published histogram."""

CLIP = 100.0
"""Margins beyond it count as it, as published."""

EMPTY = 1e-5
"""What an empty bin counts as, as published."""

SMALLEST_VARIANCE = 1e-8
"""Posteriors are float32: what varies less is rounding."""

NOISE_DRAWS = 4_000
"""Of records that do not differ, from fixed random numbers."""


def paired_klom(unlearned: AnyArray, retrained: AnyArray) -> AnyArray:
    """Return the divergence of two normal distributions of which pairs of values are known, without bias.

    With x of unlearned and y of retrained models of the same worlds, jointly normal, b the slope of x on y, s_e² the
    residual variance and ν = n − 1, the ratio r = b² + s_e² (ν − 3)/(ν s_y²) estimates σ_x²/σ_y² without bias, and

        KL = ½ [ log(s_y²/s_x²) + r + (ν − 2)/ν · (x̄ − ȳ)²/s_y² − (r + 1 − 2 b)/n − 1 ]

    does so for KL(N_x ‖ N_y): what chance adds to the plain formula is taken off, however x and y go together. Single
    records may lie below 0, so that their mean is right; where margins are not normal there is no such promise.

    Parameters
    ----------
    unlearned, retrained : (records, n) float
        Margins; the models of a column belong to the same world. n is at least `FEWEST_MODELS`.

    Returns
    -------
    (records,) float
        In nats; 0 where both kinds hold the same values. Infinite where retrained models agree on a margin that others
        do not have.

    Examples
    --------
    >>> same = np.arange(10.0)[None]
    >>> paired_klom(same, same).tolist()
    [0.0]
    """
    x, y = (np.clip(np.asarray(of, dtype=np.float64), -CLIP, CLIP) for of in (unlearned, retrained))
    n = x.shape[1]
    freedom = n - 1
    apart = x.mean(axis=1) - y.mean(axis=1)
    dx, dy = (of - of.mean(axis=1, keepdims=True) for of in (x, y))
    x_variance, y_variance = ((of**2).sum(axis=1) / freedom for of in (dx, dy))
    constant = y_variance < SMALLEST_VARIANCE
    held = np.where(constant, 1.0, y_variance)
    slope = (dx * dy).sum(axis=1) / freedom / held
    residual = np.maximum(x_variance - slope**2 * held, 0.0) * freedom / (freedom - 1)
    ratio = slope**2 + residual * (freedom - 3) / (freedom * held)
    with np.errstate(divide="ignore"):
        logs = np.log(held) - np.log(np.maximum(x_variance, SMALLEST_VARIANCE))
    shift = (freedom - 2) / freedom * apart**2 / held
    found = (logs + ratio + shift - (ratio + 1 - 2 * slope) / n - 1) / 2
    found = np.where(constant, np.inf, found)
    alike = np.abs(x - y).max(axis=1) < np.sqrt(SMALLEST_VARIANCE)
    return np.asarray(np.where(alike, 0.0, found))


def histogram_klom(unlearned: AnyArray, retrained: AnyArray) -> AnyArray:
    """Return the published estimate: KL of histograms of `BINS` bins over the range of both.

    It is biased upwards, with n models by about (`BINS` − 1)/n and more where bins stay empty; it can be compared with
    others' figures of as many models alone.

    Parameters
    ----------
    unlearned, retrained : (records, n) and (records, m) float
        Margins.

    Returns
    -------
    (records,) float
        In nats.

    Examples
    --------
    >>> float(histogram_klom(np.arange(10.0)[None], np.arange(10.0)[None])[0])
    0.0
    """
    x, y = (np.clip(np.asarray(of, dtype=np.float64), -CLIP, CLIP) for of in (unlearned, retrained))
    low = np.minimum(x.min(axis=1), y.min(axis=1))[:, None]
    width = np.maximum(x.max(axis=1), y.max(axis=1))[:, None] - low
    shares = []
    for values in (x, y):
        bins = np.minimum(((values - low) / np.where(width > 0, width, 1.0) * BINS).astype(np.int64), BINS - 1)
        places = bins + BINS * np.arange(len(values))[:, None]
        counts = np.bincount(places.ravel(), minlength=BINS * len(values)).reshape(-1, BINS)
        filled = np.maximum(counts / values.shape[1], EMPTY)
        shares.append(filled / filled.sum(axis=1, keepdims=True))
    return np.asarray(special.rel_entr(*shares).sum(axis=1))


def klom_noise(models: int, level: float = 0.95) -> float:
    """Return what `paired_klom` stays below in a share of records that do not differ at all.

    It is for models that share nothing; where those of a world go together, chance is smaller.

    Examples
    --------
    >>> klom_noise(10) > klom_noise(40) > 0
    True
    """
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, NOISE_DRAWS, models))
    return float(np.quantile(paired_klom(x, y), level))
