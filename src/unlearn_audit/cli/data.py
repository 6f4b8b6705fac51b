"""``unlearn-audit data``: which datasets there are, where they lie, and how to get them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table as Grid

from unlearn_audit.cli.shared.help import Group, Grouped
from unlearn_audit.cli.shared.values import names_of
from unlearn_audit.data import DATASETS, Source, SourceFile, data_folder, find_source
from unlearn_audit.utils.console import messages, output
from unlearn_audit.utils.streams import say, say_json

app = typer.Typer(
    name="data",
    cls=Group,
    add_completion=False,
    help="Named datasets: list them, show where they are stored, download them.",
    no_args_is_help=True,
)

Name = Annotated[
    str,
    typer.Argument(
        help="A name of 'unlearn-audit data list'.", show_default=False, autocompletion=names_of("datasets")
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@app.command("list", cls=Grouped)
def list_datasets(as_json: AsJson = False) -> None:
    """Show every dataset known by name.

    Typical call:

    unlearn-audit data list --json
    """
    folder = data_folder()
    if as_json:
        say_json([_summary(source, folder) for source, _ in DATASETS.values()])
        return
    grid = Grid(caption=f"Data folder: {folder}", caption_justify="left")
    grid.add_column("name", no_wrap=True)
    for heading in ("records", "features", "classes"):
        grid.add_column(heading, justify="right")
    grid.add_column("licence")
    grid.add_column("here")
    for source, _ in DATASETS.values():
        grid.add_row(
            source.name,
            "unknown" if source.records is None else f"{source.records:,}",
            f"{source.features:,}",
            f"{source.classes:,}",
            source.licence,
            _here(source, folder),
        )
    output().print(grid)


@app.command(cls=Grouped)
def where(name: Name, as_json: AsJson = False) -> None:
    """Show which files a dataset needs, whether they are there, and how to get them.

    Typical call:

    unlearn-audit data where adult
    """
    source, folder = find_source(name), data_folder()
    if as_json:
        say_json(_summary(source, folder))
        return
    say(f"{source.name}: {source.title}")
    say(f"licence: {source.licence}; cite: {source.citation}")
    for path in _paths(source, folder):
        say(f"{'there  ' if path.is_file() else 'missing'}  {path}")
    if not source.files or source.missing(folder):
        say(f"how to get it: {source.how()}")


@app.command(cls=Grouped)
def fetch(
    name: Name,
    mirror: Annotated[
        str | None,
        typer.Option(help="Address of a mirror with the same layout as the data folder.", show_default=False),
    ] = None,
    most_gb: Annotated[
        float, typer.Option(min=0, help="The most gigabytes to download of a file whose size is not published.")
    ] = 20,
    time_limit: Annotated[float, typer.Option(min=0, help="The most minutes that the download may take.")] = 360,
) -> None:
    """Download a dataset into the data folder, or resume an interrupted download.

    Every file is checked by its SHA-256. Files already there are checked and kept. If the owner publishes an
    archive, it is removed after unpacking.

    Typical call:

    unlearn-audit data fetch adult
    """
    from unlearn_audit.data.download import fetch as fetching  # the network library loads only where it is used

    source, folder = find_source(name), data_folder()
    tasks: dict[str, TaskID] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=messages(),
    ) as bars:

        def show(file: SourceFile, received: int, total: int | None) -> None:
            if file.path not in tasks:
                tasks[file.path] = bars.add_task(file.path, total=total)
            bars.update(tasks[file.path], completed=received, total=total)

        done = fetching.fetch(
            name, folder, base_url=mirror, progress=show, most_bytes=int(most_gb * 10**9), seconds=time_limit * 60
        )
    for file in done:
        say(f"{'downloaded' if file.downloaded else 'already there, digest right'}: {file.path}")
    if not done:
        say(f"{name}: {source.how() if not source.files else 'already there'}")


def _paths(source: Source, folder: Path) -> list[Path]:
    """Return the expected paths, or where they are replaced, the paths that stand in for them."""
    expected = [folder / file.path for file in source.files]
    if source.instead is not None and not all(path.is_file() for path in expected):
        return sorted(path for path in folder.glob(source.instead) if path.is_file()) or expected
    return expected


def _here(source: Source, folder: Path) -> str:
    if not source.files:
        return "bundled"
    if source.usable(folder):
        return "in part: fetch" if source.missing(folder) else "yes"
    return "no: fetch" if source.fetchable else "no: ask"


def _summary(source: Source, folder: Path) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "records": source.records,
        "features": source.features,
        "classes": source.classes,
        "licence": source.licence,
        "citation": source.citation,
        "folder": str(folder),
        "here": source.usable(folder),
        "files": [{"path": str(path), "here": path.is_file()} for path in _paths(source, folder)],
        "fetchable": source.fetchable,
        "how_to_get": source.how(),
    }
