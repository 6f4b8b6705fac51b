"""``unlearn-audit compare-methods``: many unlearning methods alongside exact retraining, on the same worlds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.forecast import forecast_methods
from unlearn_audit.audits.methods.page import print_methods
from unlearn_audit.audits.methods.plan import NOT_HERE, comparison_config, methods_asked
from unlearn_audit.audits.methods.run import compare, identity_of
from unlearn_audit.cli.plan import say_forecast
from unlearn_audit.cli.run import folder_name
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.cli.shared.values import names_of
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.findings.tables import RETRAINING
from unlearn_audit.utils.console import output
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say_json

_Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help="An unlearning method: NAME, NAME:option=value,option=value, or file.py:object. "
        "Repeatable. Default: every one that can unlearn from the model. retrain and none always run.",
        rich_help_panel="Unlearning",
        autocompletion=names_of("unlearning"),
    ),
]
_Plan = Annotated[
    bool,
    typer.Option("--plan", help="Print the time, memory and disk space needed, and stop.", rich_help_panel="Execution"),
]


@partial(configured, without=NOT_HERE)
def compare_methods(
    specification: AuditConfig,
    method: _Methods = None,
    plan: _Plan = False,
    jobs: options.Jobs = 1,
    executor: options.Executor = None,
    scheduler: options.Scheduler = None,
    store: options.Store = None,
    explain: options.Explain = False,
    keep_going: options.KeepGoing = False,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare unlearning methods: what each reveals compared with retraining, whether it forgets, and its cost.

    All methods get the same worlds, deletions and queries. Methods that start from a trained model share the originals;
    adding a method later does not retrain those in the store.

    Typical calls:

    unlearn-audit compare-methods --dataset adult --model torch-mlp --jobs 2 --plan

    unlearn-audit compare-methods --model decision-tree --method sisa:shards=5 --method my_methods.py:forget --out trees
    """
    comparison_config(specification)
    asked = methods_asked(method or None)
    task = AuditTask.load(specification)
    if plan:
        with reporter() as shown:
            found = forecast_methods(task, asked, Execution(jobs=jobs, store=store, reporter=shown))
        say_forecast(found, as_json=as_json, names={RETRAINING: "retrain"})
        return
    identity = identity_of(task, asked)
    folder = out or Path("runs") / f"methods-{folder_name(specification)}-{digest(identity)[:8]}"
    with run_folder(folder, identity, note, Execution(store=store).store_folder, force=force):
        with reporter() as shown:
            result = compare(
                task,
                asked,
                Execution(
                    jobs=jobs,
                    store=store,
                    reporter=shown,
                    executor=executor,
                    scheduler=scheduler,
                    explain=explain,
                    keep_going=keep_going,
                ),
            )
        page = result.write(folder)
    if as_json:
        say_json((folder / "methods.json").read_text(encoding="utf-8"))
    else:
        print_methods(output(), result.findings, str(page))
