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
    if found.null:
        anew = "Each value was rewritten unchanged, so there is no value to find"
        if seen:
            return (
                f"{anew}. Still above guessing, each by its own interval: {'; '.join(seen)}. This is chance, or shows "
                "that records were rewritten."
            )
        return f"{anew}, and no figure is above guessing: the check passed."
    if seen:
        return f"The two versions tell more than guessing does, each by its own interval: {'; '.join(seen)}."
    return "No leak was found at the precision of this run, which does not show that there is none."


def asked(found: Rectification) -> str:
    """Return what was done, in a sentence."""
    if found.null:
        what, now = "records rewritten unchanged", "none of which it has"
    else:
        what, now = "corrections of one value", "one of which it now has"
    return (
        f"{found.corrections:,} {what}; the attacker knows the original record and another value of each of "
        f"{found.columns:,} columns, {now}, and queries both versions about all of them; {found.unchanged:,} records "
        "that were not changed are queried in the same way."
    )


def still(found: Rectification) -> str:
    """Return how often no answer moved, in a sentence."""
    if found.null:
        what, where = "records rewritten", "the value it has nor at the other one"
    else:
        what, where = "corrections", "the old value nor at the new one"
    return f"At {found.still:.1%} of the {what} no answer moved, at {where}."


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
        f"{still(found)} Regime {found.regime}.",
        *(["", "## Notes", "", *notes] if notes else []),
    ]
    return "\n".join(lines) + "\n"
