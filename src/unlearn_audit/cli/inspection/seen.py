"""What was seen of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "posteriors of both versions",
    "posteriors of one version",
    "table of records",
    "list of ids",
    "run folder",
    "findings of a run",
    "a file that is not read",
    "unknown",
]


@dataclass
class Seen:
    """What was seen of a file or folder.

    Attributes
    ----------
    file
        Its path, as given.
    kind
        What it is.
    facts
        What is known of it, by name, in words or numbers.
    notes
        How it was read where it is not of the plain form.
    problems
        Why it can't be read.
    checks
        What was guessed, and may be wrong.
    suggestions
        Options that may be meant, and why.
    flags
        Options that it needs besides those given, each with its value.
    version
        Which version it holds, where the options given say so.
    partly
        What of a large file was read, in words; None if all.
    table
        What was read, for the choice of a command.
    """

    file: str
    kind: Kind
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    version: Literal["before", "after"] | None = None
    partly: str | None = None
    table: Any = None

    @property
    def lines(self) -> list[str]:
        """All of it, as lines to print."""
        found = [f"{self.file}: {self.kind}"]
        found += [f"  {name}: {_words(value)}" for name, value in self.facts.items()]
        found += [f"  read as follows: {note}" for note in self.notes]
        found += [f"  read in part: {self.partly}"] * bool(self.partly)
        found += [f"  check: {check}" for check in self.checks]
        found += [f"  maybe: {suggestion}" for suggestion in self.suggestions]
        return found + [f"  problem: {problem}" for problem in self.problems]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(of)}" for name, of in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
