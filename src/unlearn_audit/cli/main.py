"""The command ``unlearn-audit``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from unlearn_audit.cli.commands import GO_ON, Commands
from unlearn_audit.cli.shared.signals import ended_by_signals
from unlearn_audit.errors import AuditError

app = typer.Typer(
    name="unlearn-audit",
    cls=Commands,
    help="Measure who can be recognised as deleted when a model is published before and after unlearning.",
    epilog="For releases of your own: the risk is measured so that it can be removed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


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
    """Run the command line; a user's error is one sentence on standard error and exit code 2.

    A signal that ends it is one sentence, too, and exit code 128 and its number.
    """
    try:
        with ended_by_signals(f"Interrupted; the same command {_goes_on(sys.argv[1:])}."):
            app()
    except AuditError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {_plain(str(error))}", highlight=False)
        sys.exit(2)


def _goes_on(words: Sequence[str]) -> str:
    return "goes on from here" if {*words[:1]} & GO_ON else "begins again"


def _plain(text: str) -> str:
    # file names and values come from users: brackets in them are no markup
    from rich.markup import escape

    return escape(" ".join(text.split()))


if __name__ == "__main__":
    main()
