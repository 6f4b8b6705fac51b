"""``unlearn-audit reconstruct``: the deleted records, read off the weights of two versions of a linear model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from unlearn_audit.audits.identification.reconstruction import Reconstruction, reconstruct_deleted
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.utils.console import output
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say_json


@configured
def reconstruct(
    specification: AuditConfig,
    scaler: Annotated[
        Literal["fixed", "refitted"],
        typer.Option(help="The scaler: refitted by each version, like the model, or fixed on public records."),
    ] = "refitted",
    decimals: Annotated[
        int | None, typer.Option(help="Decimals to which weights are rounded before they are published.")
    ] = None,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Read the deleted records off the weights of two versions of a logistic regression.

    Takes the data, model and sizes of run. Reports how close the reconstructed records are, and how often the true
    record fits best among 1,000. Writes nothing about any single record.

    Typical calls:

    unlearn-audit reconstruct --dataset adult --model logistic-regression

    unlearn-audit reconstruct --dataset adult --model logistic-regression --scaler fixed --decimals 3 --json
    """
    task = AuditTask.load(specification)
    identity = {"reconstruction": {"scaler": scaler, "decimals": decimals}, **task.identity}
    folder = out or Path("runs") / f"reconstruction-{digest(identity)[:8]}"
    with run_folder(folder, identity, note, force=force):
        with reporter() as shown:
            found = reconstruct_deleted(task, Execution(reporter=shown), scaler, decimals)
        document = json.dumps({"config": identity, **found.document()}, indent=1) + "\n"
        write_atomic(folder / "reconstruction.json", document, publishable=True)
    if as_json:
        say_json(document)
    else:
        _print(output(), found, folder)


def _print(console: Console, found: Reconstruction, folder: Path) -> None:
    table = Table("of the deleted records", "share", "95 % interval", box=box.SIMPLE_HEAD)
    for words, share in (
        ("cosine with the true record at least 0.95", found.above),
        (f"true record fits best of {found.candidates:,}", found.first),
        ("label read correctly", found.label),
    ):
        table.add_row(words, f"{share.value:.1%}", f"{share.interval[0]:.1%} to {share.interval[1]:.1%}")
    console.print(
        f"{found.deletions:,} deletions, scaler {found.scaler}: median cosine {found.cosine:.3f}", soft_wrap=True
    )
    console.print(table)
    console.print(
        f"As an attack that sees weights, deleted from unseen records: AUC {found.auc.value:.3f} "
        f"({found.auc.low:.3f} to {found.auc.high:.3f}), {found.tpr.value:.2f} at 1 % false positives",
        soft_wrap=True,
    )
    console.print(f"Figures: {folder / 'reconstruction.json'}")
