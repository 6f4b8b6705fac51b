"""Programs of the user's that end when they should: at their time limit, and with the process that runs them.

A small process stands between: it starts the program in a group of its own, and kills the whole group as soon as it
cannot hear of this process any more, however that one ended.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from unlearn_audit.utils.children import child_of_known_memory

_TAIL = 1 << 14
"""Bytes of standard error that are kept."""

_SECONDS_TO_END = 5.0

_BETWEEN = """
import os, signal, subprocess, sys, threading
def kill(*_):
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            pass
    else:
        child.kill()
def watch():
    sys.stdin.buffer.read()
    kill()
    os._exit(1)
try:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
except OSError as error:
    print(chr(0) + error.strerror, file=sys.stderr)
    sys.exit(1)
threading.Thread(target=watch, daemon=True).start()
if hasattr(os, "waitid"):  # what the program leaves running is killed while its number is still its own
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    kill()
code = child.wait()
try:
    import resource
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    os.write(1, b"%d" % (most if sys.platform == "darwin" else 1024 * most))
except ImportError:
    pass
os._exit(code if code >= 0 else 128 - code)
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes
    ----------
    code
        Its exit code, 128 and more for a signal; None if its time was over.
    said
        The last line that is not empty on its standard error; empty if there is none.
    started
        Whether the system could start it.
    """

    code: int | None
    said: str
    started: bool = True


def why_not_run(program: str, folder: Path) -> str | None:
    """Return why a program cannot be run, as the end of a sentence; None if nothing is known against it.

    Parameters
    ----------
    program
        A name that is looked up in ``PATH``, or a path.
    folder
        Where it would run, and what a relative path starts from.
    """
    if not folder.is_dir():
        return f"there is no folder {folder} to run it in"
    if os.path.dirname(program):
        path = folder / program
        if path.is_dir():
            return f"{program} is a folder"
        if not path.exists():
            return f"there is no file {program}"
        return None if os.access(path, os.X_OK) else f"{program} is not executable (chmod +x)"
    return None if shutil.which(program) else f"no program {program} is found in PATH"


def run_leashed(words: Sequence[str], folder: Path, seconds: float) -> Ended:
    """Run a program, without a shell, and return how it ended; what it wrote on standard output is lost.

    What it takes counts in `unlearn_audit.utils.children.children_measured`.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        Where it runs.
    seconds
        Its time, after which it is killed with all that it started.
    """
    with child_of_known_memory() as memory:
        return _run(words, folder, seconds, memory)


def _run(words: Sequence[str], folder: Path, seconds: float, memory: list[int]) -> Ended:
    try:
        between = subprocess.Popen(  # the user named it  # nosec B603
            [sys.executable, "-I", "-S", "-c", _BETWEEN, *words],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # else an interrupt of the terminal would end it, and leave the program alone
            start_new_session=True,
        )
    except OSError as error:  # without its folder, or more processes than the system allows
        return Ended(1, ": ".join(map(str, filter(None, (error.filename, error.strerror)))), started=False)
    assert between.stdin is not None
    assert between.stdout is not None
    assert between.stderr is not None
    tail = bytearray()
    listener = threading.Thread(target=_keep_tail, args=(between.stderr, tail), daemon=True)
    listener.start()
    code: int | None = None
    try:
        with suppress(subprocess.TimeoutExpired):
            code = between.wait(seconds)
    finally:
        between.stdin.close()  # it kills the program then
        try:
            between.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            between.kill()
            between.wait()
        listener.join(_SECONDS_TO_END)
    with between.stdout as said_of_memory:
        memory += map(int, said_of_memory.read().split())
    lines = [line.strip() for line in bytes(tail).decode("utf-8", errors="replace").splitlines()]
    said = next((line for line in reversed(lines) if line), "")
    return Ended(code, said.lstrip("\0"), started=not said.startswith("\0"))


def _keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    """Read a stream to its end and keep its last bytes."""
    with stream:
        while piece := os.read(stream.fileno(), _TAIL):
            tail += piece
            del tail[:-_TAIL]
