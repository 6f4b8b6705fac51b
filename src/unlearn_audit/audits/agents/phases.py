"""The phases of an audit of an agent: when it is asked, and what it was given and told to delete by then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Phase:
    """A moment at which an agent is asked.

    Attributes
    ----------
    name
        One of `MOMENTS`.
    memory
        Whether its memory is switched on.
    """

    name: str
    memory: bool = True

    @property
    def label(self) -> str:
        """What tables call it."""
        return MOMENTS[self.name] + ("" if self.memory else ", memory off")

    @property
    def key(self) -> str:
        """What files call it."""
        return self.name if self.memory else f"{self.name}-memory-off"


MOMENTS = {
    "empty": "nothing ingested",
    "retrained": "never ingested (reference agent)",
    "before": "before deletion",
    "after": "after deletion",
    "cycled": "after consolidation",
    "reingested": "after re-ingesting derived documents",
}
"""Name to words, in the order of an audit."""

JUDGED = ("after", "cycled")
"""Moments at which nothing of the deleted should be found."""

BOTH = (True, False)
"""With memory, and without it where the agent can switch it off."""
