"""``unlearn-audit list``: what can be named, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from unlearn_audit.cli.shared.values import registry_of
from unlearn_audit.utils.console import output
from unlearn_audit.utils.docstrings import docstring_of
from unlearn_audit.utils.messages import in_one_line
from unlearn_audit.utils.registry import GROUPS
from unlearn_audit.utils.streams import say_json


class Family(StrEnum):
    """What can be listed."""

    ATTACKS = "attacks"
    UNLEARNING = "unlearning"
    DEFENSES = "defenses"
    DATASETS = "datasets"
    MODELS = "models"
    VERSIONS = "versions"
    AGENTS = "agents"
    PROBES = "probes"


def list_command(
    family: Annotated[Family, typer.Argument(help="What to list.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the available attacks, unlearning methods, defences, datasets, models, versions, agents or probes.

    Plug-ins of installed packages are found by their entry points: their names and descriptions are read, and no code
    is run. To use something in your own file, write file.py:object wherever a name is accepted.

    Typical calls:

    unlearn-audit list attacks

    unlearn-audit list defenses --json
    """
    members = list(_members(family))
    if as_json:
        say_json([dict(zip(("name", "about", "from"), member, strict=True)) for member in members])
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    table.add_column("from", no_wrap=True)
    for member in members:
        table.add_row(*map(escape, member))
    console = output()
    console.print(table)
    console.print(
        f"Packages can add to these through entry points of the group {GROUPS[family]}.", style="dim", soft_wrap=True
    )


def _members(family: Family) -> Iterator[tuple[str, str, str]]:
    registry, about = registry_of(family)
    for name, origin in registry.origins():
        said = about(registry.own[name]) if name in registry.own else docstring_of(registry.installed[name])
        yield name, in_one_line(said.replace("`", "")), origin
