"""The chart of all attacks, and that of defences: a line each, in words and marks that no screen cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from unlearn_audit.findings.result import Result, is_selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.defences import Defended
from unlearn_audit.report.marks import axis, scale_from, strip
from unlearn_audit.report.wording import NOT_GIVEN, attack_words, interval, number

MOST = 8
"""Attacks that the chart shows; the rest are folded."""


@dataclass(frozen=True)
class Strip:
    """One attack: its names, figures and mark."""

    attack: str
    model: str
    auc: str
    ends: str
    strip: Markup
    leading: bool


@dataclass(frozen=True)
class Strips:
    """The chart: the numbers of its line, the best attacks, and the rest."""

    axis: Markup
    best: tuple[Strip, ...]
    rest: tuple[Strip, ...]


def attack_strips(findings: Findings) -> Strips:
    """Return the attacks of the leading one's game, rows and defence.

    The leading one comes first, then those with the highest AUC; the best on the original alone is among the first
    `MOST`, for comparison.
    """
    leading = findings.leading()
    family = (leading.game, leading.rows, leading.defense, leading.adaptive)
    results = [r for r in findings.results if (r.game, r.rows, r.defense, r.adaptive) == family]
    results.sort(key=lambda r: (not is_selected(r, findings.selected), -r.auc))
    best, rest = results[:MOST], results[MOST:]
    classical = next((r for r in rest if r.is_classical), None)
    if classical is not None and not any(r.is_classical for r in best):
        rest = [best.pop(), *(r for r in rest if r is not classical)]
        best.append(classical)
    start = scale_from([r.auc_ci for r in results])
    return Strips(axis(start), *(tuple(_strip(r, findings, start) for r in of) for of in (best, rest)))


def _strip(result: Result, findings: Findings, start: float) -> Strip:
    leads = is_selected(result, findings.selected)
    kind = "classical" if result.is_classical else "leading" if leads else "pair"
    alone = " (original alone)" if result.is_classical else ""
    return Strip(
        result.attack,
        f"{result.attack_model or 'no attack model'}{alone}",
        number(result.auc),
        interval(result.auc_ci),
        strip(result.auc, result.auc_ci, kind, start),
        leads,
    )


@dataclass(frozen=True)
class Release:
    """One release in the chart of defences."""

    of: Defended
    attack: str
    strip: Markup
    auc: str
    ends: str
    found: str
    found_ends: str
    accuracy: str


def release_strips(releases: Sequence[Defended]) -> tuple[Markup, tuple[Release, ...]]:
    """Return the numbers of the chart's line, and a row for each release."""
    if not releases:
        return Markup(), ()
    start = scale_from([row.best.auc_ci for row in releases])
    return axis(start), tuple(_release(row, start) for row in releases)


def _release(row: Defended, start: float) -> Release:
    people, best = row.people, row.best
    return Release(
        of=row,
        attack=attack_words(best.attack, best.attack_model),
        strip=strip(best.auc, best.auc_ci, "pair" if row.lower else "leading", start),
        auc=number(best.auc),
        ends=interval(best.auc_ci),
        found=NOT_GIVEN if people is None else f"{people.of * people.found:.0f} of {people.of:,}",
        found_ends="found: not measured" if people is None else f"found ({people.ends})",
        accuracy=NOT_GIVEN if row.cost is None else number(row.cost.accuracy),
    )
