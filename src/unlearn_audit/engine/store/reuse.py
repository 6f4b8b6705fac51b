"""When stored work may stand in for new work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unlearn_audit.config import ReuseName
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.models.source import ModelSource
from unlearn_audit.utils.notes import Caution


@dataclass
class Reuse:
    """What one run may take from the store; what it made itself it may always take.

    Attributes
    ----------
    policy
        ``never``; ``mine``: where everything that decides the work is in its key; or ``always``.
    made
        Keys of what this run made.
    remade
        Keys of what the store held damaged, as an earlier version kept it, or without all that is to be measured, so
        that this run made it again.
    """

    policy: ReuseName = "mine"
    made: set[str] = field(default_factory=set)
    remade: set[str] = field(default_factory=set)

    def refusal(self, source: ModelSource) -> str | None:
        """Say why stored work of a model is not reused; None if it is."""
        if self.policy == "never":
            return "reuse is set to never"
        return cannot_tell(source) if source.unknown and self.policy == "mine" else None

    def allows(self, source: ModelSource, document: Mapping[str, Any]) -> bool:
        """Return whether what is stored for a document may be taken."""
        return self.refusal(source) is None or digest(document) in self.made

    def notes(self, sources: Iterable[ModelSource]) -> tuple[str, ...]:
        """Say for which models it is unknown whether they changed, and what that means for this run."""
        consequence = {
            "never": "nothing stored was reused",
            "mine": "nothing stored was reused; every run trains it again, unless reuse is set to always",
            "always": "stored worlds were reused anyway, as the configuration asks (reuse: always)",
        }[self.policy]
        return tuple(
            map(Caution, dict.fromkeys(f"{cannot_tell(source)}; {consequence}" for source in sources if source.unknown))
        )


def cannot_tell(source: ModelSource) -> str:
    """Say what of a model cannot be followed.

    Examples
    --------
    >>> cannot_tell(ModelSource("m:make", print, unknown=("Noisy.fit in m uses open", "make in m uses os.getenv")))
    "can't tell whether model m:make changed: Noisy.fit in m uses open, and make in m uses os.getenv"
    """
    shown = source.unknown[:_MOST]
    more = len(source.unknown) - len(shown)
    reasons = [*shown, *([f"{more:,} more of the kind"] if more else [])]
    return f"can't tell whether model {source.name} changed: {', and '.join(reasons)}"


_MOST = 3
"""How many reasons are given."""
