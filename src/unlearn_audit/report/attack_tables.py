"""The tables of findings: how well each attack does, further figures, and what the second model adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlearn_audit.findings.result import Result, is_selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.tables import Cell, Line, Table, estimate
from unlearn_audit.report.wording import NOT_GIVEN, adapting, interval, number, percent

Columns = Sequence[tuple[str, Callable[[Result], Cell]]]
"""Titles, and what gives a result's cell."""

_ROWS = {
    "all": ("Every record queried", "All records of each role count, with equal total weight for both roles."),
    "paper": ("The paper's rows", "One record of each role for each deleted person of a pair."),
}


@dataclass(frozen=True)
class Section:
    """The tables of one set of rows."""

    title: str
    explanation: str
    tables: tuple[Table, ...]


def sections(findings: Findings, leading: Result) -> tuple[Section, ...]:
    """Return the tables per set of rows, that of the leading result first."""
    return tuple(
        _section(findings, kind) for kind in dict.fromkeys((leading.rows, *(r.rows for r in findings.results)))
    )


def _section(findings: Findings, kind: str) -> Section:
    results = [r for r in findings.results if r.rows == kind]
    results.sort(key=lambda r: (not is_selected(r, findings.selected), -r.auc))
    degraded = [r for r in results if r.deg_count is not None]
    title, explanation = _ROWS[kind]
    return Section(
        title,
        explanation,
        (
            _table(findings, "How well each attack distinguishes the roles", results, _attack_cells(results)),
            _table(findings, "Further figures of each attack", results, _further_cells(results)),
            _table(findings, "What the second model adds, record by record", degraded, DEGRADATION),
        ),
    )


def _table(findings: Findings, caption: str, results: Sequence[Result], columns: Columns) -> Table:
    """Return a table; game and defence have a column only where they differ."""
    tags: list[tuple[str, Callable[[Result], Cell]]] = [("Attack model", lambda r: Cell(r.attack_model or NOT_GIVEN))]
    if len({r.game for r in findings.results}) > 1:
        tags.append(("Game", lambda r: Cell(r.game)))
    if len({r.defense for r in findings.results}) > 1:
        tags += [("Defence", lambda r: Cell(r.defense)), ("Attacker", lambda r: Cell(adapting(r)))]
    lines = tuple(
        Line(
            head=r.attack,
            cells=tuple(cell(r) for _, cell in (*tags, *columns)),
            tag="leading" if is_selected(r, findings.selected) else "original alone" if r.is_classical else "",
            leading=is_selected(r, findings.selected),
        )
        for r in results
    )
    titles = (("Attack", False), *((title, False) for title, _ in tags), *((title, True) for title, _ in columns))
    return Table(caption, titles, lines)


def _attack_cells(results: Sequence[Result]) -> Columns:
    """Return the columns of the first table: add a line here to add a column."""
    first = next((rate for rate in _rates(results)), None)
    return (
        ("AUC", lambda r: estimate(r.auc, r.auc_ci)),
        ("− classical", lambda r: estimate(r.auc_minus_classical, r.auc_minus_classical_ci, signed=True)),
        *(((f"TPR at {percent(first)}", _tpr(first)),) if first is not None else ()),
        ("Accuracy", lambda r: estimate(r.accuracy, r.accuracy_ci)),
    )


def _further_cells(results: Sequence[Result]) -> Columns:
    return (
        *((f"TPR at {percent(rate)}", _tpr(rate)) for rate in _rates(results)[1:]),
        ("AUC, all attacks at once", lambda r: Cell(interval(r.auc_simultaneous_ci) or NOT_GIVEN, sort=_low(r))),
        ("Epsilon at least", _epsilon),
        ("Shadow AUC", lambda r: estimate(r.shadow_auc)),
    )


def _rates(results: Sequence[Result]) -> list[str]:
    """Return the false-positive rates at which any attack has a figure, in their order."""
    rates = dict.fromkeys(rate for r in results for rate in r.tpr_at_fpr)
    return [rate for rate in rates if any(r.tpr_at_fpr.get(rate) is not None for r in results)]


def _tpr(rate: str) -> Callable[[Result], Cell]:
    return lambda r: estimate(r.tpr_at_fpr.get(rate), r.tpr_at_fpr_ci.get(rate))


def _low(result: Result) -> float | None:
    return None if result.auc_simultaneous_ci is None else result.auc_simultaneous_ci[0]


def _epsilon(result: Result) -> Cell:
    ceiling = "" if result.epsilon_ceiling is None else f"of at most {number(result.epsilon_ceiling)}"
    return Cell(number(result.epsilon), ceiling, result.epsilon)


DEGRADATION: Columns = (
    ("DegCount", lambda r: estimate(r.deg_count, r.deg_count_ci)),
    ("DegCount ties ½", lambda r: estimate(r.deg_count_ties_half, r.deg_count_ties_half_ci)),
    ("DegCount calibrated", lambda r: estimate(r.deg_count_calibrated, r.deg_count_calibrated_ci)),
    ("DegRate", lambda r: estimate(r.deg_rate, r.deg_rate_ci, signed=True)),
    ("DegRate calibrated", lambda r: estimate(r.deg_rate_calibrated, r.deg_rate_calibrated_ci, signed=True)),
    ("Bits", lambda r: estimate(r.bits, r.bits_ci, signed=True)),
)
"""The columns of the table of what the second model adds."""
