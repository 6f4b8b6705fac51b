"""Training under differential privacy: what is asked, and what was spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NEIGHBOURS = "add or remove one record"
"""Which two training sets the accountant's epsilon cannot tell apart."""


@dataclass(frozen=True)
class Privacy:
    """The guarantee that a training is to give.

    Attributes
    ----------
    epsilon, delta
        What the training may spend at most, for `NEIGHBOURS`.
    max_grad_norm
        To which L2 norm each record's gradient is clipped.
    """

    epsilon: float
    delta: float = 1e-5
    max_grad_norm: float = 1.0


@dataclass(frozen=True)
class Spent:
    """What a training spent.

    Attributes
    ----------
    epsilon, delta
        The guarantee, for `NEIGHBOURS`.
    noise_multiplier
        Standard deviation of the noise over the clipping norm.
    max_grad_norm
        The clipping norm.
    sample_rate
        The probability with which a record takes part in a step.
    steps
        How many steps there were.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    max_grad_norm: float
    sample_rate: float
    steps: int


def most_spent(spent: Iterable[Spent | None]) -> Spent | None:
    """Return what the training that spent most did; None if none was private."""
    return max((s for s in spent if s is not None), key=lambda s: s.epsilon, default=None)
