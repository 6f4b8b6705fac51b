"""The report as one self-contained page of HTML, in a form to publish and in one for the auditor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES
from unlearn_audit.metrics.groups import FEWEST_IN_A_GROUP
from unlearn_audit.report.attack_tables import sections
from unlearn_audit.report.further import further
from unlearn_audit.report.further_tables import (
    arms_table,
    groups_table,
    overfitting_table,
    private_table,
    released_table,
    world_table,
)
from unlearn_audit.report.glossary import GLOSSARY
from unlearn_audit.report.marks import gauge, people_picture
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.plots import PLOTS
from unlearn_audit.report.privacy import privacy_plot
from unlearn_audit.report.settings import in_full, publishable, without_folder
from unlearn_audit.report.story import tell
from unlearn_audit.report.strips import attack_strips, release_strips
from unlearn_audit.report.tables import Table
from unlearn_audit.report.three_arms import arms_plot, arms_words
from unlearn_audit.report.wording import REGIMES, SEES, interval, number, percent, role_words, roles


@dataclass(frozen=True)
class Figure:
    """A number to be shown: its label, its value and interval as text, and what it means."""

    label: str
    value: str
    ends: str = ""
    note: str = ""


def render(findings: Findings, scores: pd.DataFrame, *, auditor: bool = False) -> str:
    """Return the report as a self-contained page: no request leaves it, and it names no record.

    All texts are data and come out escaped.

    Parameters
    ----------
    findings
        What the audit found.
    scores
        One row per scored target row: columns game, role ('deleted', 'retained', 'unseen'), paper (bool), and one of
        floats per attack named ``attack/attack_model``; columns request, record and query are not read.
    auditor
        Whether it is for the auditor alone: with paths of the disk, and the leading attack world by world. The other
        form shows settings as `unlearn_audit.report.settings.publishable` gives them.

    Raises
    ------
    AuditError
        If the scores lack the selected attack.
    """
    (page,) = render_forms(findings, scores, (auditor,))
    return page


def render_forms(findings: Findings, scores: pd.DataFrame, auditor: Sequence[bool] = (False, True)) -> list[str]:
    """Return the page in several forms, as `render` does one; what both show is drawn once."""
    leading = findings.leading()
    headline, _, rest = findings.verdict.summary.partition(". ")
    shared = {
        "findings": findings,
        "leading": leading,
        "headline": headline.removesuffix("."),
        "explanation": rest,
        "key_figures": _key_figures(leading),
        **_drawn(findings, scores, leading),
        **_tables(findings, leading),
        "further": further(findings),
        "arms_words": () if findings.arms is None else arms_words(findings.arms),
        "fewest_in_a_group": FEWEST_IN_A_GROUP,
        "neighbours": next((r.privacy.neighbours for r in findings.released if r.privacy is not None), ""),
        "glossary": GLOSSARY,
    }
    template = page_template("report.html.j2")
    return [template.render(**shared, **_of_form(findings, scores, leading, auditor=of)) for of in auditor]


def _of_form(findings: Findings, scores: pd.DataFrame, leading: Result, *, auditor: bool) -> dict[str, Any]:
    """Return what differs between the forms: settings, single worlds, and what the page says about handing it on."""
    dataset = findings.dataset if auditor else without_folder(findings.dataset)
    title = f"{dataset}, {findings.model}"
    shown = in_full if auditor else publishable
    execution = {key: value for key, value in findings.execution.items() if key not in ("date", "owner")}
    groups = [
        ("Names", [("dataset", dataset), ("model", findings.model)]),
        ("Data and worlds", shown(findings.details)),
        ("Configuration", shown(findings.config)),
        ("Execution, with no effect on the numbers", shown(execution)),
    ]
    none = Table("", (), ())
    return {
        "title": title,
        "form": "auditor’s form, private" if auditor else "publishable form",
        "story": tell(findings, title, publishable=not auditor),
        "asked": _asked(findings, leading, dataset),
        "settings": groups,
        "by_world": world_table(leading, scores) if auditor else none,
        "publish": (
            "This is the auditor’s form: it names folders and files. Keep it private, and pass on report.html."
            if auditor
            else "This page may be published: it holds totals and curves, but no records or folders. Read the warnings "
            "and notes first: they name columns of the table."
        ),
    }


def _drawn(findings: Findings, scores: pd.DataFrame, leading: Result) -> dict[str, Any]:
    """Return the pictures; matplotlib and `unlearn_audit.report.marks` escape texts."""
    story = tell(findings, "")
    positive, _ = roles(leading.game)
    releases_axis, releases = release_strips(story.releases)
    return {
        "picture": gauge(leading) if story.people is None else people_picture(story.people),
        "plots": [
            [
                {
                    "title": plot.title,
                    "caption": plot.caption.format(positive=role_words(positive)),
                    "drawn": Markup(plot.draw(findings, scores)),  # nosec B704
                }
                for plot in column
            ]
            for column in PLOTS
        ],
        "strips": attack_strips(findings),
        "releases": releases,
        "releases_axis": releases_axis,
        "arms_plot": "" if findings.arms is None else Markup(arms_plot(findings.arms)),  # nosec B704
        "privacy_plot": Markup(privacy_plot(findings)),  # nosec B704
    }


def _tables(findings: Findings, leading: Result) -> dict[str, Any]:
    return {
        "sections": sections(findings, leading),
        "groups": groups_table(findings),
        "released": released_table(findings),
        "private": private_table(findings),
        "overfitting": overfitting_table(findings),
        "arms_table": arms_table(findings),
    }


def _asked(findings: Findings, leading: Result, dataset: str) -> list[tuple[str, str, str]]:
    """Return what was asked as term, answer and explanation."""
    sides = roles(leading.game)
    positive, negative = (role_words(role) for role in sides)
    regime = REGIMES.get(findings.regime, "")
    if findings.regime_note:
        regime = f"{regime}. {findings.regime_note}" if regime else findings.regime_note
    unit = "independent in the intervals" if leading.interval_unit == "world" else "intervals are per record"
    asked = [
        ("Dataset", dataset, ""),
        ("Model", findings.model, ""),
        ("Unlearning", _unlearning(findings), "how the deleted records were removed"),
        ("Question", f"{positive} against {negative}", f"the game {leading.game}"),
        ("Attacker sees", SEES.get(leading.view, leading.view), f"the leading attack’s view: {leading.view}"),
        ("Randomness", findings.regime, regime),
        ("Repetitions", f"{leading.n_worlds:,}", f"target worlds, {unit}"),
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
