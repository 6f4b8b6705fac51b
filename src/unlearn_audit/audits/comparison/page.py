"""A comparison of runs for people: a page with a table, curves and sentences, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearn_audit.audits.comparison.compare import Compared
from unlearn_audit.audits.comparison.findings import AttackDifference, RunRow
from unlearn_audit.audits.comparison.plots import roc_overlay
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import without_folder
from unlearn_audit.report.wording import NOT_GIVEN, interval, number

Cell = tuple[str, str]
"""A value, and what stands beneath it; the second may be empty."""

PACKAGE = "unlearn_audit.audits.comparison"
"""Whose templates the pages of runs are made of."""

ATTACK_COLUMNS = ("AUC, first", "AUC, second", "Difference", "Further from 0.5", "The same, all at once")


def render_comparison(compared: Compared, home: str = "") -> str:
    """Return the page: self-contained, without scripts, and it names no record.

    Parameters
    ----------
    compared
        The runs side by side.
    home
        Where a list of all runs is; empty for nowhere.
    """
    found = compared.findings
    headline, _, explanation = found.summary.partition("; ")
    rows = [(run, row_cells(run)) for run in found.runs]
    return page_template("comparison.html.j2", PACKAGE).render(
        found=found,
        home=home,
        headline=headline,
        explanation=explanation,
        columns=COLUMNS,
        rows=rows,
        plot=Markup(roc_overlay(found.runs, compared.curves)),  # matplotlib escapes texts  # nosec B704
        differences=[(of, [(attack, _attack_cells(attack)) for attack in of.attacks]) for of in found.differences],
        attack_columns=ATTACK_COLUMNS,
        missing=NOT_GIVEN,
    )


COLUMNS: tuple[tuple[str, bool], ...] = (
    ("Verdict", False),
    ("Data and model", False),
    ("Unlearning", False),
    ("Leading attack", False),
    ("AUC", True),
    ("TPR at 1 % FPR", True),
    ("Epsilon at least", True),
    ("Deleted, others", True),
    ("Worlds", True),
)
"""The table's columns next to the name of a run: title, and whether it holds numbers."""


def row_cells(run: RunRow) -> tuple[Cell, ...]:
    """Return the cells of a run, one for each of `COLUMNS`."""
    ceiling = "" if run.epsilon_ceiling is None else f"of at most {number(run.epsilon_ceiling)}"
    warnings = f"{run.warnings:,} {'warning' if run.warnings == 1 else 'warnings'}" if run.warnings else ""
    verdict = "one release" if run.verdict is None else f"{run.verdict} ({run.gate})"
    return (
        (verdict, warnings),
        (NOT_GIVEN if run.dataset is None else brief(without_folder(run.dataset)), brief(run.model or "")),
        (brief(run.method or NOT_GIVEN), "" if run.regime is None else brief(f"regime {run.regime}")),
        (brief(run.attack or NOT_GIVEN), "" if run.game is None else brief(f"{run.game}, view {run.view}")),
        (number(run.auc), interval(run.auc_ci)),
        (number(run.tpr), interval(run.tpr_ci)),
        (number(run.epsilon), ceiling),
        (f"{run.n_positive:,}, {run.n_negative:,}", ""),
        (NOT_GIVEN if run.n_worlds is None else f"{run.n_worlds:,}", ""),
    )


def brief(text: str) -> str:
    """Return a text, cut if it is longer than fits a cell."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_LONGEST = 120


def _attack_cells(of: AttackDifference) -> tuple[Cell, ...]:
    return (
        (number(of.first), ""),
        (number(of.second), ""),
        (number(of.difference, signed=True), interval(of.difference_ci, signed=True)),
        (number(of.excess, signed=True), interval(of.excess_ci, signed=True)),
        (interval(of.excess_all_ci, signed=True), ""),
    )


_AT_ONCE = 3
"""How many runs a terminal shows next to each other."""


def print_comparison(console: Console, compared: Compared, page: str | None = None) -> None:
    """Print what the comparison comes to, the runs side by side, every difference, and where the page is."""
    found = compared.findings
    console.print()
    console.print(Text(found.summary, "bold"), soft_wrap=True)
    console.print()
    for start in range(0, len(found.runs), _AT_ONCE):
        console.print(_beside(found.runs[start : start + _AT_ONCE]))
    console.print(Text("Intervals of 95 %, each of the run's leading attack.", "dim"))
    for of in found.differences:
        console.print()
        first, *rest = of.sentences
        console.print(Text(first), soft_wrap=True)
        for sentence in rest:
            console.print(Text(sentence, "dim"), soft_wrap=True)
    console.print()
    console.print(Text(found.limits[0], "dim"), soft_wrap=True)
    if page is not None:
        console.print(Text(f"Page: {page}"), soft_wrap=True)


def _beside(runs: Sequence[RunRow]) -> Table:
    """Return a table with a column for each run, since its texts are long, and a row for each of `COLUMNS`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    for run in runs:
        table.add_column(Text(run.name), overflow="fold")
    cells = [row_cells(run) for run in runs]
    for place, (title, _) in enumerate(COLUMNS):
        shown = (of[place] for of in cells)
        table.add_row(title, *(Text.assemble(value, (f"\n{ends}" if ends else "", "dim")) for value, ends in shown))
    return table
