"""What a run knows of one measure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import special

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.precision import fewest_worlds
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.metrics.power import errors_to_claim
from unlearn_audit.utils.suggest import advice


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """What a figure was measured on, of which more would make its interval narrower.

    Attributes
    ----------
    count
        How many there are.
    noun
        What they are, such as ``target worlds``.
    """

    count: int
    noun: str = "target worlds"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An estimate of one measure with its interval.

    Attributes
    ----------
    measure
        Its name.
    of
        Whose it is: an attack, a method.
    value
        The estimate; None where none can be given.
    low, high
        The ends of the interval; infinite where nothing is known on that side.
    confidence
        Of the interval.
    error
        The chance that the lower end lies above the truth, at most: that a limit which holds is called exceeded.
    share
        Whether it lies between 0 and 1, so that its interval is symmetric on the logit scale.
    repeated
        What would make the interval narrower; None where nothing would.
    lacks
        Why no estimate can be given, and what would do; empty where one is.
    notes
        What should be known of it.
    """

    measure: str
    of: str
    value: float | None
    low: float
    high: float
    confidence: float
    error: float
    share: bool = True
    repeated: Repeated | None = None
    lacks: str = ""
    notes: tuple[str, ...] = ()

    def more_to_decide(self, most: float) -> int | None:
        """Return how many worlds, or whatever was repeated, would decide a limit in 80 % of runs.

        The truth is taken to be the estimate, and errors to go as one over the root of the worlds, with as many degrees
        of freedom as worlds less one. At an estimate of 0 or 1 the binomial cases that the interval stands for are
        taken to grow with the worlds.

        Returns
        -------
        int or None
            None where no number up to `unlearn_audit.findings.precision.MOST_WORLDS` would, or none is known.
        """
        if self.value is None or self.repeated is None or self.value == most:
            return None
        now = max(1, self.repeated.count)
        end = self.high if self.value < most else self.low
        if self.share and self.value in (0.0, 1.0):
            return _binomial(now, end, most) if self.value == 0 else _binomial(now, 1 - end, 1 - most)
        scale: Callable[[float], float] = _logit if self.share else float
        reach, distance = (abs(scale(to) - scale(self.value)) for to in (end, most))
        if not math.isfinite(reach) or not reach:
            return None
        error = reach / t_quantile(max(now - 1, 1), self.confidence)
        return fewest_worlds(now, error, lambda freedom: errors_to_claim(freedom, self.confidence), distance)


def _logit(share: float) -> float:
    return float(special.logit(min(max(share, 0.0), 1.0)))


def _binomial(now: int, end: float, most: float) -> int | None:
    """Return how many worlds bring the end of a binomial interval without a case down to a limit."""
    if not (0 < most < 1 and 0 < end < 1):
        return None
    return math.ceil(now * math.log1p(-end) / math.log1p(-most))


def unknown_measure(name: str, known: list[str], where: str) -> AuditError:
    """Return the error for a measure that findings do not have."""
    return AuditError(f"{where} has no measure {name!r}; {advice(name, known)}")
