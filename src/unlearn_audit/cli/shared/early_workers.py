"""Worker processes get ready while a command is imported itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from unlearn_audit.utils.fork_server import allow, start
from unlearn_audit.utils.streams import output_apart

_COMMANDS = {"run", "compare-methods", "name", "rectify", "release", "predictions", "reproduce"}
"""Commands whose workers need most of the package."""

_WITHOUT = {"--help", "-h", "--plan", "--executor", "--scheduler"}
"""Options with which nothing is computed, or by other workers."""

_NEEDED = ("unlearn_audit.cli.shared.needed_by_workers",)


def fork_workers(program: str, arguments: Sequence[str]) -> None:
    """Let workers of a command line be forked, and get ready at once if it asks for several cores.

    Parameters
    ----------
    program
        What the command is called.
    arguments
        What follows it.
    """
    allow(program, _NEEDED)
    if (
        jobs_of(arguments) > 1
        and arguments[0] in _COMMANDS
        and not _WITHOUT & {of.partition("=")[0] for of in arguments}
    ):
        with output_apart():  # what a model prints in a worker is no result
            start()


def jobs_of(arguments: Sequence[str]) -> int:
    """Return how many cores a command line asks for; 1 where it does not say, or what it says is no number.

    Examples
    --------
    >>> jobs_of(["run", "--jobs", "4"]), jobs_of(["run", "--jobs=2"]), jobs_of(["run", "-j3"]), jobs_of(["run", "-j"])
    (4, 2, 3, 1)
    """
    jobs = 1
    for argument, following in pairwise([*arguments, ""]):
        if argument in ("--jobs", "-j"):
            said = following
        elif argument.startswith("--jobs="):
            said = argument.partition("=")[2]
        elif argument.startswith("-j"):
            said = argument[2:]
        else:
            continue
        jobs = int(said) if said.isdecimal() else 1
    return jobs
