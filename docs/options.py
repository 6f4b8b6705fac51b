"""Writes options.md: the whole help of every command, and the key of each flag of ``run``.

python docs/options.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from unlearn_audit.cli.commands import COMMANDS, load
from unlearn_audit.cli.shared.from_config import flags
from unlearn_audit.cli.shared.help import ALL

PAGE = Path(__file__).with_name("options.md")

INTRODUCTION = """# Options

Which options does each command take? `docs/options.py` writes this page from the program itself.

`run`, `plan`, `compare-methods`, `name`, `reconstruct` and `rectify` take the same options, which correspond
to the [configuration](configuration.md); flags override a YAML file.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    of_run = {of.name for of in load("run").params if of.name != "help"}
    for words in commands():
        command = find(words)
        shared = words != ("run",) and any("--allow-code" in of.opts for of in command.params)
        options = [of for of in command.params if not (shared and of.name in of_run and of.opts[0].startswith("-"))]
        text = whole_help(words, options if shared else command.params)
        refused = ", ".join(f"`{of.opts[0]}`" for of in command.params if of.hidden and of.name in of_run)
        but = f", but for {refused}" if refused else ""
        more = f"\nIt also takes the options of [run](#unlearn-audit-run){but}.\n" if shared else ""
        parts.append(f"## unlearn-audit {' '.join(words)}\n{more}\n```text\n{text}\n```\n")
    rows = "\n".join(f"| `--{flag.name}` | `{'.'.join(flag.path)}` |" for flag in flags())
    parts.append(f"## Flags and keys of a configuration\n\n| flag | key |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    for name in COMMANDS:
        below = sorted(getattr(load(name), "commands", {}))
        yield from ((name, of) for of in below) if below else [(name,)]


def find(words: tuple[str, ...]) -> Any:
    """Return a command."""
    command = load(words[0])
    return getattr(command, "commands", {}).get(words[-1], command)


def whole_help(words: tuple[str, ...], parameters: Sequence[Any]) -> str:
    """Return what a command prints with ``--help-all``, of some of its parameters."""
    command = find(words)
    context = typer.Context(command, info_name=f"unlearn-audit {' '.join(words)}")
    context.meta[ALL] = True
    names = {of.name for of in parameters}
    command.params = [of for of in command.params if of.name in names]
    return str(command.get_help(context))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
