"""How much noise hides what a network was before it was fine-tuned (Koloskova et al., ICML 2025).

Two networks start within a ball of radius C0 and take T steps w <- w - η (g + λ w) + σ ξ on the same records, with
|g| <= C1. Their distance before noise is at most D = 2 C0 c^T + 2 C1 η Σ_{t<T} c^t with c = 1 - η λ, and noise that is
shared out over the steps (privacy amplification by iteration) makes their Rényi divergence of order α at most
α ε_R, with ε_R = D² / (2 σ² Σ_{t<T} c^(2t)). No assumption on the loss is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class NoisySteps:
    """Some noisy steps.

    Attributes
    ----------
    start, clip
        C0, the largest norm of the weights at the start, and C1, that of a step's gradient.
    learning_rate, weight_decay
        η and λ, with η λ < 1.
    steps
        T.

    Examples
    --------
    >>> plain = NoisySteps(start=1.0, clip=1.0, learning_rate=0.1, weight_decay=0.0, steps=10)
    >>> round(plain.noise(0.5), 4)  # (2 + 2)² / (2 · 0.5 · 10) = 1.6
    1.2649
    >>> round(plain.renyi(plain.noise(0.5)), 4)
    0.5
    """

    start: float
    clip: float
    learning_rate: float
    weight_decay: float
    steps: int

    @property
    def _kept(self) -> float:
        return 1 - self.learning_rate * self.weight_decay

    @property
    def distance(self) -> float:
        """D, how far apart two networks can be at the end without noise."""
        c, T = self._kept, self.steps
        drift = self.learning_rate * T if c == 1 else (1 - c**T) / self.weight_decay
        return 2 * self.start * c**T + 2 * self.clip * drift

    @property
    def _share(self) -> float:
        """Variance of the sum of all steps' noise at the end, in units of σ²."""
        c, T = self._kept, self.steps
        return float(T) if c == 1 else (1 - c ** (2 * T)) / (1 - c**2)

    def noise(self, renyi: float) -> float:
        """Return σ, the standard deviation of a step's noise, for a Rényi divergence of α times `renyi`."""
        return self.distance / math.sqrt(2 * renyi * self._share)

    def renyi(self, noise: float) -> float:
        """Return ε_R: the Rényi divergence of each order α is α times this."""
        return self.distance**2 / (2 * noise**2 * self._share)


def steps_to_cross(start: float, clip: float, learning_rate: float) -> int:
    """Return the number of steps that the authors choose without weight decay: ⌈C0 / (C1 η)⌉.

    Examples
    --------
    >>> steps_to_cross(1.0, 1.0, 0.1), steps_to_cross(0.3, 1.0, 0.1), steps_to_cross(0.25, 1.0, 0.1)
    (10, 3, 3)
    """
    # 0.3 / 0.1 is 2.9999999999999996
    return max(1, math.ceil(start / (clip * learning_rate) - 1e-9))


def epsilon_of(renyi: float, delta: float) -> float:
    """Return epsilon of a mechanism whose Rényi divergence of each order α is α ε_R.

    The least of α ε_R + ln(1/δ)/(α - 1) over α > 1, which lies at α = 1 + √(ln(1/δ)/ε_R): ε_R + 2 √(ε_R ln(1/δ)).

    Examples
    --------
    >>> round(epsilon_of(0.02, 1e-5), 4)
    0.9797
    """
    return renyi + 2 * math.sqrt(renyi * math.log(1 / delta))


def renyi_of(epsilon: float, delta: float) -> float:
    """Return ε_R of which `epsilon_of` is epsilon.

    Examples
    --------
    >>> round(epsilon_of(renyi_of(1.0, 1e-5), 1e-5), 12)
    1.0
    """
    log = math.log(1 / delta)
    # √(log + ε) - √log, without losing digits where ε is small
    return (epsilon / (math.sqrt(log + epsilon) + math.sqrt(log))) ** 2
