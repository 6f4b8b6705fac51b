"""Worker processes of this machine: a pool of them, which ends with the process that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any, cast

from joblib import Parallel, delayed

from unlearn_audit.utils import fork_server

_SECONDS_BETWEEN_LOOKS = 0.5


def in_workers(processes: int, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what a function makes of each tuple of arguments in worker processes, in any order, as soon as it is there.

    Raises
    ------
    BrokenProcessPool
        If a worker died.
    """
    if fork_server.start():
        return fork_server.in_copies(processes, function, arguments)
    # of one worker joblib makes none, so there are two, and one of them waits
    many = max(processes, 2)
    pool = worker_pool(many, return_as="generator_unordered", pre_dispatch=2 * many if processes > 1 else 1)
    return cast("Iterator[Any]", pool(delayed(function)(*given) for given in arguments))


def worker_pool(processes: int, **options: Any) -> Parallel:
    """Return a pool of worker processes of this machine, which are kept for the next pool.

    What tasks are given, and what comes of them, goes through pipes: nothing of it is laid out in files.
    """
    # a worker that has grown, as by importing PyTorch, is replaced between two tasks: that is no news, and where
    # warnings are errors it would end the thread that waits for results
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
    return Parallel(
        n_jobs=processes,
        batch_size=1,
        max_nbytes=None,
        temp_folder=gettempdir(),  # where nothing is made; unless it is named, joblib makes a folder in /dev/shm
        initializer=end_with_parent,
        initargs=(os.getpid(),),
        **options,
    )


def remove_semaphores_of(process: int) -> None:
    """Remove what a dead process shared with its workers, if all were killed at once, as when memory runs out.

    Else a process that only keeps track of it removes it. Elsewhere than on Linux it has no name to find it by.
    """
    if not Path(f"/proc/{process}").exists():
        for path in Path("/dev/shm").glob(f"sem.loky-{process}-*"):  # where loky keeps them  # nosec B108
            with suppress(OSError):
                path.unlink()


def end_with_parent(parent: int) -> None:
    """Let this process end as soon as the one that started it is gone, and leave interrupts to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(parent,), daemon=True, name="end-with-parent").start()


def _end_after(parent: int) -> None:
    if sys.platform == "win32":
        _wait_for(parent)
    else:
        # a process whose parent is dead is given another
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


if sys.platform == "win32":
    import _winapi

    def _wait_for(process: int) -> None:
        try:
            handle = _winapi.OpenProcess(_winapi.SYNCHRONIZE, False, process)
        except OSError:  # it is gone
            return
        _winapi.WaitForSingleObject(handle, _winapi.INFINITE)
