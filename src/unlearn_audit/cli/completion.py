"""Commands as a shell needs them to complete a line: their options and values, and nothing that they would run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer
from typer.main import get_command

from unlearn_audit.utils.doors import installed
from unlearn_audit.utils.registry import GROUPS

TABLE = "completion.json"
"""What `unlearn_audit.cli.shared.values.declared` returned, next to this module."""

FAMILY = "@"
"""What the name of a family starts with in that table, whose members are meant."""


def completing(name: str) -> Any:
    """Return a command, or a group of them, that can only be completed.

    Parameters
    ----------
    name
        Of the command.
    """
    commands = _table()["commands"]
    if name in commands:
        return get_command(_app({name: commands[name]}))
    below = {words.partition(" ")[2]: of for words, of in commands.items() if words.startswith(f"{name} ")}
    return get_command(_app(below, group=True))


@cache
def _table() -> dict[str, Any]:
    return dict(json.loads(files("unlearn_audit.cli").joinpath(TABLE).read_text(encoding="utf-8")))


def _app(commands: Mapping[str, Mapping[str, Any]], *, group: bool = False) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    if group:  # so that one command alone is a group too
        app.callback()(lambda: None)
    for name, parameters in commands.items():
        app.command(name)(_function(parameters))
    return app


def _function(given: Mapping[str, Any]) -> Callable[..., None]:
    """Return a function with parameters as Typer takes them."""

    def never_run(**_: Any) -> None:
        raise AssertionError

    parameters = [
        Parameter(f"p{at}", Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(names, values))
        for at, (names, values) in enumerate(given.items())
    ]
    never_run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    never_run.__annotations__ = {of.name: of.annotation for of in parameters}
    return never_run


def _annotation(names: str, values: Sequence[str] | None) -> Any:
    if not names.startswith("-"):
        return Annotated[str | None, typer.Argument(autocompletion=_words(values or ()), metavar=names)]
    opts, _, secondary = names.partition("/")
    if values is None:
        first, *others = opts.split(",")
        flag = f"{first}/{secondary}" if secondary else first
        return Annotated[bool | None, typer.Option(flag, *others)]
    return Annotated[list[str] | None, typer.Option(*opts.split(","), autocompletion=_words(values))]


def _words(values: Sequence[str]) -> Callable[[], list[str]]:
    """Return what completes with words, and with the names of families, those of installed packages too."""

    def words() -> list[str]:
        found = [_members(value.removeprefix(FAMILY)) if value.startswith(FAMILY) else [value] for value in values]
        return list(dict.fromkeys(word for of in found for word in of))

    return words


def _members(family: str) -> list[str]:
    return [*_table()["families"][family], *installed(GROUPS[family])]
