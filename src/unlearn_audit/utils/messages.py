"""Phrases that messages share."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from unlearn_audit.utils.shown import shown


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


def in_one_line(text: str, most: int = 300) -> str:
    r"""Return a text on one line, with what is not seen as escapes, and its start alone where it is long.

    Examples
    --------
    >>> print(in_one_line("two\n lines\u202e"), in_one_line("a long name", 6))
    two lines\u202e a lon…
    """
    text = shown(" ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


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
