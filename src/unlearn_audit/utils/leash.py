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
import os, queue, signal, subprocess, sys, threading
talks, told = sys.argv[1] == "talk", queue.SimpleQueue()
def kill(*_):
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            pass
    else:
        child.kill()
def watch():
    while piece := os.read(0, 65536):
        told.put(piece)
    kill()
    os._exit(1)
def tell():  # in a thread of its own: a program that reads nothing must not keep the other one from watching
    try:
        while True:
            child.stdin.write(told.get())
            child.stdin.flush()
    except OSError:
        pass
try:
    child = subprocess.Popen(
        sys.argv[2:],
        stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
        stdout=None if talks else subprocess.DEVNULL,
        start_new_session=True,
    )
except OSError as error:
    print(chr(0) + error.strerror, file=sys.stderr)
    sys.exit(1)
threading.Thread(target=watch, daemon=True).start()
if talks:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that its output ends with it
    threading.Thread(target=tell, daemon=True).start()
if hasattr(os, "waitid"):  # what the program leaves running is killed while its number is still its own
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    kill()
code = child.wait()
if not talks:
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


class Leash:
    """A program that was started, without a shell, and ends with this process at the latest.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        Where it runs.
    talks
        Whether its standard input and output are `input` and `output`; else it has none.

    Raises
    ------
    OSError
        If the folder is missing, or no process can be started. That the program itself cannot be, `end` says.

    Attributes
    ----------
    input, output
        Pipes. Of a program that does not talk, the output is told once it ended: the most bytes that it held.
    """

    def __init__(self, words: Sequence[str], folder: Path, *, talks: bool = False) -> None:
        self._between = subprocess.Popen(  # the user named it  # nosec B603
            [sys.executable, "-I", "-S", "-c", _BETWEEN, "talk" if talks else "run", *words],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # else an interrupt of the terminal would end it, and leave the program alone
            start_new_session=True,
        )
        assert self._between.stdin is not None
        assert self._between.stdout is not None
        assert self._between.stderr is not None
        self.input, self.output = self._between.stdin, self._between.stdout
        self._tail = bytearray()
        self._listener = threading.Thread(target=_keep_tail, args=(self._between.stderr, self._tail), daemon=True)
        self._listener.start()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._between.poll() is None

    def end(self, seconds: float = 0.0) -> Ended:
        """Wait for its end, but only so many seconds; then kill it with all that it started."""
        code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = self._between.wait(seconds)
        finally:
            with suppress(OSError):  # what was not told to one that ended is lost
                self.input.close()  # it kills the program then
            try:
                self._between.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._between.kill()
                self._between.wait()
            self._listener.join(_SECONDS_TO_END)
        lines = [line.strip() for line in bytes(self._tail).decode("utf-8", errors="replace").splitlines()]
        said = next((line for line in reversed(lines) if line), "")
        return Ended(code, said.lstrip("\0"), started=not said.startswith("\0"))


def _run(words: Sequence[str], folder: Path, seconds: float, memory: list[int]) -> Ended:
    try:
        leash = Leash(words, folder)
    except OSError as error:  # without its folder, or more processes than the system allows
        return Ended(1, ": ".join(map(str, filter(None, (error.filename, error.strerror)))), started=False)
    ended = leash.end(seconds)
    with leash.output as said_of_memory:
        memory += map(int, said_of_memory.read().split())
    return ended


def _keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    """Read a stream to its end and keep its last bytes."""
    with stream:
        while piece := os.read(stream.fileno(), _TAIL):
            tail += piece
            del tail[:-_TAIL]
