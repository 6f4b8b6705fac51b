"""Counts of facts in words."""

from __future__ import annotations


def counted(hits: int, cases: int) -> str:
    """Return how many of some facts, as it stands in a sentence.

    Examples
    --------
    >>> counted(16, 16), counted(0, 16), counted(4, 16), counted(1, 1), counted(0, 1), counted(0, 0)
    ('all 16', 'none of the 16', '4 of the 16', 'the only one', 'not the only one', 'none')
    """
    if not cases:
        return "none"
    if cases == 1:
        return "the only one" if hits else "not the only one"
    return f"all {cases:,}" if hits == cases else f"none of the {cases:,}" if not hits else f"{hits:,} of the {cases:,}"
