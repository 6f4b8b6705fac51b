"""Flags that were renamed: the old name still works, is in no help, and prints a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

RENAMED: Mapping[str, Mapping[str, str]] = {
    "release": {"subject": "person", "fail-if-told": "fail-if-identified"},
    "plan-release": {"subject": "person"},
}
"""By command, the old name of a flag and the new one, both without dashes."""


def current_names(command: str) -> Callable[[str], str]:
    """Return what gives the current name of each flag of a command."""
    renamed = RENAMED.get(command, {})

    def current(flag: str) -> str:
        if flag in renamed:
            typer.echo(f"Note: --{flag} is deprecated; use --{renamed[flag]}.", err=True)
        return renamed.get(flag, flag)

    return current
