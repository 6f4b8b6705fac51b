"""What unlearning takes: time and memory, compared with those of the original's training."""

from __future__ import annotations

from dataclasses import replace

from unlearn_audit.engine.measures.base import ORIGINAL, Measure, Took, Value


class Cost(Measure):
    """``seconds``, ``cpu_seconds`` and ``peak_memory`` of each pair, and of the original.

    Many requests may be met at once, so each pair is given an equal share of the time that all of its world took, and
    the most memory that any of them took. Programs that they start and await count too. Other than all other figures,
    these differ from run to run.
    """

    def of_world(self, learned: Took | None, unlearned: Took, pairs: int) -> list[Value]:
        """Return the figures of a world."""
        cpu = unlearned.cpu_seconds
        share = replace(unlearned, seconds=unlearned.seconds / pairs, cpu_seconds=None if cpu is None else cpu / pairs)
        of_original = {} if learned is None else learned.figures
        return [
            *((ORIGINAL, name, value) for name, value in of_original.items()),
            *((pair, name, value) for pair in range(pairs) for name, value in share.figures.items()),
        ]
