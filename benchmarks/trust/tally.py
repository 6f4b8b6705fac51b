"""What a part of the harness tried, and what failed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """Trials of one kind.

    Attributes
    ----------
    name
        What was tried.
    tried
        How often.
    failed
        A sentence for each trial that failed.
    """

    name: str
    tried: int = 0
    failed: list[str] = field(default_factory=list)
