"""Phrases that messages share."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any


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


def named_reason(error: BaseException) -> str:
    """Return the type of an error and all that it says, on one line.

    Examples
    --------
    >>> named_reason(ValueError("no such", "key"))
    "ValueError: ('no such', 'key')"
    """
    return " ".join(f"{type(error).__name__}: {error}".split())


def first_line(of: Any) -> str:
    """Return the first line of the docstring of a class or function, without the full stop; empty if it has none.

    Examples
    --------
    >>> first_line(first_line).partition(" of ")[0]
    'Return the first line'
    """
    return (inspect.getdoc(of) or "").partition("\n")[0].rstrip(".")
