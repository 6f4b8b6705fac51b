"""What defences on outputs change."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.reproduce.claims import Decision, Measured, auc, decide, difference, gain, near
from unlearn_audit.reproduce.experiments.base import TREE_AND_LOGISTIC, Experiment
from unlearn_audit.reproduce.grid import Cell, Scale

TRIED = (
    "top-k:1",
    "top-k:2",
    "top-k:3",
    "label-only",
    "temperature:10",
    "temperature:10+rounding:4",
    "rounding:3",
    "rounding:2",
)


def _defenses(scale: Scale) -> list[Cell]:
    # two classes leave top-k nothing to choose: the dataset with the most classes, and the first where it works
    cells = []
    for data in scale.datasets[:2]:
        few = data in ("adult", "us-accidents", "breast-cancer")
        tried = tuple(d for d in TRIED if not (few and d.startswith("top-k:") and d != "top-k:1"))
        for model in TREE_AND_LOGISTIC:
            cells.append(Cell({"dataset": data, "model": model}, scale.audit(data, model, defenses=tried)))
    return cells


def _defenses_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for m in cells:
        plain = m.best()
        for text in m.cell.config.defenses:
            found = m.best(defense=text)
            where = f"{m.cell.name}, {text}"
            if text.startswith("top-k"):
                claim = "top-k does not help: still better than the classical attack"
                decisions.append(decide(claim, where, gain(found), above=0.0))
            else:
                estimate = difference(found, plain)
                decisions.append(decide(f"{_spoken(text)} lowers the leak", where, estimate, below=0.0))
            if text == "label-only":
                claim = "label-only leaves an AUC within 0.05 of guessing or of the classical attack"
                above = auc(found)
                guessing = Estimate(above.value - 0.5, above.low - 0.5, above.high - 0.5)
                decisions.append(near(claim, where, [guessing, gain(found)], within=0.05))
    return decisions


def _spoken(defense: str) -> str:
    """Return the kinds of a defence in words, without their parameters."""
    return " then ".join(part.partition(":")[0] for part in defense.split("+"))


DEFENSES = Experiment(
    name="defences",
    title="Defences on outputs",
    claim="label-only and temperature scaling mitigate the attack, top-k does not",
    values="2 datasets x 2 models x top-k, label-only, temperature, rounding; with and without an adapting attacker",
    grid=_defenses,
    decide=_defenses_claims,
)
