"""How a command ends: with what it found, or with one sentence and an exit code that says whose turn it is.

Exit code 2 is the user's: bad input, code of theirs that raised, a file that cannot be read or written. `FAULT` is
ours. Neither is 1, which gates take for a leak.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.console import messages
from unlearn_audit.utils.foreign import raised
from unlearn_audit.utils.shown import shown
from unlearn_audit.utils.streams import OutputClosed

USER, FAULT, CLOSED = 2, 70, 141
"""Exit codes: of bad input, of a fault of ours, and of a reader that closed standard output."""

VARIABLE = "UNLEARN_AUDIT_TRACEBACK"
"""The environment variable that asks for what ``--traceback`` shows."""


@contextmanager
def in_one_sentence(*, with_traceback: bool) -> Iterator[None]:
    """Turn whatever is raised within into a sentence and an exit code.

    Parameters
    ----------
    with_traceback
        Whether to show where it was raised as well; such lines can quote records.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except (OutputClosed, BrokenPipeError):
        _discard_output()
        code = CLOSED
    except Exception as error:  # noqa: BLE001 - no error ends in a traceback that was not asked for
        _discard_output()
        code, sentence = _told(error)
        if with_traceback:
            sys.stderr.write(shown("".join(traceback.format_exception(error))))
        console = messages(soft_wrap=True)
        console.print("Error:", style="bold red", end=" ")
        console.print(str(AuditError(sentence)))
    else:
        return
    sys.exit(code)


def _told(error: Exception) -> tuple[int, str]:
    """Return the exit code and the sentence of an error."""
    if isinstance(error, AuditError):
        return USER, str(error)
    if isinstance(error, OSError):
        why = error.strerror or " ".join(str(error).split()) or type(error).__name__
        if error.filename is None:
            return USER, f"something cannot be read or written ({why}); --traceback shows what"
        return USER, f"{os.fsdecode(error.filename)} cannot be read or written ({why}); check it, or name another"
    if isinstance(error, MemoryError):
        return USER, "memory ran out; use fewer --jobs, fewer or smaller worlds, or a larger machine"
    if isinstance(error, UnicodeEncodeError) or "embedded null" in str(error):
        return USER, "a path or a name has a character that is no text, or that names cannot have here; rename it"
    where = raised(error, lambda _: "")
    return FAULT, f"unexpected {where}: a fault of unlearn-audit; please report it with what --traceback shows"


def _discard_output() -> None:
    """Let what is left for standard output go nowhere, as nobody reads it; at the end it would be written again."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
