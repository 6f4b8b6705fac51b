"""Help where a name is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches

from unlearn_audit.errors import AuditError

_LONGEST = 200
_APART = 0.15
"""How much less alike than the best a further name may be."""


def advice(name: str, known: Iterable[str]) -> str:
    """Return which names one is probably meant to be, or else which there are.

    Examples
    --------
    >>> advice("fixd", ["fixed", "fresh"]), advice("zzz", ["fixed", "fresh"])
    ('did you mean fixed?', 'use one of fixed, fresh')
    >>> advice("deletion", ["deletions", "execution"])
    'did you mean deletions?'
    """
    known = list(known)
    return guess(name, known) or f"use one of {', '.join(known)}"


def guess(name: str, known: Sequence[str]) -> str:
    """Return which names one is probably meant to be; an empty text if none.

    Examples
    --------
    >>> guess("fixd", ["fixed", "fresh"]), guess("zzz", ["fixed", "fresh"])
    ('did you mean fixed?', '')
    """
    # it takes the square of the length, and nobody mistypes a name of that many letters
    close = get_close_matches(name, known) if len(name) <= _LONGEST else []
    ratios = [SequenceMatcher(None, name, of).ratio() for of in close]
    close = [of for of, ratio in zip(close, ratios, strict=True) if of.startswith(name) or ratio > ratios[0] - _APART]
    return f"did you mean {' or '.join(close)}?" if close else ""


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise for the first of some names that is not known, with the names it is probably meant to be.

    Examples
    --------
    >>> check_known("attack", ["pair-scal"], ["pair-scale", "lira"])
    Traceback (most recent call last):
    unlearn_audit.errors.AuditError: unknown attack 'pair-scal'; did you mean pair-scale?
    >>> check_known("attack", ["zzz"], ["pair-scale", "lira"])
    Traceback (most recent call last):
    unlearn_audit.errors.AuditError: unknown attack 'zzz'; use one of pair-scale, lira
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise AuditError(f"unknown {what} {name!r}; {advice(name, known)}")
