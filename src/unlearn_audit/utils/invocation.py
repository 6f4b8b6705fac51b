"""The command that this process runs, as a file that it writes may quote it: without ids of records or people."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from os.path import isfile

OF_IDS = ("--deleted", "--reference", "--ids")
"""Options whose value may be ids themselves."""

LEFT_OUT = "(ids)"
"""Stands in place of ids."""

HIDDEN = "(left out)"
"""Stands in place of what may be a key."""

_ADDRESS = re.compile(r"(https?://[^\s?]*)\?.*", re.DOTALL | re.IGNORECASE)

_invocation: ContextVar[str | None] = ContextVar("invocation", default=None)


@contextmanager
def invoked(arguments: Sequence[str]) -> Iterator[None]:
    """Let `invocation` quote a command while the block runs, given the arguments of ``unlearn-audit``."""
    before = _invocation.set(shlex.join(["unlearn-audit", *without_ids(arguments)]))
    try:
        yield
    finally:
        _invocation.reset(before)


def invocation() -> str | None:
    """Return the command line; None where the package was called from Python."""
    return _invocation.get()


def without_ids(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which ids are replaced, and what follows an address's ``?``; the names of files stay.

    Examples
    --------
    >>> without_ids(["release", "a.csv", "--deleted", "17,80", "--reference=4", "--seed", "1"])
    ['release', 'a.csv', '--deleted', '(ids)', '--reference=(ids)', '--seed', '1']
    >>> without_ids(["query", "--before=https://host/v1?key=abc"])
    ['query', '--before=https://host/v1?(left out)']
    """
    kept: list[str] = []
    for argument in (_ADDRESS.sub(rf"\1?{HIDDEN}", argument) for argument in arguments):
        name, equals, value = argument.partition("=")
        if kept and kept[-1] in OF_IDS and not isfile(argument):
            kept.append(LEFT_OUT)
        elif equals and name in OF_IDS and not isfile(value):
            kept.append(f"{name}={LEFT_OUT}")
        else:
            kept.append(argument)
    return kept
