"""Standard output and error: they take every character, and only what was asked for reaches standard output."""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

from unlearn_audit.utils.shown import escape, shown

_PLAIN = {
    **{"→": "->", "←": "<-", "↔": "<->", "−": "-", "–": "-", "—": "--", "±": "+/-", "×": "x", "·": "*", "•": "*"},
    **{"…": "...", "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "‘": "'", "’": "'", "“": '"', "”": '"', "\xa0": " "},
    **{"ε": "epsilon", "δ": "delta", "σ": "sigma", "µ": "u", "✓": "yes", "✗": "no", "█": "#", "━": "-", "─": "-"},
}
"""Signs that we write, and what stands for each where the encoding of a stream has none."""

_ERRORS = "unlearn-audit"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

_apart: TextIO | None = None


def _plainly(error: UnicodeError) -> tuple[str, int]:
    r"""Return what stands for characters that an encoding lacks: a sign in ASCII, or ``\uXXXX``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(one) or _NOT_ASCII.sub(escape, one) for one in lacking), error.end


codecs.register_error(_ERRORS, _plainly)


def ready_streams() -> None:
    """Let standard output and error take every character, whatever their encoding, and be there at all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as we run
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


@contextmanager
def output_apart() -> Iterator[None]:
    """Keep standard output for `standard_output`: whatever else is printed goes to standard error.

    So do the lines that a model prints while it is trained, from Python or from C, here or in a worker process.
    """
    global _apart
    if _apart is not None:
        yield
        return
    sys.stdout.flush()
    with _own_output() as _apart, redirect_stdout(sys.stderr):
        try:
            yield
            _apart.flush()
        finally:
            _apart = None


@contextmanager
def _own_output() -> Iterator[TextIO]:
    """Yield a stream to what standard output is now, and lead that of this process and its children to error."""
    stdout = sys.__stdout__
    if stdout is None or sys.stdout is not stdout or stdout.fileno() != 1:
        yield sys.stdout
        return
    here = os.dup(1)
    try:
        os.dup2(sys.stderr.fileno(), 1)
        with open(here, "w", encoding=stdout.encoding, errors=_ERRORS, closefd=False) as stream:
            yield stream
    finally:
        with suppress(OSError):
            stdout.flush()
        os.dup2(here, 1)
        os.close(here)


def standard_output() -> TextIO:
    """Return where results go."""
    return sys.stdout if _apart is None else _apart


def say(text: str, *, error: bool = False) -> None:
    """Print a line on standard output, or on standard error; what is not seen in it as escapes."""
    stream = sys.stderr if error else standard_output()
    stream.write(f"{shown(text)}\n")
    stream.flush()


def say_json(document: Any) -> None:
    """Print a document, or JSON that it was written as already; in ASCII where the output is no UTF-8."""
    text = document if isinstance(document, str) else f"{json.dumps(document, indent=1)}\n"
    stream = standard_output()
    if codecs.lookup(stream.encoding or "utf-8").name != "utf-8":
        text = _NOT_ASCII.sub(escape, text)
    stream.write(text)
    stream.flush()
