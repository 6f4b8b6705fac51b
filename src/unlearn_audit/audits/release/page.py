"""The page about one release, in publishable form, and the same in short for a terminal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.audits.release.scores import UNLABELLED
from unlearn_audit.audits.release.sentences import headline_observer
from unlearn_audit.report.html import Figure
from unlearn_audit.report.next_steps import Step
from unlearn_audit.report.notebook import Card
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.svg import GRID, LEADING, MUTED, VARIABLES
from unlearn_audit.report.tables import Cell, Line, Table
from unlearn_audit.report.wording import percent
from unlearn_audit.utils.typing import Interval


def render(found: ReleaseFindings, signing: Signing | None = None) -> str:
    """Return the page: self-contained, and it names nobody; by default it is dated now, without an owner."""
    headline, _, explanation = found.summary.partition(". ")
    return page_template("release.html.j2", "unlearn_audit.audits.release").render(
        found=found,
        title="Who can be identified as deleted?",
        headline=headline,
        explanation=explanation,
        who="stand-ins" if found.rehearsal else "deleted",
        key_figures=_key_figures(found),
        asked=_asked(found),
        plot=Markup(standing_plot(found)),  # numbers, and texts of ours  # nosec B704
        observers=_observers(found),
        steps=_steps(found),
        signing=signing or Signing.now(),
        identified_means=_identified_means(found),
        settings=publishable(found.config),
    )


def _observers(found: ReleaseFindings) -> Table:
    """Return what an observer reaches at each false-positive rate."""
    who = "stand-ins" if found.rehearsal else "deleted"
    rates = (
        [f"Right where {percent(p.base_rate)} were deleted" for p in found.flagging[0].precision]
        if (found.flagging)
        else []
    )
    return Table(
        "",
        (("False-positive rate", False), (f"Flags of the {who}", True), *((title, True) for title in rates)),
        tuple(
            Line(
                percent(rule.rate),
                (
                    Cell(_share(rule.found_share), _ends(rule.found_share_ci), rule.found_share),
                    *(Cell(_share(p.right), _ends(p.right_ci), p.right) for p in rule.precision),
                ),
            )
            for rule in found.flagging
        ),
    )


def _steps(found: ReleaseFindings) -> tuple[Step, ...]:
    """Return what to do now, by whether anybody was identified."""
    if not found.identified:
        return (
            Step("Consider what this does not show: that no one was identified does not mean that no one can be."),
            Step("Check the next release as well: it deletes other people.", "unlearn-audit release --help"),
        )
    return (
        Step("Do not publish both versions with unchanged answers."),
        Step(
            "Plan the release: delete more people at once, or round answers, until a target you set is met.",
            "unlearn-audit plan-release --help",
        ),
        Step("Decide whether those identified must be informed: private-persons.csv, for the owner only, lists them."),
    )


def standing_plot(found: ReleaseFindings) -> str:
    """Draw the distribution of the deleted persons' p-values alongside that of chance, on a logarithmic axis.

    It is written by hand: a command that is to answer within seconds cannot wait for a plotting library.
    """
    p = np.asarray(found.p_values)
    decades = np.log10(1 / found.smallest_p_value)
    width, height, left, bottom, top = 460, 300, 58, 46, 34

    def across(value: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(left + (width - left - 16) * (1 + np.log10(value) / decades))

    def up(share: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(height - bottom - (height - bottom - top) * np.asarray(share))

    def path(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> str:
        return "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))

    grid = np.geomspace(found.smallest_p_value, 1, 100)
    reached = np.repeat(np.arange(len(p) + 1) / len(p), 2)
    steps = np.concatenate([[found.smallest_p_value], np.repeat(p, 2), [1.0]])
    parts = []
    for share in np.linspace(0, 1, 5):
        y = float(up(share))
        parts.append(f'<line x1="{left}" x2="{width - 16}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GRID}"/>')
        parts.append(_text(left - 8, y + 4, percent(share), "end"))
    for tick in (t for t in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0) if t >= found.smallest_p_value):
        x = float(across(tick))
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - bottom}" stroke="{_GRID}"/>')
        parts.append(_text(x, height - bottom + 16, percent(tick), "end" if tick == 1 else "middle"))
    who = "stand-ins" if found.rehearsal else "deleted people"
    parts += [
        f'<path d="{path(across(grid), up(grid))}" fill="none" stroke="{_MUTED}" stroke-dasharray="2 3"/>',
        f'<path d="{path(across(steps), up(reached))}" fill="none" stroke="{_LEADING}" stroke-width="2.2"/>',
        f'<line x1="{left}" x2="{left + 24}" y1="14" y2="14" stroke="{_LEADING}" stroke-width="2.2"/>',
        _text(left + 30, 18, who, "start"),
        f'<line x1="{left + 140}" x2="{left + 164}" y1="14" y2="14" stroke="{_MUTED}" stroke-dasharray="2 3"/>',
        _text(left + 170, 18, "if nothing were revealed", "start"),
        _text(
            (left + width) / 2,
            height - 8,
            "comparable people who look as deleted (p-value)",
            "middle",
        ),
    ]
    identified = ", ".join(
        f"{count:,} at most {percent(level)}" for level, count in found.identified_unadjusted.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="standing-title standing-description"><title id="standing-title">p-values of the '
        f'{who}</title><desc id="standing-description">Of {len(p):,} p-values: {identified or "none"}.</desc>'
        f"{''.join(parts)}</svg>"
    )


_GRID, _MUTED, _LEADING = (f"var(--{VARIABLES[colour]}, {colour})" for colour in (GRID, MUTED, LEADING))


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{_MUTED}">{text}</text>'


def print_release(console: Console, found: ReleaseFindings, page: str, private: str | None) -> None:
    """Print the verdict, what observers reach, and where the files are."""
    headline, _, rest = found.summary.partition(". ")
    console.print()
    console.print(Text.assemble((f"{headline}.", "bold"), f" {rest}"))
    console.print()
    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("false-positive rate")
    table.add_column("flags", justify="right")
    for right in found.flagging[0].precision if found.flagging else ():
        table.add_column(f"right at {percent(right.base_rate)}", justify="right")
    for rule in found.flagging:
        cells = [_with_ends(_share(p.right), p.right_ci) for p in rule.precision]
        table.add_row(percent(rule.rate), _with_ends(_share(rule.found_share), rule.found_share_ci), *cells)
    console.print(table)
    console.print(
        Text(
            "The share of deleted people that an observer flags, and the share of right flags by base rate.",
            "dim",
        )
    )
    console.print()
    if found.notes:
        count = "1 note" if len(found.notes) == 1 else f"{len(found.notes)} notes"
        console.print(Text(f"{count}: see the report or findings.json.", "dim"))
    console.print(Text(f"Report, which names no one: {page}"), soft_wrap=True)
    if private is not None:
        console.print(Text(f"Each person, private: {private}"), soft_wrap=True)


def card_of(found: ReleaseFindings) -> Card:
    """Return what a notebook shows of a release; it names nobody."""
    headline, separator, rest = found.summary.partition(". ")
    figures = _key_figures(found)
    return Card(
        headline + separator.strip(),
        rest,
        columns=("Figure", "Value", "Meaning"),
        rows=[(of.label, f"{of.value} ({of.ends})" if of.ends else of.value, of.note) for of in figures],
        after=["to_frame() has an observer's rates; private_table() names each person."],
    )


def _key_figures(found: ReleaseFindings) -> list[Figure]:
    number = f"{found.identified:.2g}" if found.rehearsal else f"{found.identified:,.0f}"
    note = f"of {found.persons:,}" + (f", mean of {len(found.repetitions):,} rehearsals" if found.rehearsal else "")
    figures = [Figure(f"Identified at {percent(found.confidence)}", number, "", note)]
    observer = headline_observer(found)
    if observer is not None:
        note = f"of the deleted, at a false-positive rate of {percent(observer.rate)}"
        figures.append(Figure("Flagged", _share(observer.found_share), _ends(observer.found_share_ci), note))
        figures += [
            Figure(
                "Flags that are right", _share(p.right), _ends(p.right_ci), f"where {percent(p.base_rate)} were deleted"
            )
            for p in observer.precision
        ]
    return figures


def _asked(found: ReleaseFindings) -> list[tuple[str, str, str]]:
    several = found.records != found.persons
    records = f"with {found.records:,} records, each person's combined by their {found.combine}" if several else ""
    score = "of all classes, as the label is not known" if found.score == UNLABELLED else ""
    same = f" of the same {' and '.join(found.compared_by)}" if found.compared_by else ""
    needed = f"{same.strip()}, at least; " if same else ""
    needed += f"at least {found.references_needed:,}{same} are needed for anyone to be identified"
    return [
        ("Stand-ins" if found.rehearsal else "Deleted people", f"{found.persons:,}", records),
        ("References", f"{found.reference_persons:,}", needed),
        ("Score", found.score, score),
        ("Answers that changed", percent(round(found.changed, 4)), "of all records queried"),
        ("Confidence", percent(found.confidence), "Holm's rule" if found.control == "holm" else "Benjamini-Hochberg"),
    ]


def _identified_means(found: ReleaseFindings) -> str:
    level = percent(round(1 - found.confidence, 9))
    if found.control == "holm":
        return (
            "A p-value small enough that, with all deleted persons allowed for (Holm's rule), the chance that even one "
            f"is counted wrongly is at most {level}."
        )
    return (
        "A p-value small enough that, with all deleted persons allowed for (Benjamini and Hochberg's rule), at most "
        f"{level} of those counted are expected to be counted wrongly."
    )


def _share(value: float) -> str:
    return percent(round(value, 3))


def _ends(ends: Interval) -> str:
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"


def _with_ends(value: str, ends: Interval) -> Text:
    return Text.assemble(value, (f" ({_ends(ends)})", "dim"))
