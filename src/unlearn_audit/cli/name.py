"""``unlearn-audit name``: who was deleted, out of a whole register."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from unlearn_audit.audits.identification.page import render_naming
from unlearn_audit.audits.identification.ranking import COVERAGE, Naming, name_deleted, private_names
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine import default_store_folder
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.metrics import Estimate
from unlearn_audit.utils.console import output
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.spreadsheet import to_csv
from unlearn_audit.utils.streams import say_json


@configured
def name(
    specification: AuditConfig,
    queries: Annotated[
        int, typer.Option(help="Reference records about which the attacker queries both versions.")
    ] = 60,
    jobs: options.Jobs = 1,
    executor: options.Executor = None,
    scheduler: options.Scheduler = None,
    store: options.Store = None,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Rank a whole register by how well each candidate's deletion explains what changed between two versions.

    Takes the data, model, sizes and one --defense of run; the attacker trains one model and queries
    --queries reference records. Reports how often the deleted person ranks first, and how many people an attacker would
    have to flag. naming.json identifies no one; private-names.csv, for the owner only, lists the rank of each.

    Typical calls:

    unlearn-audit name --dataset adult --model logistic-regression --jobs 2

    unlearn-audit name --dataset adult --model logistic-regression --defense rounding:3 --queries 100 --json
    """
    task = AuditTask.load(specification)
    identity = {"naming": {"queries": queries}, **task.identity}
    folder = out or Path("runs") / f"naming-{digest(identity)[:8]}"
    with run_folder(folder, identity, note, store or default_store_folder(), force=force):
        with reporter() as shown:
            execution = Execution(jobs=jobs, executor=executor, scheduler=scheduler, store=store, reporter=shown)
            naming, found = name_deleted(task, execution, queries)
        content = {"config": task.identity, **naming.document(), "notes": naming.notes}
        document = json.dumps(content, indent=1) + "\n"
        write_atomic(folder / "naming.json", document, publishable=True)
        write_atomic(folder / "report.html", render_naming(naming, content["config"]), publishable=True)
        write_atomic(folder / "private-names.csv", to_csv(private_names(found)))
    if as_json:
        say_json(document)
    else:
        _print(output(), naming, folder)


def _print(console: Console, naming: Naming, folder: Path) -> None:
    table = Table("of the deleted", "share", "95 % interval", box=box.SIMPLE_HEAD)
    for words, share in (
        ("found first", naming.first),
        ("among the first ten", naming.first_ten),
        ("in the first 1 %", naming.first_percent),
        (f"in their set, made to hold {COVERAGE:.0%}", naming.set_coverage),
    ):
        table.add_row(words, *_percent(share))
    console.print(
        f"{naming.deletions:,} deletions, a register of {naming.register:,}, {naming.queries} reference records "
        "queried on both versions",
        soft_wrap=True,
    )
    console.print(table)
    console.print(
        f"Half of the deleted rank {naming.median_rank:,.0f} or better, and hide among {naming.set_size:,.0f} or "
        "fewer.",
        soft_wrap=True,
    )
    why = f": {naming.regime_note}" if naming.regime_note else ""
    console.print(f"Regime {naming.regime}{why}.", soft_wrap=True)
    if naming.unchanged:
        console.print(f"In {naming.unchanged:,} pairs no reference changed: their deleted records count as found last.")
    console.print(
        f"Figures: {folder / 'naming.json'}; who was found, for the owner only: {folder / 'private-names.csv'}"
    )
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)


def _percent(share: Estimate) -> tuple[str, str]:
    return f"{share.value:.1%}", f"{share.interval[0]:.1%} to {share.interval[1]:.1%}"
