"""Let an object of the user's reply to messages, line by line.

It runs as ``python -m unlearn_audit.agents.serve mine.py:Agent``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO

from unlearn_audit.agents.adapter import Adapter, adapter_of
from unlearn_audit.agents.messages import line_of
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.doors import Door

WHAT = "agent"


def serve(text: str, asked: IO[bytes], said: IO[bytes]) -> None:
    """Reply to messages until there are no more.

    Parameters
    ----------
    text
        ``file.py:object`` or ``module:object``.
    asked, said
        Lines of messages, and of replies.
    """
    adapter: Adapter | None = None
    for line in asked:
        try:
            if adapter is None:
                adapter = _opened(text)
            reply = adapter.reply(json.loads(line))
        except AuditError as error:
            reply = {"error": str(error), "what": "sentence"}
        said.write(line_of(reply))
        said.flush()


def _opened(text: str) -> Adapter:
    door = Door.of(WHAT, text)
    if door.content is not None:  # it may import files that lie beside it, as a script may
        sys.path.insert(0, str((door.folder / door.module).parent))
    return adapter_of(door.open(), door.label)


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output as they were, and keep them from the user's code.

    What it prints goes to standard error, as does what its libraries in C write and what its own programs print.
    """
    asked, said = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asked, said


def main(words: list[str]) -> None:
    """Serve the object that the only word names."""
    asked, said = _streams()
    serve(words[0], asked, said)


if __name__ == "__main__":
    main(sys.argv[1:])
