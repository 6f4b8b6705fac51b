"""``unlearn-audit rectify``: what two versions tell of a value that was corrected between them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.rectification.page import asked, interval, markdown, still, verdict
from unlearn_audit.audits.rectification.run import NOT_HERE, Rectification, check
from unlearn_audit.audits.rectification.run import rectify as measure
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine import default_store_folder
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.utils.console import output
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say_json


@partial(configured, without=NOT_HERE)
def rectify(
    specification: AuditConfig,
    columns: Annotated[int, typer.Option(help="The most columns to consider.")] = 20,
    null: Annotated[
        bool,
        typer.Option("--null", help="Rewrite each value unchanged: a check in which there should be nothing to find."),
    ] = False,
    jobs: options.Jobs = 1,
    executor: options.Executor = None,
    store: options.Store = None,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Correct one value in each of several records, and measure what the versions reveal about it (GDPR, article 16).

    Takes the data, model, sizes, unlearning method and one --defense of run; --deletions is the number of corrections
    in each world. Reports how often the corrected column is identified, and whether the old value can be
    distinguished from the new one, and corrected records from unchanged ones. Writes nothing about any single
    record.

    Typical calls:

    unlearn-audit rectify --dataset adult --model logistic-regression --jobs 2

    unlearn-audit rectify --dataset adult --model decision-tree --null --json
    """
    task = AuditTask.load(specification)
    check(task, columns)
    identity = {"rectification": {"columns": columns, "null": null}, **task.identity}
    folder = out or Path("runs") / f"rectification-{digest(identity)[:8]}"
    with run_folder(folder, identity, note, store or default_store_folder(), force=force):
        with reporter() as shown:
            execution = Execution(jobs=jobs, executor=executor, store=store, reporter=shown)
            found = measure(task, execution, columns, null=null)
        document = json.dumps({"config": identity, **found.document()}, indent=1) + "\n"
        write_atomic(folder / "rectification.json", document, publishable=True)
        page = markdown(found, task.records["target"].data.name, task.models["target"].name)
        write_atomic(folder / "rectification.md", page, publishable=True)
    if as_json:
        say_json(document)
    else:
        _print(output(), found, folder)


def _print(console: Console, found: Rectification, folder: Path) -> None:
    console.print(verdict(found), soft_wrap=True)
    table = Table("of a corrected value", "figure (95 % interval)", "guessing", box=box.SIMPLE_HEAD)
    for words, of, chance in found.figures():
        table.add_row(words, interval(of), f"{chance:.3f}")
    console.print(table)
    console.print(asked(found), soft_wrap=True)
    console.print(still(found), soft_wrap=True)
    why = f": {found.regime_note}" if found.regime_note else ""
    console.print(f"Regime {found.regime}{why}.", soft_wrap=True)
    for line in found.notes:
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Figures: {folder / 'rectification.json'}; page: {folder / 'rectification.md'}")
