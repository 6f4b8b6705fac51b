"""What a defence changes: the attack that does best against it alongside the one without, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.findings.result import Result, on_most_rows
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import DefenseCost
from unlearn_audit.report.people import InPeople, in_people
from unlearn_audit.report.wording import interval, number


@dataclass(frozen=True)
class Defended:
    """One release: undefended, or under one defence.

    Attributes
    ----------
    name
        Its text; ``none`` without one.
    best
        Of the attacks on both versions by an attacker who knows the defence, the one that did best on shadow worlds.
    people
        What that means for people; None where it was not measured.
    cost
        Quality of what is released; None where labels are not known.
    lower
        Whether the whole interval of its AUC lies below that without a defence.
    """

    name: str
    best: Result
    people: InPeople | None
    cost: DefenseCost | None
    lower: bool = False

    @property
    def words(self) -> str:
        """Its name for people."""
        return "no defence" if self.name == UNDEFENDED else self.name


def best_under(findings: Findings, defense: str) -> Result | None:
    """Return the attack on both versions that does best on shadow worlds under a defence; None if there is none."""
    game = findings.selected.game
    of_release = [
        r
        for r in findings.results
        if (r.defense, r.adaptive, r.game) == (defense, True, game) and (r.sees_versions or r.view == "labels")
    ]
    return max(on_most_rows(of_release), key=lambda r: r.shadow_auc or 0.0) if of_release else None


def defended(findings: Findings) -> tuple[Defended, ...]:
    """Return the releases that were measured, the undefended one first; empty where no defence was."""
    names = dict.fromkeys((UNDEFENDED, *(r.defense for r in findings.results)))
    costs = {of.defense: of for of in findings.released}
    best = {name: found for name in names if (found := best_under(findings, name)) is not None}
    if not best.keys() - {UNDEFENDED}:
        return ()
    without = best.get(UNDEFENDED)
    return tuple(
        Defended(
            name,
            found,
            in_people(found),
            costs.get(name),
            lower=without is not None and found.auc_ci[1] < without.auc_ci[0],
        )
        for name, found in best.items()
    )


def defence_words(rows: tuple[Defended, ...]) -> list[str]:
    """Return what the defences change, in sentences: by an interval that lies below, or that this is not shown."""
    without = next((row for row in rows if row.name == UNDEFENDED), None)
    tried = [row for row in rows if row.name != UNDEFENDED]
    lower = [row for row in tried if row.lower]
    sentences = [
        f"Under {row.words} the best attack reaches an AUC of {number(row.best.auc)} ({interval(row.best.auc_ci)})"
        + ("" if without is None else f" instead of {number(without.best.auc)}")
        + _accuracy(row, without)
        for row in lower
    ]
    others = [row.words for row in tried if not row.lower]
    if others and without is not None:
        sentences.append(f"Not shown to lower the risk: {', '.join(others)}.")
    return sentences


def _accuracy(row: Defended, without: Defended | None) -> str:
    if row.cost is None:
        return "."
    before = "" if without is None or without.cost is None else f", {number(without.cost.accuracy)} without it"
    return f"; the accuracy of what is released is {number(row.cost.accuracy)}{before}."
