"""Signals end the command line at once: its workers and its temporary data go with it, and one sentence stays.

Python tells the main thread alone of a signal, between two steps of its own, which may be minutes apart while a model
is fitted. So a thread waits for them here, and ends the process as soon as the main thread lets it run:
compiled code that computes for long, as of scikit-learn and PyTorch, lets others run meanwhile.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.process import active_children

from unlearn_audit.utils.held import remove_all_held

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_caught = ExitStack()
"""What lets signals go again; empty while none is caught."""

_numbers: set[int] = set()
"""The signals that are caught."""

_held_back = threading.local()
"""By thread, the mask before a fork."""

_SHOW_CURSOR = b"\x1b[?25h\n"
"""Progress bars hide the cursor."""


@contextmanager
def ended_by_signals(sentence: str) -> Iterator[None]:
    """Let signals end this process while a block runs; what is to be ignored, as under nohup, is ignored.

    Parameters
    ----------
    sentence
        What standard error says then.
    """
    wanted = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    caught = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = threading.Event()
    with _caught as stack:
        _silence_trackers(stack)
        told, tells = socket.socketpair()
        stack.callback(told.close)
        tells.setblocking(False)
        listener = threading.Thread(target=_listen, args=(told, caught, ending, sentence), daemon=True, name="signals")
        _block_interrupts(stack, listener)
        stack.callback(listener.join)
        stack.callback(_hang_up, tells, os.getpid())
        stack.callback(_numbers.clear)
        _numbers.update(caught)
        for number in caught:
            stack.callback(signal.signal, number, signal.signal(number, _do_nothing))
        stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False))
        try:
            yield
        finally:
            if ending.is_set():  # whatever this thread came to is of no interest any more
                threading.Event().wait()


def ignore_signals() -> None:
    """Let no signal end this process any more, whose work is done."""
    for name in _NAMES:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _hang_up(tells: socket.socket, process: int) -> None:
    """Let the listener end; one that is forked has the same socket and only closes its own end of it."""
    if os.getpid() == process:
        tells.shutdown(socket.SHUT_WR)
    tells.close()


def _hold_back() -> None:
    """Before a fork, let signals wait until the new process has its own handlers, or they would be lost on it."""
    if _numbers:
        _held_back.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _numbers)


def _let_through() -> None:
    mask = _held_back.__dict__.pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


# a process that a model forks, as for a pool of its own, ends by its own signals and not this one with it; letting them
# go also sets its mask
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=_caught.close)


def _silence_trackers(stack: ExitStack) -> None:
    """Let the processes that tidy up after this one, wherever it was ended, do so without a word."""
    before = os.environ.get("PYTHONWARNINGS", "")
    stack.callback(os.environ.__setitem__, "PYTHONWARNINGS", before)
    os.environ["PYTHONWARNINGS"] = f"{before},ignore:resource_tracker:UserWarning".lstrip(",")


def _block_interrupts(stack: ExitStack, listener: threading.Thread) -> None:
    """Start the listener, which alone is interrupted: a worker inherits from its thread that it is not, from the start.

    Else Python would show a traceback of each worker where the keyboard interrupts all processes of a terminal.
    """
    listener.start()
    if sys.platform != "win32":
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)


def _listen(told: socket.socket, caught: Collection[int], ending: threading.Event, sentence: str) -> None:
    while number := told.recv(1):
        if number[0] in caught:  # and none that a model wants to know of
            ending.set()
            _end(number[0], sentence)


def _end(number: int, sentence: str) -> None:
    said = _alone_on_standard_error()
    for process in [worker.pid for worker in active_children() if worker.pid]:
        with suppress(OSError):
            os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    remove_all_held()
    with suppress(OSError):
        os.write(said, (_SHOW_CURSOR if os.isatty(said) else b"") + f"{sentence}\n".encode())
    os._exit(128 + number)


def _alone_on_standard_error() -> int:
    """Return standard error, where nothing of what the other threads still come to say is heard any more."""
    try:
        said = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
    except OSError:  # it is closed
        return 2
    return said


def _do_nothing(number: int, frame: object) -> None:
    """Stand for what Python does with a signal; the number reaches the listener by itself."""
