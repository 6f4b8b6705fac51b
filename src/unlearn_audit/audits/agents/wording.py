"""Words that the pages and the terminal share."""

from __future__ import annotations

from unlearn_audit.audits.agents.traces import Trace
from unlearn_audit.report.wording import percent


def counted(hits: int, cases: int) -> str:
    """Return how many of how many, as it is said before a noun or a verb.

    Examples
    --------
    >>> counted(16, 16), counted(0, 16), counted(4, 16)
    ('all 16', 'none of the 16', '4 of the 16')
    >>> counted(2, 2), counted(1, 1), counted(0, 1), counted(0, 0)
    ('both', 'the only one', 'not the only one', 'none')
    """
    if not cases:
        return "none"
    if hits == cases:
        return {1: "the only one", 2: "both"}.get(cases, f"all {cases:,}")
    if cases == 1:
        return "not the only one"
    return f"{hits:,} of the {cases:,}" if hits else f"none of the {cases:,}"


def of_trace(trace: Trace) -> str:
    """Return a sentence about what tells the deleted from others.

    Examples
    --------
    >>> of_trace(Trace("refusals", "answers that refuse, a share", 0.8, 0.0, 0.001))
    'The deleted can be told by refusals: 80 % for them, 0 % for people never ingested (answers that refuse, a share).'
    """
    figures = [
        percent(round(value, 3)) if "share" in trace.about else f"{value:.3g}" for value in (trace.deleted, trace.never)
    ]
    return (
        f"The deleted can be told by {trace.name}: {figures[0]} for them, {figures[1]} for people never ingested "
        f"({trace.about})."
    )
