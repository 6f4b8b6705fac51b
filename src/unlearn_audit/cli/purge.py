"""``unlearn-audit purge``: remove records from run folders and from the store, and look that nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.cli.shared import options
from unlearn_audit.engine import Store, default_store_folder
from unlearn_audit.engine.store.purge import purge
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say, say_json


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...", show_default=False)],
    ids: Annotated[str, typer.Option(help="Records to remove: a .txt, .csv, .jsonl or .parquet file, or ids.")],
    dataset: Annotated[
        str | None, typer.Option(help="Only records of this dataset. Default: of every dataset in the runs.")
    ] = None,
    store: options.Store = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; count what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Remove given records from runs and from the store, and check that no trace of them is left.

    Rows of the records are taken out of observations, scores and private tables; artefacts of the store that hold one
    are removed, and made again from the remaining data when they are needed. Then every file is searched for the
    records' ids and answers. Figures over all records stay as they were measured.

    Typical calls:

    unlearn-audit purge runs/* --ids erased.txt

    unlearn-audit purge runs/adult-1f2e3d4c --ids 17,2301 --dry-run
    """
    wanted = {str(name) for name in read_ids(ids, "--ids")}
    folder = store or default_store_folder()
    with reporter() as shown:
        done = purge(runs, Store.existing(folder), wanted, dataset, dry_run=dry_run, reporter=shown)
    if as_json:
        counts = {"rows": done.rows, "tables": done.tables, "artefacts": done.artefacts}
        say_json({"dry_run": dry_run, "records": len(wanted), **counts})
        return
    if not done.rows and not done.artefacts:
        say(f"None of the {len(wanted):,} records is in these runs or in the store {folder}")
        return
    verb = "would be removed" if dry_run else "removed"
    say(
        f"{done.rows:,} rows of {len(wanted):,} records in {done.tables:,} tables and {done.artefacts:,} artefacts of "
        f"the store {verb}"
    )
    if not dry_run:
        say("No row, answer or long id of them is left. Backups, and files outside these folders, were not seen.")
