"""Claims of the paper, decided by intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from unlearn_audit.findings.result import Result, on_most_rows
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics.intervals import Estimate, difference_of_intervals
from unlearn_audit.reproduce.grid import Cell

Outcome = Literal["holds", "does not hold", "differs by less than 0.05", "too little data to say"]

NEGLIGIBLE = 0.05
"""A difference of AUCs below this is too small to matter, if an interval shows that it is."""


@dataclass(frozen=True)
class Measured:
    """A cell and what its audit found."""

    cell: Cell
    findings: Findings
    seconds: float

    def best(
        self,
        names: Sequence[str] | None = None,
        *,
        game: str | None = None,
        view: str | None = None,
        defense: str = "none",
        adaptive: bool = True,
    ) -> Result:
        """Return the attack that did best on shadow worlds among those asked for, on all rows.

        Without ``names`` and ``view``, the attacks on both versions compete.
        """
        game = game or self.findings.selected.game
        found = [
            r
            for r in self.findings.results
            if r.game == game
            and (r.defense, r.adaptive) == (defense, adaptive)
            and (r.attack in names if names else r.view == view if view else r.sees_versions)
        ]
        return max(on_most_rows(found), key=lambda r: r.shadow_auc or 0.0)


@dataclass(frozen=True)
class Decision:
    """What became of one claim in one place of the grid.

    Attributes
    ----------
    claim
        What the paper says.
    where
        The cells it was decided on.
    outcome
        Holds, does not hold, shown to make less than `NEGLIGIBLE` of a difference, or too little data to say.
    measured
        The figures that decided it.
    """

    claim: str
    where: str
    outcome: Outcome
    measured: str


def decide(
    claim: str, where: str, estimate: Estimate, *, above: float | None = None, below: float | None = None
) -> Decision:
    """Decide whether an interval lies above (or below) a bound, or so close around it that either hardly matters.

    Examples
    --------
    >>> decide("a leak", "adult", Estimate(0.3, 0.2, 0.4), above=0).outcome
    'holds'
    >>> decide("a leak", "adult", Estimate(0.1, -0.1, 0.3), above=0).outcome
    'too little data to say'
    >>> decide("a leak", "adult", Estimate(0.01, -0.01, 0.03), above=0).outcome
    'differs by less than 0.05'
    """
    low, high = estimate.low, estimate.high
    if above is not None:
        bound, holds, fails = above, low > above, high <= above
    elif below is not None:
        bound, holds, fails = below, high < below, low >= below
    else:
        raise ValueError("a claim needs a bound: above or below")
    close = bound - NEGLIGIBLE < low and high < bound + NEGLIGIBLE
    outcome: Outcome = "too little data to say"
    if holds or fails:
        outcome = "holds" if holds else "does not hold"
    elif close:
        outcome = "differs by less than 0.05"
    return Decision(claim, where, outcome, f"{estimate.value:+.3f} ({low:+.3f} to {high:+.3f})")


def auc(result: Result) -> Estimate:
    """Return the AUC of a result with its interval."""
    return Estimate(result.auc, *result.auc_ci)


def gain(result: Result) -> Estimate:
    """Return the AUC beyond the classical attack's, paired, with its interval."""
    if result.auc_minus_classical is None or result.auc_minus_classical_ci is None:
        raise ValueError(f"{result.attack} has no classical baseline")
    return Estimate(result.auc_minus_classical, *result.auc_minus_classical_ci)


def difference(first: Result, second: Result, of: Callable[[Result], Estimate] = auc) -> Estimate:
    """Return how much larger a figure is in one result than in another, their errors taken as independent.

    Cells that share worlds are usually positively correlated, and the interval then wider than it need be.
    """
    return difference_of_intervals(of(first), of(second))


def each_beats_classical(claim: str, cells: Iterable[Measured]) -> list[Decision]:
    """Decide for every cell whether two models give away more than the original alone.

    It holds where the attack on both is better than guessing and better than the strongest classical attack.
    """
    decisions = []
    for m in cells:
        better = decide(claim, m.cell.name, gain(m.best()), above=0.0)
        shown = decide(claim, m.cell.name, auc(m.best()), above=0.5)
        outcomes = {better.outcome, shown.outcome}
        outcome: Outcome = "too little data to say"
        if outcomes == {"holds"}:
            outcome = "holds"
        elif "does not hold" in outcomes:
            outcome = "does not hold"
        elif "differs by less than 0.05" in outcomes:
            outcome = "differs by less than 0.05"
        measured = f"AUC {m.best().auc:.3f}, beyond the classical {better.measured}"
        decisions.append(Decision(claim, m.cell.name, outcome, measured))
    return decisions


def near(claim: str, where: str, estimates: Sequence[Estimate], within: float) -> Decision:
    """Decide whether one of some differences is surely smaller than ``within`` either way.

    Examples
    --------
    >>> near("as good as guessing", "adult", [Estimate(0.3, 0.2, 0.4), Estimate(0.01, -0.02, 0.04)], 0.05).outcome
    'holds'
    """
    inside = any(-within < e.low and e.high < within for e in estimates)
    outside = all(e.low >= within or e.high <= -within for e in estimates)
    outcome: Outcome = "holds" if inside else "does not hold" if outside else "too little data to say"
    return Decision(
        claim, where, outcome, "; ".join(f"{e.value:+.3f} ({e.low:+.3f} to {e.high:+.3f})" for e in estimates)
    )


def tally(decisions: Sequence[Decision]) -> str:
    """Return how often a claim held, in words.

    Examples
    --------
    >>> tally([Decision("c", "a", "holds", ""), Decision("c", "b", "too little data to say", "")])
    'holds in 1 of 2, too little data to say in 1'
    """
    counts = Counter(d.outcome for d in decisions)
    others: tuple[Outcome, ...] = ("does not hold", "differs by less than 0.05", "too little data to say")
    parts = [f"{name} in {counts[name]}" for name in others if counts[name]]
    return ", ".join([f"holds in {counts['holds']} of {len(decisions)}", *parts])
