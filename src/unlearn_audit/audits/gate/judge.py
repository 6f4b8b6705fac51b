"""Compares the figures of a run with limits, and says how they compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from unlearn_audit.audits.gate.figure import Figure
from unlearn_audit.audits.gate.limits import Limit
from unlearn_audit.audits.gate.sources import Figures
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.precision import MOST_WORLDS
from unlearn_audit.findings.sections import Gate
from unlearn_audit.report.wording import number, percent
from unlearn_audit.utils.suggest import check_known

On = Literal["interval", "point"]
"""What is compared with a limit: the interval of a figure, or its estimate alone."""

CODES: dict[Gate, int] = {"pass": 0, "fail": 1, "cannot-tell": 3}
"""Exit codes; 2 is for a request that cannot be met."""

_MOST_DIGITS = 9


@dataclass(frozen=True)
class Judgement:
    """One figure compared with its limit, or the verdict where no limit was given.

    Attributes
    ----------
    name
        What was judged: the limit in short.
    outcome
        Whether the limit holds.
    sentence
        The same as a sentence, with the figure.
    figure, limit
        What was compared; None for the verdict.
    needed
        How many worlds would decide it; None where that is not known, or where it is decided.
    """

    name: str
    outcome: Gate
    sentence: str
    figure: Figure | None = None
    limit: Limit | None = None
    needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; ends that are not known are null."""
        known = {"name": self.name, "outcome": self.outcome, "sentence": self.sentence}
        if self.figure is None or self.limit is None:
            return known
        of = self.figure
        low, high = (end if math.isfinite(end) else None for end in (of.low, of.high))
        return {
            **known,
            "measure": of.measure,
            "of": of.of,
            "limit": self.limit.most,
            "value": of.value,
            "low": low,
            "high": high,
            "confidence": of.confidence,
            "worlds_needed": self.needed,
        }


@dataclass(frozen=True)
class Passage:
    """What came of all limits.

    Attributes
    ----------
    judgements
        One a limit, in the order given.
    cautions
        What the limits do not see though it matters to whoever sets them.
    notes
        What should be known of the figures.
    """

    judgements: tuple[Judgement, ...]
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Gate:
        """``fail`` if any limit is exceeded, else ``cannot-tell`` if one is not decided, else ``pass``."""
        found = {of.outcome for of in self.judgements}
        return next(outcome for outcome in ("fail", "cannot-tell", "pass") if outcome in found)

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.outcome]


def judge(figures: Figures, limits: Sequence[Limit], on: On = "interval") -> Passage:
    """Hold figures against limits.

    Parameters
    ----------
    figures
        Of a run.
    limits
        Without any, the verdict of an audit decides.
    on
        What is compared.

    Raises
    ------
    AuditError
        If the run has no such figure, or neither limits nor a verdict.
    """
    check_known("comparison", [on], get_args(On))
    if not limits:
        if figures.verdict is None:
            raise AuditError(
                "only audits have a verdict that can decide without a limit; give a limit, such as --max auc=0.6"
            )
        of = figures.verdict
        return Passage((Judgement("verdict", of.gate, f"the verdict is {of.kind}: {of.summary}"),))
    judged = tuple(_held(figures.figure(limit.measure), limit, on) for limit in limits)
    own = (note for of in judged if of.figure is not None for note in of.figure.notes)
    several = _several(judged) if on == "interval" and len(judged) > 1 else ()
    cautions = figures.cautions({limit.measure: limit.most for limit in limits})
    return Passage(judged, cautions, tuple(dict.fromkeys((*own, *several))))


def _held(figure: Figure, limit: Limit, on: On) -> Judgement:
    low, high = (figure.low, figure.high) if on == "interval" else (figure.value, figure.value)
    outcome: Gate = "cannot-tell"
    if high is not None and high <= limit.most:
        outcome = "pass"
    elif low is not None and low > limit.most:
        outcome = "fail"
    undecided = outcome == "cannot-tell"
    needed = figure.more_to_decide(limit.most) if undecided else None
    sentence = _words(figure, limit, outcome, on)
    if undecided:
        sentence += f"; {_what_would_do(figure, needed)}"
    return Judgement(f"{limit.measure} at most {limit.most:g}", outcome, sentence, figure, limit, needed)


def _words(figure: Figure, limit: Limit, outcome: Gate, on: On) -> str:
    """Return the figure, its interval and how it lies to the limit."""
    most = limit.most
    subject = f"{figure.measure} of {figure.of}"
    if figure.value is None:
        return f"{subject} is not known, so this run cannot show whether it is above {most:g}"
    said = f"{subject} is {_apart(figure.value, most)}"
    if on == "interval":
        said += f" ({percent(figure.confidence)} interval {_ends(figure, most)})"
    return (
        said
        + {
            "pass": f", at most {most:g}",
            "fail": f", above {most:g}",
            "cannot-tell": f", so this run cannot show whether it is above {most:g}",
        }[outcome]
    )


def _ends(figure: Figure, most: float) -> str:
    low = _apart(figure.low, most)
    return f"{low} or more" if math.isinf(figure.high) else f"{low} to {_apart(figure.high, most)}"


def _apart(value: float, most: float) -> str:
    """Return a number with as many digits as show on which side of a limit it lies.

    Examples
    --------
    >>> _apart(0.60004, 0.6), _apart(0.6, 0.6), _apart(0.58, 0.6)
    ('0.60004', '0.600', '0.580')
    """
    digits = 3
    while digits < _MOST_DIGITS and (round(value, digits) > most) != (value > most):
        digits += 1
    return number(value, digits)


def _what_would_do(figure: Figure, needed: int | None) -> str:
    if figure.lacks:
        return figure.lacks
    if figure.repeated is None:
        return "repeating any part of this run would not decide it"
    noun = figure.repeated.noun
    if needed is None:
        return f"no number of {noun} up to {MOST_WORLDS:,} is known to be enough to decide it"
    return (
        f"about {needed:,} such {noun} would decide it in 80 % of runs, if the truth is this estimate and errors "
        "shrink with the square root of their number"
    )


def _several(judged: Sequence[Judgement]) -> tuple[str, ...]:
    """Say how sure several limits are together."""
    errors = sum(of.figure.error for of in judged if of.figure is not None)
    return (
        f"the intervals of {len(judged):,} limits are not widened for their number: where all limits hold, one is "
        f"called exceeded in at most {percent(round(errors, 6))} of runs; where any does not, all pass no more often "
        "than that one would alone",
    )
