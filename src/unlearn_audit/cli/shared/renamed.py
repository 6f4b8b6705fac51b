"""Flags and keys that were renamed: the old name still works, is in no help, and prints a note."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from unlearn_audit.utils.deprecations import deprecation
from unlearn_audit.utils.streams import say

_UNIT = {"unit": "person"}

RENAMED: Mapping[str, Mapping[str, str]] = {
    "release": {"subject": "person", "fail-if-told": "fail-if-identified"},
    "plan-release": {"subject": "person"},
    **dict.fromkeys(("run", "plan", "name", "reconstruct", "rectify"), _UNIT),
}
"""By command, the old name of a flag and the new one, both without dashes."""


def current_names(command: str) -> Callable[[str], str]:
    """Return what gives the current name of each flag of a command."""
    renamed = RENAMED.get(command, {})

    def current(flag: str) -> str:
        if flag in renamed:
            say(f"Note: {deprecation(f'--{flag}', f'--{renamed[flag]}')}", error=True)
        return renamed.get(flag, flag)

    return current


@contextmanager
def deprecations_noted() -> Iterator[None]:
    """Print what is deprecated in a configuration file as notes, which Python itself would not show."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecationWarning)
        yield
    for warning in caught:
        say(f"Note: {warning.message}", error=True)
