"""The report as one self-contained page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from unlearn_audit.findings.result import Result, is_selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES
from unlearn_audit.metrics.groups import FEWEST_IN_A_GROUP
from unlearn_audit.report.further import further
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.plots import PLOTS
from unlearn_audit.report.privacy import privacy_plot
from unlearn_audit.report.settings import publishable, without_folder
from unlearn_audit.report.three_arms import ARMS_COLUMNS, arms_plot, arms_rows, arms_words
from unlearn_audit.report.wording import (
    NOT_GIVEN,
    REGIMES,
    VIEWS,
    adapting,
    interval,
    number,
    percent,
    role_words,
    roles,
)
from unlearn_audit.utils.typing import Interval


@dataclass(frozen=True)
class Figure:
    """A number to be shown: its label, its value and interval as text, what it means, and the bare value."""

    label: str
    value: str
    ends: str = ""
    note: str = ""
    sort: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a table of findings."""

    attack: str
    attack_model: str
    tags: tuple[str, ...]
    classical: bool
    leading: bool
    cells: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    """A table of findings."""

    columns: tuple[str, ...]
    tag_columns: tuple[str, ...]
    rows: tuple[Row, ...]


def render(findings: Findings, scores: pd.DataFrame) -> str:
    """Return the report as a self-contained page: no request leaves it, and it names no record.

    All texts are data and come out escaped. Settings are shown in publishable form
    (`unlearn_audit.report.settings.publishable`).

    Parameters
    ----------
    findings
        What the audit found.
    scores
        One row per scored target row: columns game, role ('deleted', 'retained', 'unseen'), paper (bool), and one of
        floats per attack named ``attack/attack_model``; columns world, request, record and query are not read.

    Raises
    ------
    AuditError
        If the scores lack the selected attack.
    """
    leading = findings.leading()
    headline, _, rest = findings.verdict.summary.partition(". ")
    positive, negative = roles(leading.game)
    return page_template("report.html.j2").render(
        findings=findings,
        title=f"{without_folder(findings.dataset)}, {findings.model}",
        leading=leading,
        headline=headline.removesuffix("."),
        explanation=rest,
        asked=_asked(findings, leading),
        details=publishable(findings.details),
        key_figures=_key_figures(leading),
        positive=role_words(positive),
        negative=role_words(negative),
        sections=_sections(findings, leading),
        plots=[
            [
                (
                    plot.title,
                    plot.caption.format(positive=role_words(positive)),
                    Markup(plot.draw(findings, scores)),  # matplotlib escapes texts  # nosec B704
                )
                for plot in column
            ]
            for column in PLOTS
        ],
        privacy_plot=Markup(privacy_plot(findings)),  # likewise  # nosec B704
        overfitting=[
            (side, [number(v) for v in (spread.minimum, spread.mean, spread.maximum)], spread.n)
            for side, spread in (findings.overfitting or {}).items()
        ],
        released=[
            (r.defense, [number(v) for v in (r.accuracy, r.brier, r.calibration_error)])
            for r in (findings.released if len(findings.released) > 1 else ())
        ],
        further=further(findings),
        arms_words=() if findings.arms is None else arms_words(findings.arms),
        arms_columns=ARMS_COLUMNS,
        arms_rows=() if findings.arms is None else arms_rows(findings.arms),
        arms_plot="" if findings.arms is None else Markup(arms_plot(findings.arms)),  # likewise  # nosec B704
        groups=[(of.column or of.by, of, number(of.auc), interval(of.auc_ci)) for of in findings.groups],
        level="" if findings.record_risk is None else percent(findings.record_risk.level),
        fewest_in_a_group=FEWEST_IN_A_GROUP,
        private=[(r.defense, r.privacy) for r in findings.released if r.privacy is not None],
        settings=publishable(findings.config),
        execution=publishable(findings.execution),
        least_false_positives=MIN_EXPECTED_FALSE_POSITIVES,
        missing=NOT_GIVEN,
    )


def _asked(findings: Findings, leading: Result) -> list[tuple[str, str, str]]:
    """Return what was asked as term, answer and explanation."""
    sides = roles(leading.game)
    positive, negative = (role_words(role) for role in sides)
    regime = REGIMES.get(findings.regime, "")
    if findings.regime_note:
        regime = f"{regime}. {findings.regime_note}" if regime else findings.regime_note
    unit = "independent in the intervals" if leading.interval_unit == "world" else "intervals are per record"
    asked = [
        ("Dataset", without_folder(findings.dataset), ""),
        ("Model", findings.model, ""),
        ("Unlearning", _unlearning(findings), ""),
        ("Regime", findings.regime, regime),
        ("Target worlds", f"{leading.n_worlds:,}", unit),
        ("Game", leading.game, f"{positive} against {negative}"),
        ("View", leading.view, f"the leading attack sees {VIEWS.get(leading.view, 'what its name says')}"),
        ("Scored", f"{leading.n_positive:,} {sides[0]}, {leading.n_negative:,} {sides[1]}", ""),
    ]
    if findings.canaries is not None:
        asked.append(("Canaries", findings.canaries, "audited records have wrong labels: a worst case"))
    if leading.defense != "none":
        asked.append(("Defence", leading.defense, ""))
    return asked


def _unlearning(findings: Findings) -> str:
    value = findings.config.get("unlearning")
    method = value.get("method") if isinstance(value, dict) else value
    return "not stated" if method is None else str(method)


def _key_figures(leading: Result) -> list[Figure]:
    figures = [
        Figure("AUC", number(leading.auc), interval(leading.auc_ci), "0.5 is guessing, 1 is certainty"),
    ]
    if leading.auc_minus_classical is not None:
        figures.append(
            Figure(
                "AUC beyond the original alone",
                number(leading.auc_minus_classical, signed=True),
                interval(leading.auc_minus_classical_ci, signed=True),
                f"compared with {leading.strongest_classical}",
            )
        )
    for rate, value in leading.tpr_at_fpr.items():
        realised = leading.realised_fpr.get(rate)
        figures.append(
            Figure(
                f"TPR at {percent(rate)} FPR",
                number(value),
                interval(leading.tpr_at_fpr_ci.get(rate)),
                f"realised FPR {percent(round(realised, 5))}"
                if realised is not None and value is not None
                else f"not printed: fewer than {MIN_EXPECTED_FALSE_POSITIVES} false positives expected",
            )
        )
    figures.append(Figure("Accuracy", number(leading.accuracy), interval(leading.accuracy_ci), "both roles weigh 1/2"))
    if leading.bits is not None:
        figures.append(
            Figure(
                "Bits", number(leading.bits, signed=True), interval(leading.bits_ci, signed=True), "added by the update"
            )
        )
    return figures


def _sections(findings: Findings, leading: Result) -> list[dict[str, Any]]:
    """Return per set of rows, that of the leading result first, the tables of attacks and of degradation."""
    words = {
        "all": ("Every record queried", "all records of each role count, weighted so that both roles weigh the same"),
        "paper": ("The paper's rows", "one record of each role for each deleted person of a pair"),
    }
    kinds = [leading.rows, *({r.rows for r in findings.results} - {leading.rows})]
    sections = []
    for kind in kinds:
        results = [r for r in findings.results if r.rows == kind]
        results.sort(key=lambda r: (not is_selected(r, findings.selected), -r.auc))
        sections.append(
            {
                "id": kind,
                "title": words[kind][0],
                "explanation": words[kind][1],
                "attacks": _table(findings, results, _attack_cells(results)),
                "degradation": _table(
                    findings, [r for r in results if r.deg_count is not None], _degradation_cells(results)
                ),
            }
        )
    return sections


def _table(findings: Findings, results: Sequence[Result], cells: dict[int, tuple[Figure, ...]]) -> Table:
    """Return a table; game, view and defence have a column only where they differ."""
    fields = [
        (name, label)
        for name, label in (("game", "Game"), ("defense", "Defence"))
        if len({getattr(r, name) for r in findings.results}) > 1
    ]
    defended = any(name == "defense" for name, _ in fields)
    rows = tuple(
        Row(
            attack=r.attack,
            attack_model=r.attack_model or NOT_GIVEN,
            tags=tuple(getattr(r, name) for name, _ in fields) + ((adapting(r),) if defended else ()),
            classical=r.is_classical,
            leading=is_selected(r, findings.selected),
            cells=cells[id(r)],
        )
        for r in results
    )
    columns = tuple(figure.label for figure in rows[0].cells) if rows else ()
    return Table(columns, (*(label for _, label in fields), *(("Attacker",) if defended else ())), rows)


def _attack_cells(results: Iterable[Result]) -> dict[int, tuple[Figure, ...]]:
    results = list(results)
    rates = list(dict.fromkeys(rate for r in results for rate in r.tpr_at_fpr))
    return {
        id(r): (
            _cell("AUC", r.auc, r.auc_ci),
            _cell("− classical", r.auc_minus_classical, r.auc_minus_classical_ci, signed=True),
            *(
                _cell(f"TPR at {percent(rate)}", r.tpr_at_fpr.get(rate), r.tpr_at_fpr_ci.get(rate))
                for rate in rates
                if any(other.tpr_at_fpr.get(rate) is not None for other in results)
            ),
            _cell("Accuracy", r.accuracy, r.accuracy_ci),
            Figure(
                "Epsilon at least",
                number(r.epsilon),
                "" if r.epsilon_ceiling is None else f"of at most {number(r.epsilon_ceiling)}",
                sort=r.epsilon,
            ),
            Figure("AUC, all attacks at once", interval(r.auc_simultaneous_ci) or NOT_GIVEN, ""),
            _cell("Shadow AUC", r.shadow_auc, None),
        )
        for r in results
    }


def _degradation_cells(results: Iterable[Result]) -> dict[int, tuple[Figure, ...]]:
    return {
        id(r): (
            _cell("DegCount", r.deg_count, r.deg_count_ci),
            _cell("DegCount ties ½", r.deg_count_ties_half, r.deg_count_ties_half_ci),
            _cell("DegCount calibrated", r.deg_count_calibrated, r.deg_count_calibrated_ci),
            _cell("DegRate", r.deg_rate, r.deg_rate_ci, signed=True),
            _cell("DegRate calibrated", r.deg_rate_calibrated, r.deg_rate_calibrated_ci, signed=True),
            _cell("Bits", r.bits, r.bits_ci, signed=True),
        )
        for r in results
    }


def _cell(label: str, value: float | None, ends: Interval | None, *, signed: bool = False) -> Figure:
    return Figure(label, number(value, signed=signed), interval(ends), sort=value)
