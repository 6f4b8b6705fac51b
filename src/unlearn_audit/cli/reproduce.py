"""``unlearn-audit reproduce``: the paper's experiments, one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.cli.shared.values import one_of
from unlearn_audit.config import ReuseName
from unlearn_audit.engine import default_store_folder
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.reproduce import EXPERIMENTS, SCALES, estimate_cost, reproduce
from unlearn_audit.reproduce.claims import tally
from unlearn_audit.reproduce.output import claims_by_text, overview, write_reproduction
from unlearn_audit.utils.console import messages, output
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say, say_json


def reproduce_command(
    name: Annotated[
        str,
        typer.Argument(
            help="An experiment, 'all', or 'list' to list them.",
            show_default=False,
            autocompletion=one_of(*EXPERIMENTS, "all", "list"),
        ),
    ],
    scale: Annotated[
        str, typer.Option(help="smoke (seconds), small (minutes) or paper (hours).", autocompletion=one_of(*SCALES))
    ] = "small",
    jobs: options.Jobs = 1,
    executor: options.Executor = None,
    scheduler: options.Scheduler = None,
    store: options.Store = None,
    no_reuse: options.NoReuse = False,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Run an experiment of Chen et al. (CCS 2021) and decide its claims.

    Typical calls:

    unlearn-audit reproduce list

    unlearn-audit reproduce group --scale small --jobs 2 --out group
    """
    if name == "list":
        _list(as_json)
        return
    if name not in EXPERIMENTS and name != "all":
        raise AuditError(f"no experiment '{name}'; see 'unlearn-audit reproduce list', or say all")
    if scale not in SCALES:
        raise AuditError(f"no scale '{scale}'; use one of {', '.join(SCALES)}")
    chosen = EXPERIMENTS if name == "all" else {name: EXPERIMENTS[name]}
    console = messages()
    summary, finished = {}, []
    for each, experiment in chosen.items():
        folder = (out or Path("runs") / f"reproduce-{scale}") / each
        cells = [cell.config.model_dump(mode="json") for cell in experiment.grid(SCALES[scale])]
        identity = _identity(each, scale, cells)
        with run_folder(folder, identity, note, store or default_store_folder(), force=force):
            cost = estimate_cost(experiment, SCALES[scale], jobs)
            console.print(
                f"{experiment.title}: {cost.cells} audits, {cost.trainings:,} trainings, about "
                f"{_duration(cost.seconds)} if nothing is stored yet"
            )
            with reporter(console) as shown:
                reuse: ReuseName | None = "never" if no_reuse else None
                execution = Execution(jobs, store, shown, executor, scheduler, reuse=reuse)
                done = reproduce(experiment, SCALES[scale], execution, lambda line: console.print(line, style="dim"))
            page = write_reproduction(folder, done)
        finished.append(done)
        summary[each] = {claim: tally(decisions) for claim, decisions in claims_by_text(done).items()}
        if not as_json:
            for claim, outcome in summary[each].items():
                output().print(Text.assemble(f"  {claim}: ", (outcome, "bold")))
            say(f"  Report: {page}")
    if name == "all":
        write_atomic((out or Path("runs") / f"reproduce-{scale}") / "overview.md", overview(finished))
    if as_json:
        say_json(summary)


def _identity(experiment: str, scale: str, cells: list[Any]) -> dict[str, str]:
    return {"experiment": experiment, "scale": scale, "cells": digest({"cells": cells})}


def _list(as_json: bool) -> None:
    if as_json:
        shown = {e.name: {"title": e.title, "claim": e.claim, "values": e.values} for e in EXPERIMENTS.values()}
        say_json(shown)
        return
    grid = Table(box=None, padding=(0, 2, 1, 0))
    for heading in ("name", "grid", "the paper claims"):
        grid.add_column(heading, no_wrap=heading == "name")
    for experiment in EXPERIMENTS.values():
        grid.add_row(experiment.name, experiment.values, experiment.claim)
    output().print(grid)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
