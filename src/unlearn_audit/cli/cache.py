"""``unlearn-audit cache``: what the store of finished worlds holds, and making room in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.help import Group, Grouped
from unlearn_audit.engine import Store, default_store_folder
from unlearn_audit.engine.store.prune import Pruned, parse_age, parse_size, prune
from unlearn_audit.engine.store.store import Stored
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.console import output
from unlearn_audit.utils.streams import say, say_json

app = typer.Typer(
    name="cache",
    cls=Group,
    add_completion=False,
    help="The store of finished worlds: show what it holds, free space in it.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@app.command("info", cls=Grouped)
def info(store: options.Store = None, as_json: AsJson = False) -> None:
    """Show what the store holds, by stage, dataset and model.

    Typical call:

    unlearn-audit cache info --json
    """
    folder = store or default_store_folder()
    opened = Store.existing(folder)
    stored = [] if opened is None else list(opened.stored())
    if as_json:
        say_json(_summary(folder, stored))
        return
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for heading in ("stage", "dataset", "model"):
        grid.add_column(heading)
    grid.add_column("artefacts", justify="right")
    grid.add_column("size", justify="right")
    summary = _summary(folder, stored)
    for group in summary["groups"]:
        texts = [group[name] for name in ("stage", "dataset", "model")]
        grid.add_row(*texts, f"{group['artefacts']:,}", _size(group["bytes"]))
    console = output(soft_wrap=True)
    console.print(f"Store: {folder}")
    console.print(f"{summary['artefacts']:,} artefacts, {_size(summary['bytes'])}")
    if stored:
        console.print(f"Last used between {summary['oldest_use']} and {summary['newest_use']}")
        console.print(grid)


@app.command("prune", cls=Grouped)
def prune_command(
    older_than: Annotated[
        str | None, typer.Option(help="Remove what has not been used for this long: 12h, 30d, 4w.", show_default=False)
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(help="Remove the least recently used until this much is left: 500MB, 5GB.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all artefacts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; only say what would be removed.")] = False,
    store: options.Store = None,
    as_json: AsJson = False,
) -> None:
    """Remove artefacts from the store; running audits recreate what they need.

    Typical call:

    unlearn-audit cache prune --older-than 30d --max-size 5GB --dry-run
    """
    if older_than is None and max_size is None and not everything:
        raise AuditError("cache prune needs to know what to remove; give --older-than 30d, --max-size 5GB or --all")
    age = None if older_than is None else parse_age(older_than)
    most = None if max_size is None else parse_size(max_size)
    folder = store or default_store_folder()
    opened = Store.existing(folder)
    done = Pruned(0, 0, 0, 0)
    if opened is not None:
        done = prune(opened, older_than=age, max_bytes=most, everything=everything, dry_run=dry_run)
    if as_json:
        say_json({"folder": str(folder), "dry_run": dry_run, **asdict(done)})
        return
    verb = "would be removed" if dry_run else "removed"
    left = f" and {done.leftovers:,} files of killed processes" if done.leftovers else ""
    say(f"{done.artefacts:,} artefacts{left} {verb}, {_size(done.n_bytes)}; {done.kept:,} artefacts stay")


@app.command("verify", cls=Grouped)
def verify(store: options.Store = None, as_json: AsJson = False) -> None:
    """Read every artefact of the store and name those that have changed since they were stored, which no run will use.

    Exits with 2 if there are any; runs recreate them when needed.

    Typical call:

    unlearn-audit cache verify
    """
    folder = store or default_store_folder()
    opened = Store.existing(folder)
    states = {} if opened is None else {artefact.key: opened.state(artefact.key) for artefact in opened.stored()}
    counts = {state: list(states.values()).count(state) for state in ("whole", "damaged", "former")}
    named = sorted(key for key, state in states.items() if state != "whole")
    if as_json:
        say_json({"folder": str(folder), **counts, "not_whole": named})
    else:
        for key in named:
            say(f"{states[key] if states[key] != 'former' else 'without a digest'}: {key}")
        say(
            f"{counts['whole']:,} artefacts are whole, {counts['damaged']:,} damaged, {counts['former']:,} of an "
            "earlier version, which recorded no digest"
        )
    if named:
        raise typer.Exit(2)


def _summary(folder: Path, stored: list[Stored]) -> dict[str, Any]:
    counts, sizes = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for artefact in stored:
        counts[_group(artefact)] += 1
        sizes[_group(artefact)] += artefact.n_bytes
    uses = [artefact.used for artefact in stored]
    return {
        "folder": str(folder),
        "artefacts": len(stored),
        "bytes": sum(sizes.values()),
        "oldest_use": _day(min(uses)) if uses else None,
        "newest_use": _day(max(uses)) if uses else None,
        "groups": [
            {"stage": stage, "dataset": dataset, "model": model, "artefacts": counts[group], "bytes": sizes[group]}
            for group in sorted(counts)
            for stage, dataset, model in [group]
        ],
    }


def _group(artefact: Stored) -> tuple[str, str, str]:
    """Return stage, dataset and model; marks of before names were kept have the data's digest alone."""
    document, about = artefact.document, artefact.about
    dataset = about.get("dataset") or str(document.get("data", "unknown"))[:8]
    model = about.get("model") or str(document.get("model", "unknown")).partition(" ")[0]
    return str(document.get("stage", "unreadable")), dataset, model


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _size(n_bytes: int) -> str:
    """Return a size for people.

    Typical calls:

    >>> _size(900), _size(45_300), _size(5_000_000_000)
    ('900 B', '45.3 kB', '5.0 GB')
    """
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
