"""What a rectification shows, as a short page of Markdown and in words."""

from __future__ import annotations

from unlearn_audit.audits.rectification.run import Rectification
from unlearn_audit.metrics import Estimate


def interval(of: Estimate) -> str:
    """Return a figure with its interval.

    Examples
    --------
    >>> interval(Estimate(0.5, 0.25, 0.75))
    '0.500 (0.250 to 0.750)'
    """
    return f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})"


def verdict(found: Rectification) -> str:
    """Return what the figures show, in one or two sentences."""
    seen = [words.partition(",")[0] for words, of, chance in found.figures() if of.low > chance]
    if seen:
        said = f"The two versions tell more than guessing does, each by its own interval: {'; '.join(seen)}."
    else:
        said = "Nothing was seen at the precision of this run, which does not show that there is nothing."
    if found.null:
        return f"Each value was written anew as it was, so that there is nothing to tell. {said}"
    return said


def asked(found: Rectification) -> str:
    """Return what was done, in a sentence."""
    return (
        f"{found.corrections:,} corrections of one value; the attacker knows the record as it was and another value of "
        f"each of {found.columns:,} columns, one of which it now has, and asks both versions about all of them; "
        f"{found.unchanged:,} records that stayed as they were are asked about alike."
    )


def markdown(found: Rectification, dataset: str, model: str) -> str:
    """Return the page."""
    rows = [f"| {words} | {interval(of)} | {chance:.3f} |" for words, of, chance in found.figures()]
    notes = [f"- {note}" for note in (*found.notes, *([found.regime_note] if found.regime_note else []))]
    lines = [
        f"# Corrected values: {dataset}, {model}",
        "",
        verdict(found),
        "",
        asked(found),
        "",
        "| figure | value (95 % interval over worlds and records) | guessing |",
        "|---|---|---|",
        *rows,
        "",
        f"At {found.still:.1%} of the corrections no answer moved, at the old value nor at the new one. Regime "
        f"{found.regime}.",
        *(["", "## Notes", "", *notes] if notes else []),
    ]
    return "\n".join(lines) + "\n"
