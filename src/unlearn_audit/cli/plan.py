"""``unlearn-audit plan``: what ``run`` would take, before it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from unlearn_audit.audits.agents.plan import plan_agent
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.forecast import Cost, Forecast, forecast
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.cli.agent import say_plan
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.config import AuditConfig
from unlearn_audit.utils.console import output
from unlearn_audit.utils.progress import duration, reporter
from unlearn_audit.utils.streams import say_json

_NAMES = {"none": "undefended"}
"""What arms of an audit are called, where not by their name."""


@configured
def plan(
    specification: AuditConfig,
    jobs: options.Jobs = 1,
    executor: options.Executor = None,  # noqa: ARG001 - these are here so that plan can stand in place of run
    scheduler: options.Scheduler = None,  # noqa: ARG001
    store: options.Store = None,
    explain: options.Explain = False,  # noqa: ARG001
    keep_going: options.KeepGoing = False,  # noqa: ARG001
    out: options.Out = None,  # noqa: ARG001
    force: options.Force = False,  # noqa: ARG001
    owner: options.Owner = None,  # noqa: ARG001
    every_attack: options.EveryAttack = False,  # noqa: ARG001
    adapter: Annotated[
        str | None,
        typer.Option(help="Plan an audit of this agent instead, as agent --plan does.", rich_help_panel="Execution"),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Estimate what run would take with the same options: trainings, time, memory and disk.

    Times one world of each kind of training, with few deletions. Keeps nothing, and does not touch --out.

    Typical calls:

    unlearn-audit plan --dataset adult --model random-forest --jobs 2

    unlearn-audit plan --dataset adult --shadow-worlds 20 --target-worlds 20 --deletions 100 --json

    unlearn-audit plan audit.yaml --until "auc ± 0.03"
    """
    if adapter is not None:
        with reporter() as shown:
            say_plan(plan_agent(adapter, progress=shown), as_json=as_json)
        return
    task = AuditTask.load(specification)
    with reporter() as shown:
        found = forecast(task, Execution(jobs=jobs, store=store, reporter=shown))
    say_forecast(found, as_json=as_json)


def say_forecast(found: Forecast, *, as_json: bool, names: Mapping[str, str] = _NAMES) -> None:
    """Print a forecast, for people with other names of some arms, or as JSON."""
    if as_json:
        say_json(_document(found))
    else:
        _print(output(), found, names)


def _document(found: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON; that of the most worlds stands under ``at_most``."""
    return {
        **_cost_document(found.cost),
        "at_most": None if found.at_most is None else _cost_document(found.at_most),
        "assumptions": found.assumptions,
        "notes": found.notes,
        "shows": found.shows,
        "regime": found.regime,
        "regime_note": found.regime_note,
    }


def _cost_document(cost: Cost) -> dict[str, Any]:
    return {
        "trainings": cost.trainings,
        "trainings_stored": cost.trainings_stored,
        "seconds": round(cost.seconds, 2),
        "bytes": cost.bytes,
        **{key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(cost).items()},
    }


def _print(console: Console, found: Forecast, names: Mapping[str, str]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("arm", "side"):
        table.add_column(heading, overflow="fold")
    for heading in ("worlds", "trainings", "in the store", "a world", "in all"):
        table.add_column(heading, justify="right", overflow="fold")
    cost = found.at_most or found.cost
    for side in cost.sides:
        table.add_row(
            names.get(side.arm, side.arm),
            side.side,
            f"{side.worlds:,}",
            f"{side.trainings:,}",
            f"{side.trainings_stored:,}",
            duration(side.seconds_per_world),
            duration(side.seconds),
        )
    rest = {
        "start": cost.seconds_start,
        "all worlds": cost.seconds_worlds if cost.jobs > 1 else 0.0,
        "attacks": cost.seconds_attacks,
        "influences": cost.seconds_influence,
    }
    for what, seconds in rest.items():
        if seconds:
            together = f"{cost.jobs} jobs" if cost.jobs > 1 and what != "start" else ""
            table.add_row(what, together, "", "", "", "", duration(seconds))
    console.print(table)
    if found.at_most is None:
        console.print(summary(found.cost), style="bold")
    else:
        console.print(f"At the first look: {summary(found.cost)}", style="bold")
        console.print(f"At most, as in the table: {summary(found.at_most)}", style="bold")
    for line in found.shows:
        console.print(line)
    regime = f"regime {found.regime}{f': {found.regime_note}' if found.regime_note else ''}"
    for line in (regime, *found.notes, *found.assumptions):
        console.print(line, style="dim", markup=False, highlight=False)


def summary(cost: Cost) -> str:
    """Return a forecast in one line."""
    jobs = "1 job" if cost.jobs == 1 else f"{cost.jobs} jobs"
    stored = f" ({cost.trainings_stored:,} of them in the store)" if cost.trainings_stored else ""
    parts = [f"{cost.trainings:,} trainings{stored}", f"about {duration(cost.seconds)} on {jobs}"]
    if cost.memory_per_worker is not None:
        parts.append(f"{size(cost.memory_per_worker)} memory per worker")
    return ", ".join([*parts, f"{size(cost.bytes)} disk"])


def size(count: int) -> str:
    """Return a number of bytes with about two digits.

    Typical calls:

    >>> size(900), size(4_200), size(35_400_000), size(640_000_000), size(12_300_000_000)
    ('0.9 kB', '4.2 kB', '35 MB', '0.64 GB', '12 GB')
    """
    for most, unit, name in ((1e5, 1e3, "kB"), (1e8, 1e6, "MB")):
        if count < most:
            value = count / unit
            return f"{value:.2g} {name}" if value < 10 else f"{value:.0f} {name}"
    return f"{count / 1e9:.2g} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"
