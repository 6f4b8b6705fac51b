"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.defenses.parse import usage
from unlearn_audit.engine.executors import EXECUTORS

Games = Annotated[
    list[str] | None,
    typer.Option(
        "--game",
        help="deleted-vs-unseen (default), deleted-vs-retained, retained-vs-unseen, or three-way beside one of them; "
        "repeatable.",
    ),
]
Defenses = Annotated[
    list[str] | None,
    typer.Option("--defense", help=f"{usage()}; or several joined by +; repeatable."),
]
Views = Annotated[
    list[str] | None,
    typer.Option("--view", help="pair (first and last version) or sequence (every version); repeatable."),
]
Features = Annotated[
    list[str] | None, typer.Option("--feature", help="A feature of the paper's attack; repeatable. Default: all five.")
]
AttackModels = Annotated[
    list[str] | None, typer.Option("--attack-model", help="A classifier of the attack; repeatable. Default: all four.")
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option("--group-by", help="A column by whose values to break risk down, feature or not; repeatable."),
]
Seed = Annotated[int | None, typer.Option(help="Seed of the whole audit.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Cores to use; results do not depend on it.")]
Executor = Annotated[
    str | None,
    typer.Option(help=f"Where worlds are made: {', '.join(EXECUTORS)}. Default: processes if --jobs is over 1."),
]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a running Dask scheduler. Default: --jobs workers of this machine.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Say before training which worlds are reused, and why the others are not.")
]
NoReuse = Annotated[bool, typer.Option("--no-reuse", help="Make every world anew, whatever the store has.")]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Run code that the YAML file names, and not this package alone.")
]
Store = Annotated[
    Path | None, typer.Option(help="Folder of finished worlds, shared by runs. Default: in the user's cache.")
]
Out = Annotated[Path | None, typer.Option(help="Run folder. Default: a folder of its own under runs/.")]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Report an attack that fails and go on with the others.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")]


def settings_of(**flags: Any) -> dict[str, Any]:
    """Return the flags that were given, as configuration."""
    return {name: value for name, value in flags.items() if value is not None and value != []}
