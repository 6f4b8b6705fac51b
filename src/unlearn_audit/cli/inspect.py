"""``unlearn-audit inspect``: what files are, what they lack, and the command that fits them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.cli.inspection.advice import advice_for
from unlearn_audit.cli.inspection.others import document, folder, other
from unlearn_audit.cli.inspection.seen import Seen
from unlearn_audit.cli.inspection.tables import table_seen
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.reading import reading_options
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.streams import say, say_json

UNREAD = 2
"""Exit code where a file can't be read as it is."""


@reading_options
def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files or folders.", metavar="FILE...", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    *,
    _help_all: options.HelpAll = False,
    read_as: ReadAs,
) -> None:
    """Say what files are, what they lack, and exactly which command to run on them.

    Reads posteriors of both versions or of one, tables of records, lists of ids, run folders and findings. Other files,
    such as models, are recognised by their first bytes: nothing that could run code is opened. Of files over 64 MB,
    only the first rows are read. Exits with 2 if a file can't be read.

    Typical calls:

    unlearn-audit inspect answers.csv

    unlearn-audit inspect shadow.csv target.csv.gz --column role=status

    unlearn-audit inspect before.parquet after.parquet deleted.txt --json
    """
    seen = [_seen(path, read_as) for path in files]
    advice = advice_for(seen, read_as)
    if as_json:
        say_json({"files": [_plain(of) for of in seen], **asdict(advice)})
    else:
        for of in seen:
            say("\n".join(of.lines))
        say("\n".join(advice.lines))
    if any(of.problems for of in seen):
        raise typer.Exit(UNREAD)


def _seen(path: Path, read_as: ReadAs) -> Seen:
    """Return what is to be said of one path."""
    if path.is_dir():
        return folder(path)
    if not path.is_file():
        return Seen(str(path), "unknown", problems=["there is no such file; check the path"])
    try:
        found = other(path) or document(path)
        if found is None and path.suffix.lower() == ".txt" and _is_list(path):
            found = Seen(str(path), "list of ids", {"ids": len(read_ids(str(path), "its ids"))})
        return found or table_seen(path, read_as)
    except OSError as error:
        return Seen(str(path), "unknown", problems=[f"it cannot be read ({error.strerror})"])
    except AuditError as error:
        return Seen(str(path), "unknown", problems=[str(error)])


def _is_list(path: Path) -> bool:
    """Return whether a text holds one word a line."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            lines = [line.strip() for _, line in zip(range(100), stream, strict=False)]
    except UnicodeDecodeError:
        return False
    return not any(sign in line for line in lines for sign in ",;\t|")


def _plain(seen: Seen) -> dict[str, Any]:
    return {name: value for name, value in vars(seen).items() if name != "table"}
