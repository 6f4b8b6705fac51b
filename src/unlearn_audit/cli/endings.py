"""How a command ends: with what it found, or with one sentence and an exit code that says whose turn it is.

Exit code 2 is the user's: bad input, code of theirs that raised, a file that cannot be read or written. `FAULT` is
ours. Neither is 1, which gates take for a leak.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import raised
from unlearn_audit.utils.shown import shown
from unlearn_audit.utils.suggest import advice

USER, FAULT, CLOSED = 2, 70, 141
"""Exit codes: of bad input, of a fault of ours, and of a reader that closed standard output."""

VARIABLE = "UNLEARN_AUDIT_TRACEBACK"
"""The environment variable that asks for what ``--traceback`` shows."""


class _Carried(Exception):
    """Holds as its cause what the library of commands would end the process for, most with the exit code of a leak."""


@contextmanager
def carried_past() -> Iterator[None]:
    """Let what is raised within reach `in_one_sentence`, past the library of commands; its own errors are bad input."""
    try:
        yield
    except AuditError:
        raise
    except (BrokenPipeError, EOFError, KeyboardInterrupt) as error:
        raise _Carried from error
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # as of the library that lays out the list of commands
            raise _Carried from stop.__context__
        raise
    except Exception as error:
        # releases of Typer differ in where they keep the type
        if not hasattr(error, "format_message"):
            raise
        raise AuditError(_misused(error)) from error


def _misused(error: Any) -> str:
    """Return what was wrong with the words of a command, as one sentence."""
    context = getattr(error, "ctx", None)
    if hasattr(error, "possibilities") and hasattr(error, "option_name") and context is not None:
        known = [name for of in context.command.params for name in of.opts if name.startswith("--")]
        return f"unknown option {error.option_name}; {advice(error.option_name, known)}"
    said = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    where = "" if context is None else f"; see {context.command_path} --help"
    return f"{said[:1].lower()}{said[1:]}{where}"


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
    except Exception as caught:  # noqa: BLE001 - no error ends in a traceback that was not asked for
        error = caught.__cause__ if isinstance(caught, _Carried) and caught.__cause__ else caught
        _discard(sys.stdout)
        code, sentence = _told(error)
        if sentence:
            with suppress(OSError):  # no stream is left to say it on
                _say(error, sentence, with_traceback)
        _discard(sys.stderr)
    else:
        return
    sys.exit(code)


def _say(error: BaseException, sentence: str, with_traceback: bool) -> None:
    if with_traceback:
        sys.stderr.write(shown("".join(traceback.format_exception(error))))
    from unlearn_audit.utils.console import messages  # here, since a shell that completes a line needs no console

    console = messages(soft_wrap=True)
    console.print("Error:", style="bold red", end=" ")
    console.print(str(AuditError(sentence)))


def _told(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the sentence of an error; none of a reader that left."""
    if isinstance(error, BrokenPipeError):
        return CLOSED, ""
    if isinstance(error, KeyboardInterrupt):  # that of a keyboard never comes here: see `shared.signals`
        return USER, "code that the command ran raised KeyboardInterrupt; --traceback shows where"
    if isinstance(error, AuditError):
        return USER, str(error)
    if isinstance(error, OSError):
        why = error.strerror or " ".join(str(error).split()) or type(error).__name__
        if error.filename is None:
            return USER, f"something cannot be read or written ({why}); --traceback shows what"
        return USER, f"{os.fsdecode(error.filename)} cannot be read or written ({why}); check it, or give another"
    if isinstance(error, MemoryError):
        return USER, "memory ran out; use fewer --jobs, fewer or smaller worlds, or a larger machine"
    if isinstance(error, UnicodeEncodeError) or "embedded null" in str(error):
        return USER, "a path or a name has a character that is invalid, or not allowed in names here; rename it"
    where = raised(error, lambda _: "")
    return FAULT, f"unexpected {where}: a bug in unlearn-audit; please report it with the output of --traceback"


def _discard(stream: TextIO) -> None:
    """Let what is left for a stream that takes no more go nowhere; at the end it would be written again."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
