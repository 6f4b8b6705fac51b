"""The page about a register that was ranked: how often the deleted are found. It names nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearn_audit.audits.identification.ranking import COVERAGE, Naming
from unlearn_audit.metrics import Estimate
from unlearn_audit.report.html import Figure
from unlearn_audit.report.next_steps import Step
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.people import counted
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.tables import Cell, Line, Table
from unlearn_audit.report.wording import percent


def render_naming(found: Naming, config: Mapping[str, Any], signing: Signing | None = None) -> str:
    """Return the page: self-contained, in publishable form; by default it is dated now, without an owner.

    Parameters
    ----------
    found
        How often the deleted are found.
    config
        What was asked, as the run folder is identified by it.
    signing
        Date, version and owner.
    """
    return page_template("naming.html.j2", "unlearn_audit.audits.identification").render(
        title="Who in a whole register was deleted?",
        found=found,
        headline=headline(found),
        explanation=explanation(found),
        figures=_figures(found),
        ranks=_ranks(found),
        steps=_steps(found),
        coverage=percent(COVERAGE),
        settings=publishable(config),
        signing=signing or Signing.now(),
    )


def headline(found: Naming) -> str:
    """Return the verdict in one sentence: beyond chance only where the interval lies above it."""
    chance = 1 / found.register
    many = counted(found.first.value, 100)
    verb = "is" if many in ("about 1", "fewer than 1") else "are"
    sentence = f"Of 100 deleted people {many} {verb} ranked first of {found.register:,}"
    if found.first.low > chance:
        return f"{sentence}, where guessing would rank about {100 * chance:.2g}."
    return f"{sentence}, which is not shown to be more than guessing."


def explanation(found: Naming) -> str:
    """Return how well half of the deleted hide."""
    return (
        f"Half of the deleted rank {found.median_rank:,.0f} or better, and hide among {found.set_size:,.0f} candidates "
        f"or fewer. The attacker asked both versions about {found.queries:,} reference records, in {found.deletions:,} "
        "deletions."
    )


def _figures(found: Naming) -> list[Figure]:
    return [
        _figure("Ranked first", found.first),
        _figure("Among the first ten", found.first_ten),
        Figure("Median rank", f"{found.median_rank:,.0f}", "", f"of {found.register:,} candidates"),
        Figure("Hide among", f"{found.set_size:,.0f}", "", "or fewer: half of the deleted"),
    ]


def _figure(label: str, of: Estimate) -> Figure:
    return Figure(label, _share(of.value), _ends(of), "of the deleted")


def _ranks(found: Naming) -> Table:
    rows = (
        ("found first", found.first, 1 / found.register),
        ("among the first ten", found.first_ten, min(1.0, 10 / found.register)),
        ("in the first 1 %", found.first_percent, 0.01),
    )
    return Table(
        "How often the deleted are found",
        (("Of the deleted", False), ("Share", True), ("Guessing", True)),
        tuple(
            Line(words, (Cell(_share(of.value), _ends(of), of.value), Cell(_share(chance), sort=chance)))
            for words, of, chance in rows
        ),
    )


def _share(value: float) -> str:
    return percent(float(f"{100 * value:.3g}") / 100)


def _ends(of: Estimate) -> str:
    return " to ".join(f"{100 * end:.1f}" for end in of.interval)


def _steps(found: Naming) -> tuple[Step, ...]:
    if found.first.low <= 1 / found.register:
        return (
            Step("Consider what this does not show: another attacker may find more."),
            Step("Check the release itself before it goes out.", "unlearn-audit release --help"),
        )
    return (
        Step("Do not let both versions answer queries about the same records as they do here."),
        Step("Measure the effect of coarser answers.", "unlearn-audit name --defense rounding:2"),
        Step("Plan the release: more people at once, or rounded answers.", "unlearn-audit plan-release --help"),
    )
