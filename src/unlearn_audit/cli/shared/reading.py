"""The options that say how files of posteriors are to be read, for every command that reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from unlearn_audit.cli.shared.help import RARE
from unlearn_audit.cli.shared.values import one_of
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.values import VALUES
from unlearn_audit.utils.dialects import DELIMITERS

_PANEL = f"Reading files{RARE}"


def _option(name: str, text: str, *values: str, many: bool = False) -> Any:
    option = typer.Option(
        f"--{name}",
        help=text + (" Repeatable." if many else ""),
        rich_help_panel=_PANEL,
        show_default=False,
        autocompletion=one_of(*values),
    )
    return Annotated[(list[str] if many else str) | None, option]


_OPTIONS = {
    "column": _option(
        "column", "A column's name in the files, after ours: role=status, record=customer_id.", many=True
    ),
    "before_columns": _option(
        "before",
        "Columns of posteriors before the deletion, with * for the class: 'old_*'; in long files, a version.",
    ),
    "after_columns": _option("after", "The same after the deletion: 'new_*'."),
    "role_value": _option("role-value", "A word of the column role, after ours: deleted=removed.", many=True),
    "values": _option("values", f"What the numbers are: {', '.join(VALUES)}.", *VALUES),
    "class_names": _option("class-names", "For files with one probability per version: the two classes, as no,yes."),
    "ignore": _option("ignore", "A column to ignore.", many=True),
    "delimiter": _option(
        "delimiter", f"What separates columns: {', '.join(DELIMITERS)}. Default: detected.", *DELIMITERS
    ),
    "decimal": _option("decimal", "What separates decimals: comma or point. Default: detected.", "comma", "point"),
    "text_encoding": _option(
        "text-encoding", "Encoding of text files, such as latin-1. Default: UTF-8, or UTF-16 where marked."
    ),
}


def flags_of(read_as: ReadAs) -> list[str]:
    """Return the options that say how files are read, as they are typed: each with its value, ready to paste.

    Examples
    --------
    >>> flags_of(ReadAs.of_flags({"column": ["role=status"], "before_columns": "old_*", "values": "logits"}))
    ['--column role=status', "--before 'old_*'", '--values logits']
    """
    found = [("column", f"{ours}={theirs}") for ours, theirs in read_as.columns.items()]
    found += [("before", read_as.before or ""), ("after", read_as.after or "")]
    found += [("role-value", f"{role}={word}") for word, role in read_as.roles.items()]
    found += [("values", read_as.values or ""), ("class-names", ",".join(read_as.classes or ()))]
    found += [("ignore", name) for name in read_as.ignored]
    found += [("delimiter", read_as.delimiter or ""), ("decimal", read_as.decimal or "")]
    found += [("text-encoding", read_as.encoding or "")]
    names = {sign: name for name, sign in DELIMITERS.items()} | {",": "comma", ".": "point"}
    return [
        f"--{name} {quoted(names.get(value, value) if name in ('delimiter', 'decimal') else value)}"
        for name, value in found
        if value
    ]


def added_flags(given: ReadAs, changed: ReadAs) -> list[str]:
    """Return the options that a way of reading has besides those given."""
    there = flags_of(given)
    return [flag for flag in flags_of(changed) if flag not in there]


def quoted(text: str) -> str:
    """Return a text as one word of a shell.

    Examples
    --------
    >>> print(quoted("old_*"), quoted("status"))
    'old_*' status
    """
    return text if re.fullmatch(r"[\w.,=/:+-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; they reach it as its parameter ``read_as``."""
    own = [of for of in signature(command, eval_str=True).parameters.values() if of.name != "read_as"]

    def with_options(*positional: Any, **given: Any) -> None:
        flags = {name: given.pop(name, None) for name in _OPTIONS}
        command(*positional, read_as=ReadAs.of_flags(flags), **given)

    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    with_options.__doc__ = command.__doc__
    with_options.__signature__ = Signature([*own, *added])  # type: ignore[attr-defined]
    with_options.__annotations__ = {of.name: of.annotation for of in (*own, *added)}
    return with_options
