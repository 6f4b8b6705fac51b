"""When an audit that grows world by world may stop: its interval is narrow enough, by a margin.

Whoever looks at an interval again and again, and stops once it is narrow, stops too often where it is narrow by
luck, and then it covers too little. So the rule asks for less than was asked of it (`MARGIN`), and it looks rarely:
each time it goes on to as many worlds as the width seen would need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from unlearn_audit.metrics.intervals import Estimate, t_quantile

FEWEST_MORE = 2
"""Worlds added between two looks, at least."""

MARGIN = 0.9
"""The share of the half-width asked for at which to stop."""


@dataclass(frozen=True)
class WidthRule:
    """Stop once an interval is narrow enough, or there are as many worlds as there may be.

    Attributes
    ----------
    half_width : float
        Asked for: half the distance of the interval's ends.
    at_most : int
        Worlds at which to stop in any case.
    margin : float
        The share of ``half_width`` at which to stop.

    Examples
    --------
    >>> rule = WidthRule(0.03, at_most=100)
    >>> rule.next(10, 0.045), rule.next(10, 0.028), rule.next(10, 0.027), rule.next(100, 0.045)
    (24, 12, 10, 100)
    """

    half_width: float
    at_most: int
    margin: float = MARGIN

    def next(self, worlds: int, half_width: float) -> int:
        """Return how many worlds to look at next: as many as there are (``worlds``) if this look was the last.

        The half-width of W worlds is taken to go as t_{W−1}/√W.
        """
        goal = self.margin * self.half_width
        if half_width <= goal or worlds >= self.at_most:
            return worlds
        unit = half_width / _reach(worlds)
        more = range(worlds + FEWEST_MORE, self.at_most)
        return next((n for n in more if unit * _reach(n) <= goal), self.at_most)


def half_width(estimate: Estimate) -> float:
    """Return half the distance of an interval's ends.

    Examples
    --------
    >>> half_width(Estimate(0.7, 0.5, 0.75))
    0.125
    """
    return (estimate.high - estimate.low) / 2


def _reach(worlds: int) -> float:
    """Return t_{W−1}/√W: the half-width of a mean over W worlds that differ by a standard deviation of 1."""
    return t_quantile(worlds - 1) / math.sqrt(worlds)
