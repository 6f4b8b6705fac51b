"""How the help of a command is laid out: options under headings, and the rare ones only in the whole help."""

from __future__ import annotations

import textwrap
from enum import Enum
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from unlearn_audit.utils.streams import output_apart
from unlearn_audit.utils.suggest import check_known

RARE = " *"
"""What the heading of an option ends with that only the whole help lists."""

HEADINGS = (
    "Records", "Versions", "HTTP", "Agent", "Facts", "Reading files", "Data", "Model", "Unlearning", "Worlds",
    "Attacks", "Defences", "Execution", "Options",
)  # fmt: skip
ALL = "unlearn_audit.help_all"
"""The key of a context under which it is said that the whole help is asked for."""

_WIDTH, _COLUMN = 80, 24


def _print_all(ctx: typer.Context, asked: bool) -> None:
    if asked:
        ctx.meta[ALL] = True
        typer.echo(ctx.get_help())
        raise typer.Exit


HelpAll = Annotated[
    bool,
    typer.Option("--help-all", callback=_print_all, is_eager=True, help="Show every option and exit."),
]


class Grouped(TyperCommand):
    """A command whose help lists options under headings, in at most 80 columns, without cutting a word.

    While it runs, only its results reach standard output.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with output_apart():
            return super().invoke(ctx)

    def get_help(self, ctx: Any) -> str:
        """Return the help; the whole of it once ``--help-all`` was given."""
        parameters: list[Any] = self.get_params(ctx)
        options = [of for of in parameters if of.opts[0].startswith("-") and not of.hidden]
        arguments = [of for of in parameters if not of.opts[0].startswith("-")]
        whole = bool(ctx.meta.get(ALL)) or not any("--help-all" in of.opts for of in options)
        shown = [of for of in options if whole or not _heading(of).endswith(RARE)]
        usage = (of.name if of.required else f"[{of.name}]" for of in arguments)
        lines = [*_wrapped(f"Usage: {' '.join([ctx.command_path, '[OPTIONS]', *usage])}"), ""]
        lines += _text(self.help or "")
        for argument in arguments:
            lines += ["", *_row(f"[{argument.name}]", getattr(argument, "help", "") or "")]
        for heading in HEADINGS:
            rows = [of for of in shown if _heading(of).removesuffix(RARE) == heading]
            if rows:
                lines += ["", f"{heading}:"]
            for of in rows:
                lines += _row(_names(of), _description(of))
        if len(shown) < len(options):
            lines += ["", "More options: --help-all"]
        return "\n".join(lines)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write(self.get_help(ctx) + "\n")


class Group(TyperGroup):
    """A group of commands, whose help is laid out as that of a command, and which knows what was probably meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words before a command; where there is none, print the help."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(self.get_help(ctx))
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name of the command that is called, the command itself, and its arguments."""
        if args and not args[0].startswith("-") and not ctx.resilient_parsing:
            check_known("command", args[:1], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        lines = [*_wrapped(f"Usage: {ctx.command_path} [OPTIONS] COMMAND ..."), "", *_text(self.help or "")]
        lines += ["", "Commands:"]
        for name in self.list_commands(ctx):
            lines += _row(name, (getattr(self.get_command(ctx, name), "help", None) or "").partition("\n\n")[0])
        lines += ["", "Options:"]
        for of in self.get_params(ctx):
            lines += _row(_names(of), _description(of))
        lines += ["", f"Help for a command: {ctx.command_path} COMMAND --help"]
        return "\n".join([*lines, *(["", *_wrapped(self.epilog)] if self.epilog else [])])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write(self.get_help(ctx) + "\n")


def _heading(option: Any) -> str:
    return getattr(option, "rich_help_panel", None) or "Options"


def _names(option: Any) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} {_value(option)}"


def _value(option: Any) -> str:
    """Return what stands for the value of an option."""
    if option.metavar:
        return str(option.metavar)
    # releases of Typer differ in where they keep the type
    described = getattr(option, "type_descriptor", None)
    kind = str(option.type.name if described is None else described.annotation)
    return next((word for part, word in (("int", "N"), ("float", "X"), ("Path", "PATH")) if part in kind), "TEXT")


def _choices(option: Any) -> tuple[str, ...]:
    described = getattr(option, "type_descriptor", None)
    if described is None:
        return tuple(map(str, getattr(option.type, "choices", ())))
    kind = described.annotation
    listed = isinstance(kind, type) and issubclass(kind, Enum)
    return tuple(map(str, kind if listed else get_args(kind)))


def _description(option: Any) -> str:
    text = getattr(option, "help", "") or ""
    if not option.is_flag and not option.multiple:
        missing = [of for of in _choices(option) if of not in text]
        text = f"{text.rstrip('.')}: {', '.join(missing)}." if missing else text
    if option.required:
        return f"{text} Required."
    default = option.default
    if option.show_default and default not in (None, (), []) and not isinstance(default, bool) and "efault" not in text:
        return f"{text} Default: {default}."
    return text


def _row(names: str, text: str) -> list[str]:
    """Return an option and what it is, in two columns."""
    first = f"  {names}"
    wrapped = _wrapped(text, _WIDTH - _COLUMN)
    if len(first) + 2 > _COLUMN:
        return [first, *(" " * _COLUMN + line for line in wrapped)]
    head, *rest = wrapped or [""]
    return [first.ljust(_COLUMN) + head, *(" " * _COLUMN + line for line in rest)]


def _wrapped(text: str, width: int = _WIDTH) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _text(text: str) -> list[str]:
    """Return paragraphs, and command lines as they can be typed: a long one goes on after a backslash."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        plain = " ".join(paragraph.split())
        if not plain.startswith("unlearn-audit"):
            lines += ["", *_wrapped(plain)]
            continue
        parts = _wrapped(plain, _WIDTH - 8)
        lines += [f"  {parts[0]}", *(f"      {part}" for part in parts[1:])]
        lines[-len(parts) : -1] = [f"{line} \\" for line in lines[-len(parts) : -1]]
    return lines[1:]
