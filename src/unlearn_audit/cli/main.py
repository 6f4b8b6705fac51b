"""The command ``unlearn-audit``."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from unlearn_audit.cli.commands import Commands, goes_on
from unlearn_audit.cli.endings import VARIABLE, in_one_sentence
from unlearn_audit.cli.shared.early_workers import fork_workers
from unlearn_audit.cli.shared.signals import ended_by_signals, ignore_signals
from unlearn_audit.utils.invocation import invoked
from unlearn_audit.utils.streams import ready_streams

_TRACEBACK = "--traceback"

PROGRAM = "unlearn-audit"
"""What the command is called in its help and by shells that complete it, however it was started."""

app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    help="Measure who can be identified as deleted when a model is published before and after unlearning.",
    epilog="For your own releases: the risk is measured so that it can be removed.",
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
    _traceback: Annotated[
        bool,
        typer.Option(_TRACEBACK, help="Show where an error was raised; works with any command, anywhere on the line."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; whatever ends it early is one sentence on standard error (see `cli.endings`)."""
    ready_streams()
    arguments = [argument for argument in sys.argv[1:] if argument != _TRACEBACK]
    asked = len(arguments) < len(sys.argv) - 1 or bool(os.environ.get(VARIABLE))
    with (
        invoked(arguments),
        in_one_sentence(with_traceback=asked),
        ended_by_signals(
            f"Interrupted; the same command {'continues from here' if goes_on(arguments) else 'begins again'}."
        ),
    ):
        fork_workers(PROGRAM, arguments)
        app(args=arguments, prog_name=PROGRAM)


def program() -> None:
    """Run the command line and nothing after it: once it has ended, no signal interrupts Python's own end."""
    try:
        main()
    finally:
        ignore_signals()


if __name__ == "__main__":
    program()
