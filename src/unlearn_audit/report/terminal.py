"""The findings in short, for a terminal."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearn_audit.attacks.base import score_column
from unlearn_audit.findings.result import Result, is_selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.further import further
from unlearn_audit.report.three_arms import arms_words
from unlearn_audit.report.wording import interval, number
from unlearn_audit.utils.typing import Interval

_MOST_ROWS = 8
"""Rows of the table, unless all are asked for."""

_MOST_GROUPS = 6
"""Of a column with more groups the terminal shows the lowest and the highest."""

_MOST_OF_A_TEXT = 300
"""Characters of what training warned of."""


def print_summary(
    console: Console, findings: Findings, report_path: Path | None = None, *, every_attack: bool = False
) -> None:
    """Print the verdict, warnings, the leading attack, the best of each feature, and where the report is.

    The best attack of a feature is the best on shadow data (on the target, where there are no shadow AUCs), on
    the rows that the report leads with.

    Parameters
    ----------
    console
        Where to print; an attack takes one line where the longest fits, or else intervals and models stand beneath.
    findings
        What the audit found.
    report_path
        The path of the full report, printed last, on a separate line; None if there is none.
    every_attack
        Whether the table has a row for every feature and defence, and not `_MOST_ROWS` at most.
    """
    _print_verdict(console, findings)
    console.print()
    _print_table(console, findings, every_attack=every_attack)
    console.print()
    _print_further(console, findings)
    if report_path is not None:
        console.print(Text(f"Report: {report_path}"), soft_wrap=True)


def _print_verdict(console: Console, findings: Findings) -> None:
    headline, separator, rest = findings.verdict.summary.partition(". ")
    console.print()
    console.print(Text.assemble((headline + separator.strip(), "bold"), " " if rest else "", rest))
    console.print(Text(f"Verdict: {findings.verdict.kind}; gate: {findings.verdict.gate}.", "dim"))
    for warning in findings.warnings:
        console.print(Text(f"Warning: {warning}", "bold"))


def _print_table(console: Console, findings: Findings, *, every_attack: bool) -> None:
    lines, left = (_lines(findings), 0) if every_attack else brief_lines(findings)
    table = _table(findings, lines, wide=True)
    # measured as if there were no edge, or the width would be that of the terminal at most
    if console.measure(table, options=console.options.update(max_width=10_000)).maximum > console.width:
        table = _table(findings, lines, wide=False)
    console.print(
        Text.assemble((findings.dataset, "bold"), ", ", (findings.model, "bold"), f", regime {findings.regime}, ")
        + Text(f"{findings.selected.game}, 95 % intervals")
    )
    console.print()
    console.print(table)
    more = f" {left} more {'row' if left == 1 else 'rows'}: --all, or the report." if left else ""
    console.print(Text(f"First the leading attack, then the best of each feature on shadow data.{more}", "dim"))


def _print_further(console: Console, findings: Findings) -> None:
    for released in findings.released:
        if released.privacy is not None and "+" not in released.defense:
            spent = released.privacy
            spending = f"{released.defense}: a version spent epsilon {spent.epsilon:.3g} at delta {spent.delta:g}"
            console.print(Text(f"{spending} ({spent.neighbours}); accuracy {number(released.accuracy)}.", "dim"))
    if findings.failed:
        names = ", ".join(dict.fromkeys(score_column(of.attack, of.attack_model) for of in findings.failed))
        console.print(Text(f"Failed, while the others continued: {names}; the report says why.", "bold"))
    for sentence in (*(() if findings.arms is None else arms_words(findings.arms)), *further(findings)):
        console.print(Text(sentence, "dim"))
    for line in _by_column(findings):
        console.print(Text(line, "dim"))
    if findings.record_risk is not None:
        risk = findings.record_risk
        console.print(
            Text(f"{risk.identified:,} of {risk.records:,} audited records are identified individually.", "dim")
        )
    if findings.stopping is not None:
        sentence = findings.stopping.sentence
        console.print(Text(f"{sentence[0].upper()}{sentence[1:]}.", "dim" if findings.stopping.reached else "bold"))
    if findings.routine:
        count = "1 note" if len(findings.routine) == 1 else f"{len(findings.routine)} notes"
        console.print(Text(f"{count} on data, sizes and training: see the report or findings.json.", "dim"))
    for line in _warned(findings):
        console.print(Text(line, "dim"))


def _warned(findings: Findings) -> list[str]:
    """Return what training warned of, the most frequent text of each side; the report, for others, has no texts."""
    lines = []
    for where, texts in dict(findings.execution.get("training_warnings", {})).items():
        (text, count), *others = texts.items()
        times = "once" if count == 1 else f"{count:,} times"
        more = f" (further texts: {len(others):,}, see findings.json)" if others else ""
        lines.append(f"{where}: training warned {times}: {text[:_MOST_OF_A_TEXT].rstrip('.')}.{more}")
    return lines


def _by_column(findings: Findings) -> list[str]:
    """Return a line for each column by which risk is broken down; of many groups the lowest and the highest."""
    lines = []
    for column in dict.fromkeys(of.column for of in findings.groups if of.column is not None):
        groups = [of for of in findings.groups if of.column == column]
        known = sorted((of for of in groups if of.auc is not None), key=lambda of: of.auc or 0.0)
        shown = groups if len(groups) <= _MOST_GROUPS else [known[0], known[-1]] if len(known) > 1 else known
        of_all = "" if shown is groups else f" (of {len(groups):,} groups the lowest and the highest)"
        figures = (f"{of.group} {number(of.auc)}" + (f" [{interval(of.auc_ci)}]" if of.auc_ci else "") for of in shown)
        lines.append(f"AUC by {column}: {', '.join(figures)}{of_all}.")
    return lines


def _table(findings: Findings, lines: list[Result], *, wide: bool) -> Table:
    """Return the table of attacks, each on one line, or with intervals and models beneath."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2 if wide else 1, 0, 0), show_edge=False)
    table.add_column("attack" if wide else "attack / model", no_wrap=True)
    if wide:
        table.add_column("model", no_wrap=True)
    table.add_column("rows", no_wrap=True)
    for heading in ("AUC", "− classical", "TPR@1%", "accuracy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for position, result in enumerate(lines):
        leading = is_selected(result, findings.selected)
        last = position + 1 == len(lines)
        ends_group = not last and (leading, result.is_classical) != (
            is_selected(lines[position + 1], findings.selected),
            lines[position + 1].is_classical,
        )
        table.add_row(*_cells(result, wide=wide), style="bold" if leading else None, end_section=ends_group)
    return table


def brief_lines(findings: Findings) -> tuple[list[Result], int]:
    """Return the results that a short table shows, the leading ones first, and how many more a long one has."""
    lines = _lines(findings)
    shown = _fewer(lines)
    return shown, len(lines) - len(shown)


def _lines(findings: Findings) -> list[Result]:
    """Return the leading results, the best of each other feature and of each defence, the classical ones last."""
    leading = findings.leading()
    own = [r for r in findings.results if is_selected(r, findings.selected)]
    own.sort(key=lambda r: r.rows != leading.rows)
    best: dict[tuple[str | bool, ...], Result] = {}
    for result in findings.results:
        if (result.game, result.rows) != (leading.game, leading.rows):
            continue
        defended = result.defense != leading.defense
        if result.is_classical if defended else result.attack == leading.attack:
            continue
        key = (result.defense, result.adaptive) if defended else (result.attack,)
        if key not in best or _preference(result) > _preference(best[key]):
            best[key] = result
    others = sorted(best.values(), key=lambda r: (r.is_classical, -r.auc))
    return own + others


def _fewer(lines: list[Result]) -> list[Result]:
    """Return the first of the lines of a table, and the best of the classical ones at the end."""
    if len(lines) <= _MOST_ROWS:
        return lines
    first = lines[: _MOST_ROWS - 1]
    classical = next((of for of in lines[_MOST_ROWS - 1 :] if of.is_classical), lines[_MOST_ROWS - 1])
    return [*first, lines[_MOST_ROWS - 1] if any(of.is_classical for of in first) else classical]


def _preference(result: Result) -> float:
    return result.auc if result.shadow_auc is None else result.shadow_auc


def _cells(result: Result, *, wide: bool) -> list[Text]:
    defense = "" if result.defense == "none" else result.defense if result.adaptive else f"{result.defense} (naive)"
    model = result.attack_model or ""
    if wide:
        first = [Text(f"{result.attack}, {defense}" if defense else result.attack), Text(model)]
    else:
        second = "\n".join(f"  {line}" for line in (model, defense) if line)
        first = [Text.assemble(result.attack, "\n", (second, "dim"))]
    rate = next((value for key, value in result.tpr_at_fpr.items() if float(key) == 0.01), None)
    return [
        *first,
        Text(result.rows),
        _estimate(result.auc, result.auc_ci, wide=wide),
        _estimate(result.auc_minus_classical, result.auc_minus_classical_ci, wide=wide, signed=True),
        Text(number(rate)),
        Text(number(result.accuracy)),
    ]


def _estimate(value: float | None, ends: Interval | None, *, wide: bool, signed: bool = False) -> Text:
    text = Text(number(value, signed=signed))
    if ends is not None:
        between = interval(ends, signed=signed).replace(" to ", ", ")
        text.append(f"{' ' if wide else chr(10)}[{between}]", "dim")
    return text
