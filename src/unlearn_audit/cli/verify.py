"""``unlearn-audit verify``: whether run folders are as their runs left them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.engine.store.folder import verified
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.streams import say, say_json

DIFFERS = 2
"""Exit code where a folder is not, or cannot be shown to be, as its run left it."""


def verify(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN...", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Compare the files of run folders with the digests that their runs wrote, and name each file that differs.

    A file can be missing, changed, unexpected (not written by a run) or unreadable. Exits with 0 if nothing has
    changed, and with 2 if anything differs, cannot be read, or has no digests. This shows damage and changes, but does
    not prove who wrote a folder.

    Typical call:

    unlearn-audit verify runs/*
    """
    seen = [_seen(run) for run in runs]
    if as_json:
        say_json({"ok": all(each["ok"] for each in seen), "runs": seen})
    else:
        for each in seen:
            for found in each["differences"]:
                say(f"{each['folder']}/{found['file']}: {found['what']}")
            say(_sentence(each))
    if not all(each["ok"] for each in seen):
        raise typer.Exit(DIFFERS)


def _seen(run: Path) -> dict[str, Any]:
    """Return what there is to say of a folder."""
    seen = {"folder": str(run), "ok": False, "files": 0, "version": None, "differences": [], "problem": None}
    try:
        manifest, found = verified(run)
    except AuditError as error:
        return {**seen, "problem": str(error)}
    return {
        **seen,
        "ok": not found,
        "files": len(manifest.files),
        "version": manifest.version,
        "differences": [vars(each) for each in found],
    }


def _sentence(seen: dict[str, Any]) -> str:
    if seen["problem"]:
        return str(seen["problem"])
    if seen["ok"]:
        return f"{seen['folder']}: all {seen['files']:,} files are unchanged"
    n = len(seen["differences"])
    return f"{seen['folder']}: {n:,} of the files {'is' if n == 1 else 'are'} not as the run left them"
