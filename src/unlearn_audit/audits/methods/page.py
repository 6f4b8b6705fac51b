"""A comparison for people: a page with a table and plots, and lines for a terminal. They name no record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from unlearn_audit.audits.methods.difficulty import MARGIN, PER_INSTANCE
from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.audits.methods.plots import difficulty_plot, front_plot, steps_plot
from unlearn_audit.audits.methods.sentences import skipped_words
from unlearn_audit.findings.comparison import ArmsComparison, BestOnArms
from unlearn_audit.report.notebook import MOST_ROWS, Card
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import publishable, without_folder
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.tables import Cell as PageCell
from unlearn_audit.report.tables import Line, Table, leading_number
from unlearn_audit.report.wording import NOT_GIVEN, interval, number, percent

Cell = tuple[str, str]
"""A value, and its interval or what it is of; both may be empty."""

NONE: Cell = (NOT_GIVEN, "")

READINGS = {
    "more": "more than retraining",
    "less": "less than retraining",
    "same": "not told apart",
    "as-retraining": "as retraining",
    "unchanged": "nothing changed",
}
"""What a cell says about a method's update."""

DIRECTIONS = {
    "remembered": "not forgotten",
    "over-forgotten": "over-forgotten",
    "recognisable": "recognisable",
    "same": "",
}


def render_methods(found: MethodsFindings) -> str:
    """Return the page: self-contained, and it names no record."""
    headline, _, explanation = found.summary.partition(": ")
    columns = [(title, cell) for title, cell in COLUMNS if any(cell(row) != NONE for row in found.tried)]
    kinds = dict.fromkeys(of.by for row in found.shown for of in row.difficulty)
    fronts = [Markup(svg) for svg in (front_plot(found, "accuracy"), front_plot(found, "seconds")) if svg]  # nosec B704
    return page_template("methods.html.j2", "unlearn_audit.audits.methods").render(
        found=found,
        title=f"{without_folder(found.dataset)}, {found.model}",
        headline=headline,
        explanation=explanation,
        tables=[_table(found, columns[:_FIRST], "What it gives away"), _table(found, columns[_FIRST:], "Its price")],
        signing=Signing.of(found.execution),
        skipped=skipped_words(found.skipped),
        fronts=fronts,  # matplotlib escapes texts
        difficulties=[Markup(svg) for by in kinds if (svg := difficulty_plot(found, by))],  # nosec B704
        trends=trend_words(found),
        steps=Markup(steps_plot(found)),  # nosec B704
        measures=_measures(found),
        attacks=[(row.method, _attacks(row)) for row in found.compared],
        warnings=[note.text for note in found.notes if note.level == "warning"],
        routine=[note.text for note in found.notes if note.level == "note"],
        details=publishable(found.details),
        settings=publishable(found.config),
        execution=publishable({key: value for key, value in found.execution.items() if key not in ("date", "owner")}),
    )


_FIRST = 5
"""Columns of the first of the two tables."""


def _table(found: MethodsFindings, columns: Sequence[tuple[str, Callable[[Method], Cell]]], caption: str) -> Table:
    """Return some columns of the table, a line a method."""
    return Table(
        caption,
        (("Method", False), *((title, cell is not _reading) for title, cell in columns)),
        tuple(
            Line(
                row.method,
                tuple(_as_cell(cell(row)) for _, cell in columns),
                tag=row.exactness or "",
                leading=row.status == "reference",
            )
            for row in found.tried
        ),
    )


def _as_cell(of: Cell) -> PageCell:
    return PageCell(*of, leading_number(of[0]))


def trend_words(found: MethodsFindings) -> list[str]:
    """Return, for each kind of difficulty, how leak goes along with it under each method, and what couples the two."""
    kinds = dict.fromkeys(of.by for row in found.shown for of in row.trends)
    lines = []
    for by in kinds:
        known = [(row.method, of) for row in found.shown for of in row.trends if of.by == by]
        each = "; ".join(
            f"{name} {number(of.rank_correlation, 2, signed=True)} ({interval(of.rank_correlation_ci, 2, signed=True)})"
            for name, of in known
        )
        lines.append(f"Rank correlation of a deleted record's difficulty by {by} with its leak: {each}.")
    coupled = dict.fromkeys(of.by for row in found.shown for of in row.difficulty if of.coupled)
    lines += [COUPLED[by] for by in coupled]
    if PER_INSTANCE in kinds and any(row.noisy_steps is not None for row in found.shown):
        lines.append(
            "The number of noisy steps that a record is predicted to need grows with its per-instance loss alone, so "
            "the rank correlation of leak with that number is the one with the loss."
        )
    return lines


COUPLED = {
    MARGIN: "Difficulty by margin-retrained was measured on retrained models of the attacked world, because not "
    "every deleted record is queried in another one. The noise of one training moves both difficulty and leak, so the "
    "two correlate to some degree even if hard records leak no more.",
    PER_INSTANCE: "The per-instance loss comes from the training of the attacked original, whose noise moves both loss "
    "and leak.",
}
"""By kind, why a difficulty is coupled with leak."""


def _auc(best: BestOnArms | None) -> Cell:
    if best is None:
        return NONE
    return number(best.unlearned.auc), interval(best.unlearned.auc_ci)


def _excess(best: BestOnArms | None) -> Cell:
    return NONE if best is None else (number(best.excess, signed=True), interval(best.excess_ci, signed=True))


def _update(row: Method) -> BestOnArms | None:
    return None if row.arms is None else row.arms.update


def _alone(row: Method) -> BestOnArms | None:
    return None if row.arms is None else row.arms.residual


def _reading(row: Method) -> Cell:
    if row.status == "reference":
        return "reference", ""
    if row.reading is None:
        return row.status, ""
    alone = "" if row.direction is None else DIRECTIONS[row.direction]
    unchanged = "weights unchanged" if row.weights_unchanged and row.reading != "unchanged" else ""
    return READINGS[row.reading], "; ".join(of for of in (alone, unchanged) if of)


def _measured(name: str) -> Callable[[Method], Cell]:
    """Return what gives an accuracy minus that of retraining in points, and beneath it the accuracy itself."""

    def cell(row: Method) -> Cell:
        found = None if row.arms is None else row.arms.measured(name)
        if found is None:
            return NONE
        share = percent(round(found.mean, 4))
        if found.difference is None:
            return share, ""
        return number(100 * found.difference, 1, signed=True), share

    return cell


def _time(row: Method) -> Cell:
    if row.cost is None:
        return NONE
    seconds = f"{row.cost.seconds:.3g} s"
    return (seconds, "") if row.cost.relative is None else (f"{row.cost.relative:.3g} ×", seconds)


def _memory(row: Method) -> Cell:
    if row.cost is None or row.cost.peak_memory is None:
        return NONE
    return f"{row.cost.peak_memory / 1e6:.1f} MB", ""


def _klom(row: Method) -> Cell:
    found = [] if row.arms is None else [of for of in row.arms.klom if of.role == "deleted"]
    if not found:
        return NONE
    median = "infinite" if found[0].median is None else number(found[0].median, 2)
    return median, f"chance: {number(found[0].noise, 2)}"


def _epsilon(row: Method) -> Cell:
    found = None if row.arms is None else row.arms.epsilon
    if found is None:
        return NONE
    stated = "" if found.certified is None else f"stated: {number(found.certified, 2)}"
    return f"≥ {number(found.at_least, 2)}", stated


COLUMNS: tuple[tuple[str, Callable[[Method], Cell]], ...] = (
    ("Gives the deletion away", _reading),
    ("AUC by the pair", lambda row: _auc(_update(row))),
    ("further from 0.5 than retrained", lambda row: _excess(_update(row))),
    ("AUC, unlearned alone", lambda row: _auc(_alone(row))),
    ("further than retrained", lambda row: _excess(_alone(row))),
    ("Test accuracy − retrained", _measured("accuracy.test")),
    ("Forgotten − retrained", _measured("accuracy.forget")),
    ("Retained − retrained", _measured("accuracy.retain")),
    ("Time of a request", _time),
    ("Memory", _memory),
    ("KLOM, deleted", _klom),
    ("Epsilon", _epsilon),
)
"""The table's columns: title, and what gives a row's cell."""


def _measures(found: MethodsFindings) -> Table:
    """Return every other measure, a line each with a cell for each method that has figures."""
    columns = (("Measure", False), *((row.method, True) for row in found.shown))
    return Table(
        "All further measures",
        columns,
        tuple(Line(name, tuple(map(_as_cell, cells))) for name, cells in _other_measures(found)),
    )


def _other_measures(found: MethodsFindings) -> list[tuple[str, list[Cell]]]:
    names = dict.fromkeys(of.name for row in found.shown if row.arms is not None for of in row.arms.measures)
    shown = []
    for name in names:
        if name.startswith("accuracy."):
            continue
        cells = []
        for row in found.shown:
            of = None if row.arms is None else row.arms.measured(name)
            ends = "" if of is None else interval(of.difference_ci, signed=True)
            cells.append(NONE if of is None else (f"{of.mean:.3g}", f"− retrained: {ends}" if ends else ""))
        shown.append((name, cells))
    return shown


_ON_ARMS = ("AUC, method", "AUC, retrained", "AUC, not unlearned", "Further from 0.5, all at once")


def _attacks(row: Method) -> Table:
    """Return the attacks of a method: name, what it sees, figures."""
    columns = (("Attack", False), ("Sees", False), *((title, True) for title in _ON_ARMS))
    lines = () if row.arms is None else tuple(Line(name, cells) for name, cells in _on_arms(row.arms))
    return Table("", columns, lines)


def _on_arms(arms: ArmsComparison) -> list[tuple[str, tuple[PageCell, ...]]]:
    each = [
        (
            of.label,
            of.view,
            [
                (number(of.unlearned.auc), interval(of.unlearned.auc_ci)),
                (number(of.retrained.auc), interval(of.retrained.auc_ci)),
                NONE if of.none is None else (number(of.none.auc), interval(of.none.auc_ci)),
                (number(of.excess, signed=True), interval(of.excess_all_ci, signed=True)),
            ],
        )
        for of in arms.attacks
    ]
    return [(name, (PageCell(view), *map(_as_cell, cells))) for name, view, cells in each]


def card_of(found: MethodsFindings) -> Card:
    """Return what a notebook shows of a comparison; of many methods, the first."""
    rows = [
        [row.method, *(" ".join(of for of in _cells(row)(place) if of) for place in _TERMINAL)]
        for row in found.tried[:MOST_ROWS]
    ]
    more = len(found.tried) - len(rows)
    left = f"{more:,} more methods: to_frame(). " if more > 0 else ""
    return Card(
        found.summary,
        about=f"{without_folder(found.dataset)}, {found.model}, {found.game}",
        columns=("Method", *(COLUMNS[place][0] for place in _TERMINAL)),
        rows=rows,
        warnings=[note.text for note in found.notes if note.level == "warning"],
        after=[
            "Intervals of 95 %; differences are paired over the same worlds and records. "
            f"{left}to_frame() is the table; save(folder) writes the page."
        ],
    )


_WIDEST_NAME = 24
"""Letters of a method's name that a terminal does not break."""

_TERMINAL = (0, 1, 2, 3, 5, 8)
"""The columns of `COLUMNS` that a terminal shows."""


def print_methods(console: Console, found: MethodsFindings, page: str | None = None) -> None:
    """Print what the comparison comes to, the table in short, and where the page is."""
    console.print()
    console.print(Text(found.summary, "bold"))
    for warning in (note.text for note in found.notes if note.level == "warning"):
        console.print(Text(f"Warning: {warning}", "bold"))
    console.print()
    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    longest = max(len(row.method) for row in found.tried)
    table.add_column("method", overflow="fold", min_width=min(longest, _WIDEST_NAME))
    for place in _TERMINAL:
        table.add_column(COLUMNS[place][0], justify="right" if place else "left", overflow="fold")
    for row in found.tried:
        cells = [
            Text.assemble(value, (f"\n{ends}" if ends else "", "dim")) for value, ends in map(_cells(row), _TERMINAL)
        ]
        table.add_row(row.method, *cells, style="dim" if row.status == "reference" else None)
    console.print(table)
    console.print(Text("Intervals of 95 %; differences are paired over the same worlds and records.", "dim"))
    console.print()
    for row in found.tried:
        if row.why is not None:
            console.print(Text(f"{row.method} {row.status}: {row.why}"))
        elif row.status == "compared":
            console.print(Text(row.sentences[0]))
    for sentence in skipped_words(found.skipped):
        console.print(Text(sentence))
    routine = sum(note.level == "note" for note in found.notes)
    if routine:
        count = "1 note" if routine == 1 else f"{routine} notes"
        console.print(Text(f"{count} on data, sizes and training: see the page or methods.json.", "dim"))
    if page is not None:
        console.print(Text(f"Report: {page}"), soft_wrap=True)


def _cells(row: Method) -> Callable[[int], Cell]:
    return lambda place: COLUMNS[place][1](row)
