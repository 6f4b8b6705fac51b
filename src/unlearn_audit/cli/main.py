"""The command ``unlearn-audit``."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from unlearn_audit.cli import cache, data
from unlearn_audit.cli.name import name
from unlearn_audit.cli.plan import plan
from unlearn_audit.cli.plan_release import plan_release
from unlearn_audit.cli.predictions import predictions
from unlearn_audit.cli.purge import purge_command
from unlearn_audit.cli.reconstruct import reconstruct
from unlearn_audit.cli.release import release
from unlearn_audit.cli.reproduce import reproduce_command
from unlearn_audit.cli.run import run
from unlearn_audit.errors import AuditError

app = typer.Typer(
    name="unlearn-audit",
    help="Measure who can be recognised as deleted when a model is published before and after unlearning.",
    epilog="For releases of your own: the risk is measured so that it can be removed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("run")(run)
app.command("plan")(plan)
app.command("name")(name)
app.command("reconstruct")(reconstruct)
app.command("predictions")(predictions)
app.command("release")(release)
app.command("plan-release")(plan_release)
app.command("reproduce")(reproduce_command)
app.command("purge")(purge_command)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"unlearn-audit {version('unlearn-audit')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a user's error is one sentence on standard error and exit code 2."""
    try:
        app()
    except AuditError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {_plain(str(error))}", highlight=False)
        sys.exit(2)


def _plain(text: str) -> str:
    # file names and values come from users: brackets in them are no markup
    from rich.markup import escape

    return escape(" ".join(text.split()))


if __name__ == "__main__":
    main()
