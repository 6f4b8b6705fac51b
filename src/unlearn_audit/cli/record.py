"""``unlearn-audit record``: what a regulator asks of the tests of a model's anonymity, of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.audits.record import Who, markdown, record_of
from unlearn_audit.audits.record.requests import VARIABLE, owners_key
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.streams import say, say_json


def record(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN", show_default=False)],
    owner: Annotated[str | None, typer.Option(help="Who answers for the model.")] = None,
    auditor: Annotated[str | None, typer.Option(help="Who made the audit.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help="File of the owner's key, with which requests are encoded. "
            f"Default: the environment variable {VARIABLE}; without a key they are left out."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for record.json and record.md. Default: <RUN>-record, in the working folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Also print record.json.")] = False,
) -> None:
    """Write what a regulator asks about tests of a model's anonymity, as JSON and Markdown.

    States what EDPB Opinion 28/2024 asks about tests: scope, threat models, the tests run and not run, sizes,
    intervals, the smallest detectable effect, digests, limits and assumptions. Names no records or people.

    Typical calls:

    unlearn-audit record audit-run --owner "Shop Ltd." --auditor "A. Lovelace"

    unlearn-audit record audit-run --key owner.key --out record
    """
    folder = out or Path(f"{run.resolve().name}-record")
    for path, flag in ((folder, "--out"), *(() if key is None else ((key, "--key"),))):
        if path.resolve().is_relative_to(run.resolve()):
            raise AuditError(f"{flag} {path} lies in {run}, which must stay as its run left it; choose another place")
    found = record_of(run, Who(owner, auditor), owners_key(key))
    text = found.to_json()
    write_atomic(folder / "record.json", text, publishable=True)
    write_atomic(folder / "record.md", markdown(found), publishable=True)
    if found.requests.left_out is not None:
        note(f"requests are without codes: {found.requests.left_out}")
    if as_json:
        say_json(text)
    else:
        say(f"Record: {folder / 'record.md'}")
