"""What may stand behind an option, for shells that complete it: names of a family, or words.

An option declares it where it is made, as ``autocompletion``. `completion.json` keeps what all options declare, so that
a shell gets its answer without the libraries that know it; ``python -m unlearn_audit.cli.shared.values`` prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from unlearn_audit.cli.completion import FAMILY
from unlearn_audit.utils.messages import first_line
from unlearn_audit.utils.registry import Registry

_WHERE: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "attacks": ("attacks.catalogue", lambda attack: attack.about),
    "unlearning": ("unlearning.methods", first_line),
    "defenses": ("defenses.parse", lambda kind: kind.help),
    "datasets": ("data", lambda entry: entry[0].title),
    "models": ("models.source", first_line),
    "versions": ("versions.kinds", lambda kind: kind.about),
    "agents": ("agents.kinds", lambda kind: kind.about),
    "probes": ("audits.agents.probes", lambda probe: probe.about),
}
"""By family, the module that holds its registry, and what says in one line what a member is."""


def registry_of(family: str) -> tuple[Registry[Any], Callable[[Any], str]]:
    """Return a family, and what says in one line what a member is; it is imported when it is asked for."""
    module, about = _WHERE[family]
    return import_module(f"unlearn_audit.{module}").REGISTRY, about


def names_of(family: str) -> Callable[[], list[tuple[str, str]]]:
    """Return what completes an option with the names of a family, and says of each that it is one of it."""
    return lambda: [(name, family) for name in registry_of(family)[0].own]


def one_of(*words: str) -> Callable[[], list[str]]:
    """Return what completes an option with words."""
    return lambda: list(words)


def declared() -> dict[str, Any]:
    """Return what the options of all commands declare, by command and name; a family by its name behind `FAMILY`.

    An option that takes no value has null, and one whose values are not known an empty list.
    """
    from unlearn_audit.cli.commands import COMMANDS, load

    commands: dict[str, dict[str, Any]] = {}
    for name in COMMANDS:
        command = load(name)
        below = getattr(command, "commands", None)
        every = {name: command} if below is None else {f"{name} {of}": below[of] for of in below}
        commands |= {words: dict(_parameters(of)) for words, of in every.items()}
    families = {family: list(registry_of(family)[0].own) for family in _WHERE}
    return {"families": families, "commands": commands}


def _parameters(command: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and values of each parameter of a command that its help lists."""
    context = command.context_class(command, info_name=command.name, resilient_parsing=True)
    for of in command.params:
        option = of.opts[0].startswith("-")
        if option and (of.hidden or of.name == "help"):
            continue
        names = "/".join(filter(None, (",".join(of.opts), ",".join(of.secondary_opts)))) if option else of.name
        if option and of.is_flag:
            yield names, None
            continue
        items = [item for item in of.shell_complete(context, "") if item.type == "plain"]
        families = {item.help for item in items if item.help}
        yield names, [*(FAMILY + of for of in families), *(item.value for item in items if not item.help)]


if __name__ == "__main__":
    json.dump(declared(), sys.stdout, indent=1)
    sys.stdout.write("\n")
