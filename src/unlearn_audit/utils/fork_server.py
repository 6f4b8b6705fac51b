"""Worker processes that are copies of one process which has imported everything: on Linux, for the command line alone.

A worker that starts anew imports for seconds, and so does every other one. A fork server (see `multiprocessing`)
imports while the command itself does, and each worker is forked from it. It computes nothing, so that no library has
threads which a copy would lack. A program that calls the package has ordinary workers (`unlearn_audit.utils.workers`):
with a fork server, Python would run its script once more in each of them.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cloudpickle

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""How many threads libraries start, unless they are told; read when they are loaded."""

_idle: list[_Worker] = []
"""Workers that wait for the next call."""

_modules: list[str] = []
"""What a server imports; empty where workers are not to be forked."""

_started: list[int] = []
"""The process that started a server, if one did."""


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection


def allow(program: str, modules: Sequence[str]) -> None:
    """Let workers of this process be forked; not where that cannot be.

    Parameters
    ----------
    program
        The name of the command, or of the package that is run; of no other program are workers forked.
    modules
        What the server imports.
    """
    _modules[:] = modules if sys.platform == "linux" and _runs(program) else []


def is_allowed() -> bool:
    """Return whether workers of this process are forked."""
    return bool(_modules)


def start(processes: int) -> None:
    """Start the server, unless it runs or is not allowed, and let it import meanwhile.

    Parameters
    ----------
    processes
        Among how many workers the cores are shared.
    """
    if not is_allowed() or _started == [os.getpid()]:
        return
    from multiprocessing.forkserver import ensure_running  # nothing else needs it, and help is to be there at once

    get_context("forkserver").set_forkserver_preload(_modules)
    with _threads(max((os.cpu_count() or 1) // processes, 1)):
        ensure_running()
    _started[:] = [os.getpid()]
    atexit.register(_stop)


def in_copies(processes: int, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what a function makes of each tuple of arguments, as soon as it is there, in any order.

    Workers are kept for the next call, unless this one ends early.

    Raises
    ------
    BrokenProcessPool
        If a worker died, or none could be forked.
    Exception
        What the function raised, with the traceback of its process as a note.
    """
    start(processes)
    working: dict[Connection, _Worker] = {}
    left = iter(arguments)
    try:
        for _ in range(min(processes, len(arguments))):
            worker = _idle.pop() if _idle else _forked()
            working[worker.connection] = worker
            _send(worker, function, next(left))
        while working:
            for connection in wait([*working]):
                assert isinstance(connection, Connection)
                result = _received(working[connection])
                following = next(left, None)
                if following is None:
                    _idle.append(working.pop(connection))
                else:
                    _send(working[connection], function, following)
                yield result
    finally:
        _kill(working.values())


def _forked() -> _Worker:
    ours, its = get_context("forkserver").Pipe()
    process = get_context("forkserver").Process(target=_serve, args=(its,))
    try:
        process.start()
    except (EOFError, OSError) as error:
        _modules.clear()  # ordinary workers are tried next
        raise BrokenProcessPool(f"no worker could be forked, {type(error).__name__}") from error
    finally:
        its.close()
    return _Worker(process, ours)


def _send(worker: _Worker, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    try:
        worker.connection.send_bytes(cloudpickle.dumps((function, given)))
    except OSError as error:
        raise BrokenProcessPool(_end_of(worker)) from error


def _received(worker: _Worker) -> Any:
    try:
        sent = worker.connection.recv_bytes()
    except (EOFError, OSError) as error:
        raise BrokenProcessPool(_end_of(worker)) from error
    raised, result = pickle.loads(sent)  # noqa: S301  # from a process that this one started  # nosec B301
    if raised:
        raise result
    return result


def _end_of(worker: _Worker) -> str:
    worker.process.join(1)
    return f"a worker process ended with exit code {worker.process.exitcode}"


def _kill(workers: Any) -> None:
    """End workers at once, whatever they do."""
    for worker in workers:
        worker.connection.close()
        worker.process.kill()
    for worker in workers:
        worker.process.join()


def _stop() -> None:
    """Before Python's own end, which waits for every process of this one: let none be left."""
    _kill(_idle)
    _idle.clear()


def _serve(connection: Connection) -> None:
    """Do what arrives until nothing more can."""
    from joblib import parallel_config

    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()
    _draw_anew()
    # a model that asks joblib for several processes gets threads, as in any worker
    with parallel_config(backend="threading"):
        while True:
            try:
                function, given = pickle.loads(connection.recv_bytes())  # noqa: S301  # as above  # nosec B301
            except EOFError:
                return
            connection.send_bytes(_done(function, given))


def _done(function: Callable[..., Any], given: tuple[Any, ...]) -> bytes:
    sent: bytes
    try:
        sent = cloudpickle.dumps((False, function(*given)))
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
        error.add_note(traceback.format_exc())
        sent = cloudpickle.dumps((True, error))
    return sent


def _end_with_parent() -> None:
    started_by = parent_process()
    assert started_by is not None
    started_by.join()
    os._exit(1)


def _draw_anew() -> None:
    """Give this copy other random numbers than the next one, where a model draws without a seed."""
    import numpy as np

    np.random.seed()  # noqa: NPY002 - what models draw from by themselves


def _runs(program: str) -> bool:
    """Return whether this process is that program, or a module of its package, which may be run again."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).partition(".")[0] == program.replace("-", "_")
    return Path(getattr(main, "__file__", "")).name == program


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let libraries that are loaded by processes started in a block have so many threads, unless somebody said."""
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, str(number)))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
