"""What share of the people whom an observer flags were deleted: found people, wrongly flagged ones, and a base rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class FlaggingRule:
    """An observer who flags every person with a p-value of at most ``rate``.

    Attributes
    ----------
    rate
        The share of people never in training that it may flag: its false-positive rate.
    found, people
        How many of the people who were deleted it flags, of how many.
    found_share
        The same as a share, for people like these: Clopper and Pearson's interval.
    wrong_share
        The share of people never in training that its threshold flags.
    """

    rate: float
    found: int
    people: int
    found_share: Estimate
    wrong_share: Estimate

    @classmethod
    def at(cls, rate: float, p_values: Array, references: int, above: int) -> FlaggingRule | None:
        """Return what an observer reaches at a rate; None where so few references cannot show it.

        The threshold is the k-th highest reference, k = ⌊rate · (references + 1)⌋. The share of people never in
        training above it is distributed as Beta(k, references + 1 - k) over draws of the references (Vovk 2012), or
        lower where scores are tied. Both shares have intervals of 97.5 %, so that what is made of both is within
        its own in at least 95 %.

        Parameters
        ----------
        rate
            In (0, 1).
        p_values : (m,) float
            Conformal p-values of the deleted.
        references
            How many references gave them.
        above
            How many references lie strictly above the threshold, at most k - 1.
        """
        k = math.floor(rate * (references + 1) * (1 + 1e-9))
        if k < 1:
            return None
        m, tail = len(p_values), (1 - CONFIDENCE) / 4
        found = int((p_values <= rate * (1 + 1e-9)).sum())
        low = _beta_quantile(tail, found, m - found + 1) if found else 0.0
        high = _beta_quantile(1 - tail, found + 1, m - found) if found < m else 1.0
        least = _beta_quantile(tail, above, references + 1 - above) if above else 0.0
        most = _beta_quantile(1 - tail, k, references + 1 - k)
        return cls(
            rate,
            found,
            m,
            Estimate(found / m, low, high),
            Estimate(k / (references + 1), least, most),
        )

    def precision(self, base_rate: float) -> Estimate:
        """Return the share of right flags where a share ``base_rate`` of those looked at were deleted."""
        f, w = self.found_share, self.wrong_share
        return Estimate(
            precision(base_rate, f.value, w.value),
            precision(base_rate, f.low, w.high),
            precision(base_rate, f.high, w.low),
        )


def precision(base_rate: float, found: float, wrong: float) -> float:
    """Return P · found / (P · found + (1 - P) · wrong); 0 where no one is flagged.

    Examples
    --------
    >>> round(precision(0.01, 0.5, 0.01), 3)
    0.336
    """
    right, flagged = base_rate * found, base_rate * found + (1 - base_rate) * wrong
    return right / flagged if flagged > 0 else 0.0


def _beta_quantile(share: float, a: float, b: float) -> float:
    """Return the quantile of Beta(a, b); that of ``scipy.stats`` is the same, and takes half a second to import."""
    return float(special.betaincinv(a, b, share))
