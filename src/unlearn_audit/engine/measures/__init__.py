"""What is measured of each pair besides its answers: did it forget, at what price? One file a measure."""

from __future__ import annotations

from collections.abc import Iterable

from unlearn_audit.engine.measures.accuracy import Accuracy
from unlearn_audit.engine.measures.base import ORIGINAL, Measure, Pair, Took
from unlearn_audit.engine.measures.certified import Certified
from unlearn_audit.engine.measures.cost import Cost
from unlearn_audit.engine.measures.measuring import Measuring, are_measured, table_of_measures
from unlearn_audit.engine.measures.moved import Moved
from unlearn_audit.engine.measures.per_instance import PerInstance
from unlearn_audit.engine.measures.quantisation import Quantisation
from unlearn_audit.engine.measures.relearning import Relearning

MEASURES: dict[str, Measure] = {
    "accuracy": Accuracy(),
    "cost": Cost(),
    "moved": Moved(),
    "certified": Certified(),
    "relearning": Relearning(),
    "quantisation": Quantisation(),
    "per-instance-loss": PerInstance(),
}
"""Every measure by name; a new one is one file and one line here."""

USUAL = ("accuracy", "cost", "moved", "certified")
"""What is measured in every audit of a method other than retraining."""


def measures_of(names: Iterable[str]) -> dict[str, Measure]:
    """Return the measures of some names, each once."""
    return {name: MEASURES[name] for name in dict.fromkeys(names)}


__all__ = [
    "MEASURES",
    "ORIGINAL",
    "USUAL",
    "Measure",
    "Measuring",
    "Pair",
    "Took",
    "are_measured",
    "measures_of",
    "table_of_measures",
]
