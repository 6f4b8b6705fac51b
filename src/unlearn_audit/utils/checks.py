"""How checks of other people's code end: with the first thing that does not hold."""

from __future__ import annotations

from collections.abc import Iterable

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import foreign


def raise_first(who: str, problems: Iterable[str], tried_on: str) -> None:
    """Raise the first problem, if there is one, or whatever the code raised while it was tried.

    Parameters
    ----------
    who
        What is checked: the sentence starts with it.
    problems
        What is wrong, each as the rest of a sentence; the code under check runs as they are drawn.
    tried_on
        What it was tried on.

    Raises
    ------
    AuditError
        If there is a problem, or the code raised an error.

    Examples
    --------
    >>> raise_first("attack mine", iter(()), "a made-up table")
    >>> raise_first("attack mine", iter(["scores nobody"]), "a made-up table")
    Traceback (most recent call last):
    unlearn_audit.errors.AuditError: attack mine scores nobody
    """
    with foreign(f"{who} fails on {tried_on} (", ")"):
        problem = next(iter(problems), None)
    if problem is not None:
        raise AuditError(f"{who} {problem}")
