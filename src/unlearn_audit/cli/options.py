"""Options that several commands share, and what they do with a finished audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.audit import Execution
from unlearn_audit.engine.executors import EXECUTORS
from unlearn_audit.engine.folder import run_folder
from unlearn_audit.engine.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.progress import reporter
from unlearn_audit.report import print_summary
from unlearn_audit.result import AuditResult

Games = Annotated[
    list[str] | None,
    typer.Option("--game", help="deleted-vs-unseen (default), deleted-vs-retained, retained-vs-unseen; repeatable."),
]
Defenses = Annotated[
    list[str] | None,
    typer.Option(
        "--defense", help="top-k:K, label-only, temperature:T, rounding:D, or several joined by +; repeatable."
    ),
]
Views = Annotated[
    list[str] | None,
    typer.Option("--view", help="pair (first and last version) or sequence (every version); repeatable."),
]
Features = Annotated[
    list[str] | None, typer.Option("--feature", help="A feature of the paper's attack; repeatable. Default: all five.")
]
Attacks = Annotated[
    list[str] | None,
    typer.Option(
        "--attack",
        help=f"{', '.join(CATALOGUE)}; or none; repeatable. Default: every one that the observations allow.",
    ),
]
AttackModels = Annotated[
    list[str] | None, typer.Option("--attack-model", help="A classifier of the attack; repeatable. Default: all four.")
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option("--group-by", help="A column by whose values risk is told too, feature or not; repeatable."),
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
Store = Annotated[
    Path | None, typer.Option(help="Folder of finished worlds, shared by runs. Default: in the user's cache.")
]
Out = Annotated[Path | None, typer.Option(help="Run folder. Default: a folder of its own under runs/.")]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Report an attack that fails and go on with the others.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")]


def attacks_named(names: list[str] | None) -> tuple[str, ...] | None:
    """Return the value of ``attacks`` for the names given on the command line, where ``none`` stands for no attack.

    Raises
    ------
    AuditError
        If ``none`` stands beside a name.
    """
    if not names:
        return None
    if "none" in names and len(names) > 1:
        raise AuditError("--attack none leaves out every attack of its kind; give it alone, or name attacks")
    return tuple(name for name in names if name != "none")


def settings_of(**flags: Any) -> dict[str, Any]:
    """Return the flags that were given, as configuration."""
    return {name: value for name, value in flags.items() if value is not None and value != []}


def conduct(
    identity: Mapping[str, Any],
    name: str,
    work: Callable[[Execution], AuditResult],
    *,
    jobs: int,
    out: Path | None,
    as_json: bool,
    **execution: Any,
) -> None:
    """Hold the run folder, do the work, write the report, and say what was found; `execution` is of `Execution`."""
    folder = out or Path("runs") / f"{name}-{digest(identity)[:8]}"
    with run_folder(folder, identity):
        with reporter() as shown:
            result = work(Execution(jobs=jobs, reporter=shown, **execution))
        page = result.write(folder)
    if as_json:
        typer.echo((folder / "findings.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_summary(Console(), result.findings, page)
