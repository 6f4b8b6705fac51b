"""The commands by name, each imported when it is called: help and looking at a release need no scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from unlearn_audit.cli.completion import completing
from unlearn_audit.cli.endings import carried_past
from unlearn_audit.cli.shared.help import Group, Grouped
from unlearn_audit.cli.shared.renamed import current_names
from unlearn_audit.utils.imports import importing

COMMANDS = {
    "run": ("run", "run", "Audit a deletion: train worlds, delete, query, attack, report."),
    "plan": ("plan", "plan", "Estimate what run would take with the same options: trainings, time, memory and disk."),
    "compare-methods": (
        "compare_methods",
        "compare_methods",
        "Compare unlearning methods: what each reveals compared with retraining, whether it forgets, and its cost.",
    ),
    "compare": (
        "compare",
        "compare",
        "Compare finished runs: what each found, their ROC curves, and by how much they differ from the first.",
    ),
    "view": ("view", "view", "Show the runs under a folder on a local page: filter, sort, open and compare them."),
    "name": (
        "name",
        "name",
        "Rank a whole register by how well each candidate's deletion explains what changed between two versions.",
    ),
    "reconstruct": (
        "reconstruct",
        "reconstruct",
        "Read the deleted records off the weights of two versions of a logistic regression.",
    ),
    "rectify": (
        "rectify",
        "rectify",
        "Correct one value in each of several records, and measure what the versions reveal about it (GDPR, article "
        "16).",
    ),
    "inspect": (
        "inspect",
        "inspect",
        "Say what files are, what they lack, and exactly which command to run on them.",
    ),
    "predictions": ("predictions", "predictions", "Audit posteriors exported from any system; no model is needed."),
    "query": (
        "query",
        "query",
        "Query two finished versions of a model, and write their answers to files that release reads.",
    ),
    "release": ("release", "release", "Show who can be identified as deleted from the two versions of one release."),
    "plan-release": (
        "plan_release",
        "plan_release",
        "Find the least costly way to release updates that meets a target, and check its guarantee.",
    ),
    "agent": (
        "agent",
        "agent",
        "Audit deletion in an agent with memory: what it still answers, stores or reveals after it was told to delete.",
    ),
    "gate": (
        "gate",
        "gate",
        "Stop a release: check the figures of a run against limits, and exit with a code that tells the outcome.",
    ),
    "record": (
        "record",
        "record",
        "Write what a regulator asks about tests of a model's anonymity, as JSON and Markdown.",
    ),
    "reproduce": (
        "reproduce",
        "reproduce_command",
        "Run an experiment of Chen et al. (CCS 2021) and decide its claims.",
    ),
    "purge": (
        "purge",
        "purge_command",
        "Remove given records from runs and from the store, and check that no trace of them is left.",
    ),
    "verify": (
        "verify",
        "verify",
        "Compare the files of run folders with the digests that their runs wrote, and name each file that differs.",
    ),
    "list": (
        "list",
        "list_command",
        "List the available attacks, unlearning methods, defences, datasets, models, versions, agents or probes.",
    ),
    "data": ("data", "app", "Named datasets: list them, show where they are stored, download them."),
    "cache": ("cache", "app", "The store of finished worlds: show what it holds, free space in it."),
}
"""Name to the module of this package, the function or group in it, and the first sentence of its help."""

GO_ON = {"run", "compare-methods", "name", "rectify", "query", "agent", "reproduce", "purge", "data", "cache"}
"""Commands that keep what is done, and go on from there once they were interrupted."""


class Commands(Group):
    """The group of all commands."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options of all commands; help and version are printed meanwhile."""
        with carried_past():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with carried_past():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return what the help says of a command; None if there is none."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][2]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name of the command that is called, the command itself, and its arguments."""
        name, found, rest = super().resolve_command(ctx, args)
        # a shell waits while it completes a line, and gets its answer without what a command needs to run
        return name, found and (completing if ctx.resilient_parsing else load)(str(name)), rest


def goes_on(words: Sequence[str]) -> bool:
    """Return whether a command that was interrupted goes on from there if it is called again.

    Examples
    --------
    >>> goes_on(["run", "--seed=1"]), goes_on(["run", "--reuse", "never"]), goes_on(["plan"])
    (True, False, False)
    """
    anew = {"--no-reuse", "--reuse=never"} & {*words} or ("--reuse", "never") in pairwise(words)
    return bool({*words[:1]} & GO_ON) and not anew


def load(name: str) -> Any:
    """Import a command."""
    module, attribute, _ = COMMANDS[name]
    with importing():
        found = getattr(import_module(f"unlearn_audit.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name, cls=Grouped, context_settings={"token_normalize_func": current_names(name)})(found)
    return get_command(alone)
