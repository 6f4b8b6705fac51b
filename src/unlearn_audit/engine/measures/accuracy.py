"""How accurate the unlearned model is on what it was to forget, on what it keeps, and on records it never saw."""

from __future__ import annotations

from unlearn_audit.engine.measures.base import Measure, Pair, figures_of


class Accuracy(Measure):
    """``accuracy.forget``, ``accuracy.retain`` and ``accuracy.test``; the same of the retrained model is the mark."""

    def of_pair(self, pair: Pair) -> dict[str, float]:
        """Return the figures of a pair."""
        return {
            f"accuracy.{role}": figures_of(answers, pair.records[role].labels, pair.unlearned.data)["accuracy"]
            for role, answers in pair.answers.items()
        }
