"""What a plan says: findings, a page with a figure, and lines for a terminal. They name nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearn_audit.audits.release.plan.search import Plan, Target, Tried
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.svg import (
    CLASSICAL,
    DELETED,
    INK,
    LEADING,
    MUTED,
    PAIR,
    RETAINED,
    UNSEEN,
    drawing,
    new_figure,
    to_svg,
)
from unlearn_audit.report.wording import interval, percent
from unlearn_audit.utils.files import write_atomic

SCHEMA = "unlearn-audit/release-plan/2"
"""Name and version of the layout."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PolicyFinding(_Frozen):
    """One policy and what its trial releases showed."""

    batch: int = Field(description="people deleted in one release")
    decimals: int | None = Field(description="to how many answers are rounded; null: not at all")
    regime: str
    guarantee: float = Field(description="what the share of its releases keeps to")
    mean_leak: float = Field(description="the mean over its trial releases: people identified, or their mean rank")
    any_identified: float | None = Field(
        description="share of trial releases in which anybody was identified; null for ranks"
    )
    met: bool
    accuracy: float
    brier: float
    cost: float


class PlanFindings(_Frozen):
    """The content of ``plan.json``."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any]
    target: str
    share: float = Field(description="share of releases that a guarantee speaks of")
    confidence: float = Field(description="of all guarantees at once")
    waiting: float
    releases: int
    references: int
    accuracy_before: float
    brier_before: float
    policies: tuple[PolicyFinding, ...] = Field(description="by cost")
    chosen: PolicyFinding | None
    checks: int
    kept: float | None = Field(description="share of checked releases that keep to the chosen policy's guarantee")
    kept_ci: tuple[float, float] | None
    summary: str
    limits: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the text of ``plan.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"


def plan_findings(plan: Plan, config: Mapping[str, Any]) -> PlanFindings:
    """Sum up a plan."""
    identified = plan.settings.target.kind == "identified"
    by_policy = {of.policy: _policy(of, identified) for of in plan.tried}
    kept = plan.kept
    return PlanFindings(
        config=dict(config),
        target=target_words(plan.settings.target),
        share=plan.settings.share,
        confidence=plan.settings.confidence,
        waiting=plan.settings.waiting,
        releases=plan.settings.releases,
        references=plan.references,
        accuracy_before=plan.before.accuracy,
        brier_before=plan.before.brier,
        policies=tuple(by_policy.values()),
        chosen=None if plan.chosen is None else by_policy[plan.chosen.policy],
        checks=len(plan.checked),
        kept=None if kept is None else kept[0],
        kept_ci=None if kept is None else kept[1:],
        summary=_summary(plan),
        limits=_limits(plan),
        notes=plan.notes,
    )


def _policy(of: Tried, identified: bool) -> PolicyFinding:
    return PolicyFinding(
        batch=of.policy.batch,
        decimals=of.policy.decimals,
        regime=of.policy.regime.value,
        guarantee=of.guarantee,
        mean_leak=float(of.leaks.mean()),
        any_identified=float((of.leaks > 0).mean()) if identified else None,
        met=of.met,
        accuracy=of.utility.accuracy,
        brier=of.utility.brier,
        cost=of.cost,
    )


def target_words(target: Target) -> str:
    """Return a target as the end of a sentence.

    Examples
    --------
    >>> target_words(Target("identified", 0)), target_words(Target("rank", 100))
    ('nobody can be identified', 'the deleted rank 100 or later on average')
    """
    if target.kind == "rank":
        return f"the deleted rank {target.value:,.0f} or later on average"
    return (
        "nobody can be identified"
        if not target.value
        else f"at most {target.value:,.0f} of its people can be identified"
    )


def _summary(plan: Plan) -> str:
    target, settings = target_words(plan.settings.target), plan.settings
    at = f"in at least {percent(settings.share)} of releases"
    if plan.chosen is None:
        return (
            f"No policy that was tried keeps to the target. {len(plan.tried):,} policies were tried, "
            f"{settings.releases:,} releases each; under none of them {target} {at}. Try larger batches, "
            "fewer decimals or fresh randomness."
        )
    of, kept = plan.chosen, plan.kept
    if settings.target.kind == "identified":
        guarantee = (
            "nobody can be identified"
            if of.guarantee == 0
            else f"at most {of.guarantee:,.0f} of its people can be identified"
        )
    else:
        guarantee = (
            f"the deleted rank {of.guarantee:,.0f} or later, on average over a release, of {plan.references + 1:,}"
        )
    checked = ""
    if kept is not None:
        checked = (
            f" On {len(plan.checked):,} further releases, of other people and with other references, the guarantee "
            f"held in {percent(round(kept[0], 4))} ({interval((100 * kept[1], 100 * kept[2]), 1)} %)."
        )
    return (
        f"Least costly: {of.policy.words}. Then {guarantee} {at} (with a confidence of {percent(settings.confidence)} "
        f"for all {len(plan.tried):,} policies at once).{checked} Accuracy of the answers is {of.utility.accuracy:.4f} "
        f"instead of {plan.before.accuracy:.4f}, their Brier score {of.utility.brier:.5f} instead of "
        f"{plan.before.brier:.5f}."
    )


def _limits(plan: Plan) -> tuple[str, ...]:
    examination = plan.settings.examination
    said = [
        "Trial releases delete people drawn at random from those in training. People who ask to be deleted may differ "
        "from them.",
        "People of a trial release are compared with references of every class: both were drawn at random from the "
        "same people. release compares within a class, which needs more references and can tell others.",
        "All are releases of one original model, retrained exactly without them. Another original, or another way of "
        "unlearning, needs a plan of its own.",
        f"An observer looks at one score, {examination.score or 'margin-difference'}, and needs no model of its own. "
        "One who trains models, or asks more often, can see more.",
    ]
    if plan.settings.target.kind == "identified":
        level = percent(round(1 - examination.confidence, 9))
        said.append(
            f"By chance alone, somebody counts as identified in up to {level} of releases that give nobody away."
        )
    return tuple(said)


def render_plan(found: PlanFindings) -> str:
    """Return the page: self-contained, without scripts, and it names nobody."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("unlearn_audit.audits.release"), PackageLoader("unlearn_audit.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    headline, _, explanation = found.summary.partition(". ")
    identified = found.policies[0].any_identified is not None
    return environment.get_template("plan.html.j2").render(
        found=found,
        title="How to release updates",
        target=found.target,
        headline=headline,
        explanation=explanation,
        share=percent(found.share),
        guaranteed="At most identified" if identified else "Mean rank at least",
        mean="Mean identified" if identified else "Mean rank",
        plot=Markup(trade_plot(found)),
        settings=publishable(found.config),
    )


_STYLES = ((LEADING, "o"), (DELETED, "s"), (UNSEEN, "^"), (RETAINED, "D"), (CLASSICAL, "v"), (PAIR, "P"), (MUTED, "X"))


def trade_plot(found: PlanFindings) -> str:
    """Draw what each policy's releases leak against what it costs, a colour and shape for each rounding."""
    identified = found.policies[0].any_identified is not None
    with drawing("trade"):
        figure, axes = new_figure(7.2, 4.0)
        kinds = list(dict.fromkeys((of.decimals, of.regime) for of in sorted(found.policies, key=_decimals)))
        several = len({of.regime for of in found.policies}) > 1
        for i, (decimals, regime) in enumerate(kinds):
            own = sorted((of for of in found.policies if (of.decimals, of.regime) == (decimals, regime)), key=_batch)
            colour, marker = _STYLES[i % len(_STYLES)]
            label = "as they are" if decimals is None else "1 decimal" if decimals == 1 else f"{decimals} decimals"
            x = [of.cost for of in own]
            y = [of.any_identified if of.any_identified is not None else of.mean_leak for of in own]
            axes.plot(
                x,
                y,
                linestyle=(0, (1, 2)),
                linewidth=0.9,
                color=colour,
                marker=marker,
                markersize=5,
                label=f"{label}, {regime}" if several else label,
            )
            for of, a, b in zip(own, x, y, strict=True):
                axes.annotate(f"{of.batch}", (a, b), (4, 4), textcoords="offset points", fontsize=7, color=MUTED)
        if found.chosen is not None:
            at = found.chosen.any_identified if found.chosen.any_identified is not None else found.chosen.mean_leak
            axes.plot(found.chosen.cost, at, "o", markersize=13, markerfacecolor="none", color=INK, label="chosen")
        axes.set_xlabel("cost, in points of 100 (numbers: people a release)")
        axes.set_ylabel("releases in which anybody is identified" if identified else "mean rank of the deleted")
        if identified:
            axes.set_ylim(-0.02, 1.02)
        else:
            axes.set_yscale("log")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, borderaxespad=0.2)
        points = "; ".join(
            f"{of.batch} a release, {'all' if of.decimals is None else of.decimals} decimals, {of.regime}: cost "
            f"{of.cost:.3f}, {_seen(of)}"
            for of in found.policies
        )
        return to_svg(figure, "trade", "Leak of every policy against its cost", points)


def _seen(of: PolicyFinding) -> str:
    return (
        f"rank {of.mean_leak:.0f}"
        if of.any_identified is None
        else f"identified in {percent(round(of.any_identified, 3))}"
    )


def _decimals(of: PolicyFinding) -> tuple[int, str]:
    return (-99 if of.decimals is None else -of.decimals, of.regime)


def _batch(of: PolicyFinding) -> int:
    return of.batch


def write_plan(folder: Path, found: PlanFindings) -> Path:
    """Write ``plan.json`` and ``report.html``; return the path of the page."""
    page = render_plan(found)
    write_atomic(folder / "plan.json", found.to_json())
    write_atomic(folder / "report.html", page)
    return folder / "report.html"


def print_plan(console: Console, found: PlanFindings, page: str) -> None:
    """Print the policies by cost, what was chosen, and where the page is."""
    identified = found.policies[0].any_identified is not None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("people", "decimals", "randomness"):
        table.add_column(heading, no_wrap=True)
    for heading in (
        "at most identified" if identified else "mean rank from",
        "any identified" if identified else "mean rank",
        "accuracy",
        "cost",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for of in found.policies:
        seen = percent(round(of.any_identified, 3)) if of.any_identified is not None else f"{of.mean_leak:.1f}"
        cells = [
            f"{of.batch}",
            "all" if of.decimals is None else f"{of.decimals}",
            of.regime,
            f"{of.guarantee:.4g}",
            seen,
        ]
        style = "bold" if of == found.chosen else None if of.met else "dim"
        table.add_row(*cells, f"{of.accuracy:.4f}", f"{of.cost:.3f}", style=style)
    console.print(table)
    console.print()
    headline, _, rest = found.summary.partition(". ")
    console.print(Text.assemble((f"{headline}.", "bold"), f" {rest}"))
    console.print()
    console.print(Text(f"Report: {page}"), soft_wrap=True)
