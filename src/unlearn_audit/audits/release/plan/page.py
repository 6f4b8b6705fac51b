"""A plan for people: a page with a figure, and lines for a terminal. They name nobody."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from unlearn_audit.audits.release.plan.findings import PlanFindings, PolicyFinding
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.signing import Signing
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
from unlearn_audit.report.tables import Cell, Line, Table
from unlearn_audit.report.wording import percent
from unlearn_audit.utils.files import write_atomic


def render_plan(found: PlanFindings, signing: Signing | None = None) -> str:
    """Return the page: self-contained, and it names nobody; by default it is dated now."""
    headline, _, explanation = found.summary.partition(". ")
    identified = found.policies[0].any_identified is not None
    return page_template("plan.html.j2", "unlearn_audit.audits.release").render(
        found=found,
        title="How to release updates",
        target=found.target,
        headline=headline,
        explanation=explanation,
        share=percent(found.share),
        policies=_policies(found, identified=identified),
        signing=signing or Signing.now(),
        plot=Markup(trade_plot(found)),  # matplotlib escapes texts  # nosec B704
        settings=publishable(found.config),
    )


def _policies(found: PlanFindings, *, identified: bool) -> Table:
    """Return the policies by cost, the chosen one in front of the eye."""
    texts = ("People per release", "Decimals", "Randomness", "Target")
    numbers = (
        "At most identified" if identified else "Mean rank at least",
        "Mean identified" if identified else "Mean rank",
        "Accuracy",
        "Brier score",
        "Cost",
    )
    return Table(
        "All policies",
        (*((title, False) for title in texts), *((title, True) for title in numbers)),
        tuple(
            Line(
                f"{policy.batch}",
                (
                    Cell("all" if policy.decimals is None else f"{policy.decimals}"),
                    Cell(policy.regime),
                    Cell("met" if policy.met else "missed"),
                    Cell(f"{policy.guarantee:.4g}", sort=policy.guarantee),
                    Cell(f"{policy.mean_leak:.3g}", sort=policy.mean_leak),
                    Cell(f"{policy.accuracy:.4f}", sort=policy.accuracy),
                    Cell(f"{policy.brier:.5f}", sort=policy.brier),
                    Cell(f"{policy.cost:.3f}", sort=policy.cost),
                ),
                leading=policy == found.chosen,
            )
            for policy in found.policies
        ),
    )


_STYLES = ((LEADING, "o"), (DELETED, "s"), (UNSEEN, "^"), (RETAINED, "D"), (CLASSICAL, "v"), (PAIR, "P"), (MUTED, "X"))


def trade_plot(found: PlanFindings) -> str:
    """Draw what each policy's releases leak against what it costs, a colour and shape for each rounding."""
    identified = found.policies[0].any_identified is not None
    with drawing("trade"):
        figure, axes = new_figure(5.4, 4.0)
        ordered = sorted(found.policies, key=_decimals)
        kinds = list(dict.fromkeys((policy.decimals, policy.regime) for policy in ordered))
        several = len({policy.regime for policy in found.policies}) > 1
        for i, (decimals, regime) in enumerate(kinds):
            of_kind = (policy for policy in found.policies if (policy.decimals, policy.regime) == (decimals, regime))
            own = sorted(of_kind, key=_batch)
            colour, marker = _STYLES[i % len(_STYLES)]
            label = "as they are" if decimals is None else "1 decimal" if decimals == 1 else f"{decimals} decimals"
            x = [policy.cost for policy in own]
            y = [policy.any_identified if policy.any_identified is not None else policy.mean_leak for policy in own]
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
            for policy, a, b in zip(own, x, y, strict=True):
                axes.annotate(f"{policy.batch}", (a, b), (4, 4), textcoords="offset points", fontsize=7, color=MUTED)
        if found.chosen is not None:
            at = found.chosen.any_identified if found.chosen.any_identified is not None else found.chosen.mean_leak
            axes.plot(found.chosen.cost, at, "o", markersize=13, markerfacecolor="none", color=INK, label="chosen")
        axes.set_xlabel("cost, in points of 100 (numbers: people per release)")
        axes.set_ylabel("releases in which anyone is identified" if identified else "mean rank of the deleted")
        if identified:
            axes.set_ylim(-0.02, 1.02)
        else:
            axes.set_yscale("log")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0.2)
        points = "; ".join(
            f"{policy.batch} per release, {'all' if policy.decimals is None else policy.decimals} decimals, "
            f"{policy.regime}: cost {policy.cost:.3f}, {_seen(policy)}"
            for policy in found.policies
        )
        return to_svg(figure, "trade", "Leak of every policy against its cost", points)


def _seen(policy: PolicyFinding) -> str:
    return (
        f"rank {policy.mean_leak:.0f}"
        if policy.any_identified is None
        else f"identified in {percent(round(policy.any_identified, 3))}"
    )


def _decimals(policy: PolicyFinding) -> tuple[int, str]:
    return (-99 if policy.decimals is None else -policy.decimals, policy.regime)


def _batch(policy: PolicyFinding) -> int:
    return policy.batch


def write_plan(folder: Path, found: PlanFindings) -> Path:
    """Write ``plan.json`` and ``report.html``; return the path of the page."""
    page = render_plan(found)
    write_atomic(folder / "plan.json", found.to_json(), publishable=True)
    write_atomic(folder / "report.html", page, publishable=True)
    return folder / "report.html"


def print_plan(console: Console, found: PlanFindings, page: str) -> None:
    """Print the policies by cost, what was chosen, and where the page is."""
    identified = found.policies[0].any_identified is not None
    table = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("people", "decimals", "randomness"):
        table.add_column(heading, no_wrap=True)
    for heading in (
        "at most identified" if identified else "mean rank from",
        "any identified" if identified else "mean rank",
        "accuracy",
        "cost",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for policy in found.policies:
        seen = (
            percent(round(policy.any_identified, 3)) if policy.any_identified is not None else f"{policy.mean_leak:.1f}"
        )
        cells = [
            f"{policy.batch}",
            "all" if policy.decimals is None else f"{policy.decimals}",
            policy.regime,
            f"{policy.guarantee:.4g}",
            seen,
        ]
        style = "bold" if policy == found.chosen else None if policy.met else "dim"
        table.add_row(*cells, f"{policy.accuracy:.4f}", f"{policy.cost:.3f}", style=style)
    console.print(table)
    console.print()
    headline, _, rest = found.summary.partition(". ")
    console.print(Text.assemble((f"{headline}.", "bold"), f" {rest}"))
    console.print()
    console.print(Text(f"Report: {page}"), soft_wrap=True)
