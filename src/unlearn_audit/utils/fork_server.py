"""Worker processes that are copies of one process which has imported everything: on Linux, for the command line alone.

A worker that starts anew imports for seconds, and so does every other one. A fork server (see `multiprocessing`)
imports while the command itself does, and each worker is forked from it. It runs nothing in several threads, so that no
library has some which a copy would lack. A program that calls the package has ordinary workers
(`unlearn_audit.utils.workers`): with a fork server, Python would run its script once more in each of them.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from mmap import PAGESIZE
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cloudpickle

from unlearn_audit.utils.held import abandoned, held_folder, leftovers

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""How many threads libraries start, unless they are told; read when they are loaded."""

_MOST_GROWTH = 1 << 30
"""By how many bytes a worker may grow after its first piece of work; one that grew more is replaced."""

_idle: list[_Worker] = []
"""Workers that wait for the next call."""

_alive: list[_Worker] = []
"""All workers that were not ended yet."""

_modules: list[str] = []
"""What a server imports; empty where workers are not to be forked."""

_started: list[int] = []
"""The process that started a server, if one did."""

_folder = ExitStack()
"""What removes the folder of the server's socket."""


@dataclass(frozen=True, eq=False)
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


def start() -> bool:
    """Start the server, unless it runs or is not allowed, and let it import meanwhile.

    Returns
    -------
    Whether it runs. It does not where no socket can be made, as in a folder with a long name.
    """
    if not _modules or os.getpid() in _started:
        return bool(_modules)
    from multiprocessing.forkserver import ensure_running  # nothing else needs it, and help is to be there at once

    atexit.register(_stop)
    try:
        # where `multiprocessing` keeps its sockets; in a folder of its own they would stay after a signal
        current_process()._config["tempdir"] = str(_folder.enter_context(_socket_folder()))  # type: ignore[attr-defined]
        get_context("forkserver").set_forkserver_preload(_modules)
        with _single_threads():
            ensure_running()
    except OSError:
        _modules.clear()  # ordinary workers do as well
    _started[:] = [os.getpid()]
    return bool(_modules)


@contextmanager
def _socket_folder() -> Iterator[Path]:
    """Make a folder that goes with this process, after those of processes that were killed.

    Raises
    ------
    PermissionError
        If another user could put something else in its place.
    """
    if sys.platform == "linux":  # nothing is allowed elsewhere
        root = Path(tempfile.gettempdir()) / f"unlearn-audit-{os.getuid()}"
        for left in leftovers(root):
            abandoned(left)
        with held_folder(root) as folder:
            if root.stat().st_uid != os.getuid():
                raise PermissionError(f"{root} belongs to somebody else")
            yield folder


def in_copies(processes: int, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what a function makes of each tuple of arguments, as soon as it is there, in any order.

    Workers are kept for the next call, unless this one ends early. They have the environment that this process had when
    it started the server, and the working folder and the path of imports that it had when they were forked.

    Raises
    ------
    BrokenProcessPool
        If a worker died, or none could be forked.
    Exception
        What the function raised, with the traceback of its process as a note.
    """
    working: dict[Connection, _Worker] = {}
    left = iter(arguments)

    def give(worker: _Worker, given: tuple[Any, ...]) -> None:
        working[worker.connection] = worker
        _send(worker, function, given)

    try:
        for _ in range(min(processes, len(arguments))):
            give(_waiting(), next(left))
        while working:
            for connection in wait([*working]):
                assert isinstance(connection, Connection)
                worker = working[connection]
                result, worn = _received(worker)
                del working[connection]
                if worn:
                    _kill([worker])
                else:
                    _idle.append(worker)
                if (following := next(left, None)) is not None:
                    give(_waiting(), following)
                yield result
    finally:
        _kill([*working.values()])


def _waiting() -> _Worker:
    """Return a worker that waits, a new one if there is none."""
    while _idle:
        worker = _idle.pop()
        if worker.process.is_alive():
            return worker
        _kill([worker])
    return _forked()


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
    _alive.append(_Worker(process, ours))
    return _alive[-1]


def _send(worker: _Worker, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    try:
        worker.connection.send_bytes(cloudpickle.dumps((function, given)))
    except OSError as error:
        raise BrokenProcessPool(_end_of(worker)) from error


def _received(worker: _Worker) -> tuple[Any, bool]:
    """Return what a worker made, and whether it grew too much."""
    try:
        sent, worn = worker.connection.recv_bytes(), worker.connection.recv_bytes()
    except (EOFError, OSError) as error:
        raise BrokenProcessPool(_end_of(worker)) from error
    raised, result = pickle.loads(sent)  # noqa: S301  # from a process that this one started  # nosec B301
    if raised:
        raise result
    return result, bool(worn)


def _end_of(worker: _Worker) -> str:
    worker.process.join(1)
    return f"a worker process ended with exit code {worker.process.exitcode}"


def _kill(workers: Collection[_Worker]) -> None:
    """End workers at once, whatever they do."""
    for worker in workers:
        if worker in _alive:
            _alive.remove(worker)
        worker.connection.close()
        worker.process.kill()
    for worker in workers:
        worker.process.join()


def _stop() -> None:
    """Before Python's own end, which waits for every process of this one: let none be left."""
    _kill([*_alive])
    _folder.close()


def _serve(connection: Connection) -> None:
    """Do what arrives until nothing more can."""
    from joblib import parallel_config

    threading.Thread(target=_end_with_parent, daemon=True, name="end-with-parent").start()
    _draw_anew()
    first = 0
    # a model that asks joblib for several processes gets threads, as in any worker
    with parallel_config(backend="threading"):
        while True:
            try:
                sent = connection.recv_bytes()
            except EOFError:
                return
            connection.send_bytes(_done(sent))
            first = first or _size()
            connection.send_bytes(b"worn" if _grew(first) else b"")


def _done(sent: bytes) -> bytes:
    """Return whether a piece of work raised something, and that or what came of it."""
    try:
        function, given = pickle.loads(sent)  # noqa: S301  # from the process that started this one  # nosec B301
        made: bytes = cloudpickle.dumps((False, function(*given)))
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
        error.add_note(traceback.format_exc())
        made = cloudpickle.dumps((True, _sendable(error)))
    return made


def _sendable(error: BaseException) -> BaseException:
    """Return an exception, or what it says as another one if it cannot be sent."""
    try:
        pickle.loads(cloudpickle.dumps(error))  # noqa: S301  # our own  # nosec B301
    except Exception:  # noqa: BLE001 - its type may raise anything
        other = RuntimeError(f"{type(error).__name__}: {error}")
        other.__notes__ = error.__notes__
        return other
    return error


def _size() -> int:
    """Return how many bytes of memory this process takes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGESIZE


def _grew(first: int) -> bool:
    """Return whether this process takes much more memory than it did, after what is garbage is gone."""
    if _size() - first <= _MOST_GROWTH:
        return False
    gc.collect()
    return _size() - first > _MOST_GROWTH


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
def _single_threads() -> Iterator[None]:
    """Let libraries of processes started in a block start no threads, unless somebody said how many."""
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
