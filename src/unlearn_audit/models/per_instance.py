"""What a training gives away of each record: the per-instance Rényi loss (Sepahvand et al., ICML 2025).

The worst-case accounting of DP-SGD takes every record's clipped gradient to be as long as the clipping norm. Here the
length is the one that a record had along the training. The formula is that of a co-author's public code; that it is the
P of the paper is inferred.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from unlearn_audit.utils.typing import Array

ORDER = 8.0
"""The order α of the authors' code."""


def per_instance_loss(
    norms: Array, *, noise: float, sample_rate: float, order: float = ORDER, every: int = 1, steps: int | None = None
) -> Array:
    """Return the per-instance Rényi loss P(x, α) of each record.

    With o = 3 · steps, α_0 = α, α_{i+1} = α_i o/(o-1) - 1/o and a_i = ⌈α_i⌉, a run θ gives at step i

        T_i(θ) = o log Σ_{k=0..a_i} C(a_i, k) (1-q)^(a_i-k) q^k exp(Δ_x(θ)² k (k-1) / (2σ²))

    and P(x, α) = 1/(α-1) Σ_i (o-1)^i / o^(i+1) · log mean_θ exp T_i(θ).

    Parameters
    ----------
    norms
        (runs, checkpoints, m) or (checkpoints, m): Δ_x, the norm of each record's clipped gradient as it enters the sum
        over a batch, at each checkpoint of each run.
    noise
        σ, the standard deviation of the noise that is added to that sum, in the units of the norms. (One public script
        multiplies Δ by the batch size; that is wrong for the sum.)
    sample_rate
        q, the probability with which a record takes part in a step.
    order
        α, above 1.
    every
        How many steps each checkpoint stands for.
    steps
        How many there were, where the last checkpoint stands for fewer; None for all that checkpoints stand for.

    Examples
    --------
    >>> still, loud = per_instance_loss(np.array([[0.1, 1.0], [0.0, 1.0]]), noise=1.0, sample_rate=0.1)
    >>> bool(0 < still < loud)
    True
    """
    runs = norms[None] if norms.ndim == 2 else norms
    steps = runs.shape[1] * every if steps is None else steps
    o = 3.0 * steps
    alpha, total = order, np.zeros(runs.shape[2])
    for i in range(steps):
        moments = o * _log_moment(runs[:, i // every], math.ceil(alpha), noise, sample_rate)
        weight = math.exp(i * math.log1p(-1 / o)) / o
        total += weight * (logsumexp(moments, axis=0) - math.log(len(runs)))
        alpha = alpha * o / (o - 1) - 1 / o
    return np.asarray(total / (order - 1))


def _log_moment(norms: Array, order: int, noise: float, q: float) -> Array:
    """Return the logarithm of the moment of a subsampled normal mechanism, of the shape of the norms."""
    k = np.arange(order + 1)
    weights = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    # where q is 1 only k = order is left
    with np.errstate(divide="ignore", invalid="ignore"):
        chances = np.where(order == k, 0.0, (order - k) * np.log1p(-q)) + k * math.log(q)
    exponents = np.square(norms)[..., None] * (k * (k - 1)) / (2 * noise**2)
    return np.asarray(logsumexp(weights + chances + exponents, axis=-1))


def squared_norms(norms: Array, *, noise: float, every: int = 1, steps: int | None = None) -> Array:
    """Return a cheap proxy of the per-instance loss, and no loss itself: Σ Δ_x² / σ² along the training.

    Parameters are those of `per_instance_loss`; several runs are averaged.
    """
    runs = norms[None] if norms.ndim == 2 else norms
    stands_for = np.full(runs.shape[1], every)
    if steps is not None:
        stands_for[-1] = steps - every * (runs.shape[1] - 1)
    return np.asarray(np.einsum("c,rcm->m", stands_for, np.square(runs)) / len(runs) / noise**2)


def steps_for(loss: Array, target: float, rate: float) -> Array:
    """Return how many steps of noisy fine-tuning bring each loss below a target, if each step divides it by e^rate.

    That is ⌈ln(P / target) / rate⌉, at least 1. In the bound of Chien et al. (NeurIPS 2024) for strongly convex losses
    the rate at order α is η λ / α; for networks it is a prediction and no proof.

    Examples
    --------
    >>> steps_for(np.array([0.001, 1.0, 10.0]), 0.1, 0.1).tolist()
    [1.0, 24.0, 47.0]
    """
    with np.errstate(divide="ignore"):
        return np.maximum(np.ceil(np.log(loss / target) / rate), 1.0)
