"""Phrases in the errors of every reader of files."""

from __future__ import annotations

from collections.abc import Iterable


def shortened(names: Iterable[str], limit: int = 8) -> str:
    """Return names as one list, cut after ``limit``.

    Examples
    --------
    >>> shortened(["age", "job", "pay"], limit=2)
    'age, job and 1 more'
    """
    listed = list(names)
    head = ", ".join(listed[:limit])
    return head if len(listed) <= limit else f"{head} and {len(listed) - limit:,} more"


def reason(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200]
