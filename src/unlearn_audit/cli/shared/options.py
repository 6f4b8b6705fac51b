"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.cli.shared.help import RARE, HelpAll
from unlearn_audit.cli.shared.values import one_of
from unlearn_audit.engine.executors import EXECUTORS

__all__ = [
    "AsJson",
    "EveryAttack",
    "Executor",
    "Explain",
    "Force",
    "HelpAll",
    "Jobs",
    "KeepGoing",
    "NoReuse",
    "Out",
    "Owner",
    "Scheduler",
    "Store",
]

_USUAL, _RARE = "Execution", f"Execution{RARE}"

Jobs = Annotated[
    int,
    typer.Option("--jobs", "-j", min=1, help="Cores to use; results do not depend on it.", rich_help_panel=_USUAL),
]
Executor = Annotated[
    str | None,
    typer.Option(
        help=f"Where worlds are computed: {', '.join(EXECUTORS)}. Default: processes if --jobs is over 1.",
        rich_help_panel=_RARE,
        autocompletion=one_of(*EXECUTORS),
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a running Dask scheduler. Default: --jobs workers on this machine.", rich_help_panel=_RARE
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Before training, print which worlds are reused, and why the others are not.",
        rich_help_panel=_RARE,
    ),
]
NoReuse = Annotated[
    bool, typer.Option("--no-reuse", help="Train every world again, even if the store has it.", rich_help_panel=_RARE)
]
Store = Annotated[
    Path | None,
    typer.Option(help="Folder of finished worlds, shared by runs. Default: in your user cache.", rich_help_panel=_RARE),
]
Out = Annotated[
    Path | None, typer.Option(help="Run folder. Default: a new folder under runs/.", rich_help_panel=_USUAL)
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace another run that the run folder holds. A folder with files that no run wrote is refused.",
        rich_help_panel=_RARE,
    ),
]
Owner = Annotated[
    str | None,
    typer.Option(help="Who answers for the release: named in the report where it is signed.", rich_help_panel=_RARE),
]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going", help="Report an attack that fails and continue with the others.", rich_help_panel=_RARE
    ),
]
EveryAttack = Annotated[
    bool, typer.Option("--all", help="Print a row for every attack and defence.", rich_help_panel=_USUAL)
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the findings as JSON on standard output.", rich_help_panel=_USUAL)
]
