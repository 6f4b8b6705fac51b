"""A class or object of the user's in Python, which runs in a process of its own: so a call that hangs can be ended."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from unlearn_audit.agents.base import Agent, Kind, Opening
from unlearn_audit.agents.program import ProgramAgent
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.doors import Door, is_object
from unlearn_audit.utils.programs import Program

# without -P files of the folder that it runs in would stand in for modules of Python
_SERVE = (sys.executable, "-P", "-m", "unlearn_audit.agents.serve")


class PythonKind(Kind):
    """Objects by their place."""

    about = "file.py:Class or module:object"

    def takes(self, text: str) -> bool:
        """Return whether a text names an object."""
        return is_object(text)

    @contextmanager
    def opened(self, text: str, opening: Opening) -> Iterator[Agent]:
        """Yield the agent; its process runs for as long as the block does."""
        door = Door.of("agent", text)
        if door.module.endswith(".py") and door.content is None:
            raise AuditError(f"agent {text}: there is no file {door.module}; check its path")
        program = Program("agent", (*_SERVE, text), opening.timeout, "--timeout")
        content = door.content if door.content is not None else _content_of(door.module)
        identity = {"object": door.label, "content": None if content is None else sha256(content).hexdigest()}
        agent = ProgramAgent(program, door.label, identity, opening)
        try:
            agent.start()
            yield agent
        finally:
            agent.close()


def _content_of(module: str) -> bytes | None:
    """Return the file of a module, which is not imported for it; None where none is found."""
    place = Path(*module.split("."))
    for folder in (Path.cwd(), *map(Path, sys.path)):
        for path in (folder / place.with_suffix(".py"), folder / place / "__init__.py"):
            if path.is_file():
                return path.read_bytes()
    return None
