"""``unlearn-audit purge``: remove records from run folders and from the store, and look that nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.values import names_of
from unlearn_audit.engine.erasure.erased import Purged, left_behind
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.erasure.receipt import check_place, check_receipt, read_key, write_receipt
from unlearn_audit.engine.erasure.scan import LONG_ENOUGH
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say, say_json


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...", show_default=False)],
    ids: Annotated[str, typer.Option(help="Whose records to remove: a .txt, .csv, .jsonl or .parquet file, or ids.")],
    by: Annotated[
        Literal["record", "person"] | None,
        typer.Option(
            help="What ids identify: record or person. Default: person if the run knows whose rows "
            "they are, else record."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Only records of this dataset. Default: of every dataset in the runs.",
            autocompletion=names_of("datasets"),
        ),
    ] = None,
    store: options.Store = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="The store that the runs used is gone: do not search one.")
    ] = False,
    receipt: Annotated[
        Path | None, typer.Option(help="Write a receipt (JSON) without ids to this new file; needs --key.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="File of the key with which the receipt encodes ids; created if missing."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; count what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Remove given records from runs and from the store, and check that no trace of them is left.

    Removes the records' rows from observations, scores and private tables. Artefacts in the store that hold one are
    removed, and recreated from the remaining data when needed. Then searches every file for the records' rows, answers
    and ids. Exits with 2, and claims nothing, if anything is left or could not be read or written. Figures over all
    records stay as measured.

    Typical calls:

    unlearn-audit purge runs/* --ids erased.txt

    unlearn-audit purge runs/adult-1f2e3d4c --ids 17,2301 --dry-run

    unlearn-audit purge runs/shop --ids erased.txt --by person --receipt erased.json --key owner.key
    """
    if store is not None and no_store:
        raise AuditError("--store names a store and --no-store says that there is none; give only one of them")
    wanted = {str(name) for name in read_ids(ids, "--ids")}
    if (receipt is None) != (key is None):
        raise AuditError("a receipt needs a key, and a key is only for a receipt; give both --receipt and --key")
    if receipt is not None and key is not None:
        check_receipt(receipt)
        for path, flag in ((receipt, "--receipt"), (key, "--key")):
            check_place(path, [*runs, *([] if store is None else [store])], flag)
    secret = None if key is None or dry_run else read_key(key)
    with reporter() as shown:
        done = purge(runs, store, wanted, dataset, by=by, without_store=no_store, dry_run=dry_run, reporter=shown)
    if receipt is not None and secret is not None:
        write_receipt(receipt, done, wanted, secret, runs, dataset)
    if as_json:
        say_json(_as_json(done, len(wanted), dry_run=dry_run))
    else:
        say(_in_words(done, len(wanted), dry_run=dry_run))
    if done.left:
        raise AuditError(left_behind(done.left))


def _as_json(done: Purged, n: int, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "by": done.by,
        "records": n,
        "rows": done.rows,
        "tables": done.tables,
        "artefacts": done.artefacts,
        "leftovers": done.leftovers,
        "stores": [str(store) for store in done.stores],
        "artefacts_of_other_data": done.other_data,
        "files_searched": done.scanned,
        "not_found": done.missing,
        "left": done.left,
    }


def _in_words(done: Purged, n: int, *, dry_run: bool) -> str:
    kind = "record" if done.by == "record" else "person"
    several = "records" if done.by == "record" else "people"
    stores = f" or in the store {shortened(map(str, done.stores))}" if done.stores else "; no store was searched"
    verb = "would be removed" if dry_run else "removed"
    if done.rows or done.artefacts:
        lines = [
            f"{done.rows:,} rows of {n:,} {kind if n == 1 else several} in {done.tables:,} tables and "
            f"{done.artefacts:,} artefacts of the store {verb}"
        ]
    else:
        lines = [f"None of the {n:,} {several} is in these runs{stores}"]
    if done.missing:
        lines.append(f"Nothing was found for {len(done.missing):,}: {shortened(done.missing, 20)}")
    if done.leftovers:
        lines.append(f"{done.leftovers:,} leftovers of killed runs {verb}")
    if not dry_run:
        lines.append(_claim(done))
    return "\n".join(lines)


def _claim(done: Purged) -> str:
    """Say what the search of every file showed, and what it could not show."""
    where = f"and of the store {shortened(map(str, done.stores))}" if done.stores else "(no store)"
    other = (
        f" {done.other_data:,} artefacts belong to other data of the same name, in which records have other numbers; "
        "they were not searched."
        if done.other_data
        else ""
    )
    answers = ", no file the bytes of an answer that only they received" if done.answers else ""
    return (
        f"All {done.scanned:,} files of these runs {where} were searched: no table has a row of theirs{answers}, and "
        f"no text one of their ids (in texts that runs write, of {LONG_ENOUGH} characters or more). Backups, and files "
        f"outside these folders, were not searched.{other}"
    )
