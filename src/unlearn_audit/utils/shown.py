"""Texts of users as people see them: nothing hidden in a text moves, hides or reorders what stands around it."""

from __future__ import annotations

import re

_FIRST_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff"
_OVERRIDES = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u061c\u200e\u200f"
_RIGHT_TO_LEFT = (
    "\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"  # Hebrew to Adlam
)

_HIDDEN = re.compile(f"[{_CONTROLS}{_OVERRIDES}{_MARKS}\u200b\u2060]")
_HIDDEN_IN_CELLS = re.compile(f"[\t\n{_HIDDEN.pattern[1:]}")
_HIDDEN_IN_PAGES = re.compile(f"[{_CONTROLS}{_OVERRIDES}]")
_RUN = re.compile(f"[{_RIGHT_TO_LEFT}](?:[{_RIGHT_TO_LEFT}\\s\\W]*[{_RIGHT_TO_LEFT}])?")


def shown(text: str) -> str:
    r"""Return a text with each character that is not seen as an escape; new lines and tabs stay.

    Those are control characters, which can erase what a terminal shows, and what changes the direction of writing.

    Examples
    --------
    >>> print(shown("pay\u202e\x1b[2J"))
    pay\u202e\u001b[2J
    """
    return _HIDDEN.sub(escape, text)


def hidden(text: str) -> str:
    r"""Return a text with each character that is not seen as an escape, new lines and tabs too.

    Examples
    --------
    >>> print(hidden("Ada\tL.\u202e"))
    Ada\u0009L.\u202e
    """
    return _HIDDEN_IN_CELLS.sub(escape, text)


def isolated(text: str) -> str:
    r"""Return a text for a page: what is written from right to left cannot reorder what stands around it.

    Each run of right-to-left letters and marks is put between a first strong isolate and its end, so that the figure
    after a name stays after it; characters that override directions are shown as escapes.

    Examples
    --------
    >>> ascii(isolated("\u05d0\u05d1 0.53")), isolated("Adult")
    ("'\\u2068\\u05d0\\u05d1\\u2069 0.53'", 'Adult')
    """
    if text.isascii() and text.isprintable():
        return text
    return _RUN.sub(rf"{_FIRST_ISOLATE}\g<0>{_END_OF_ISOLATE}", _HIDDEN_IN_PAGES.sub(escape, text))


def escape(found: re.Match[str]) -> str:
    r"""Return a character as ``\uXXXX``, as two of them beyond the first plane: so JSON writes it as well."""
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
