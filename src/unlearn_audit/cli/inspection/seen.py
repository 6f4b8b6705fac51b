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
        What is wrong with it, or has to be said before it is read.
    flags
        Options that it needs, each as one word.
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
    flags: list[str] = field(default_factory=list)
    partly: str | None = None
    table: Any = None

    @property
    def lines(self) -> list[str]:
        """All of it, as lines to print."""
        found = [f"{self.file}: {self.kind}"]
        found += [f"  {name}: {_words(value)}" for name, value in self.facts.items()]
        found += [f"  read so: {note}" for note in self.notes]
        found += [f"  read in part: {self.partly}"] * bool(self.partly)
        return found + [f"  problem: {problem}" for problem in self.problems]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(of)}" for name, of in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
