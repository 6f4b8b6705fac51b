"""Worker processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from joblib import delayed

from unlearn_audit.engine.executors.base import WORLDS, Item, Results, Serial, Work, WorkersDied, in_worker, until_done
from unlearn_audit.engine.executors.cores import split_cores
from unlearn_audit.engine.executors.shared import dump, load
from unlearn_audit.utils.temporary import temporary_data_below, temporary_folder
from unlearn_audit.utils.workers import worker_pool


class Processes:
    """Worker processes that map the shared data from one file; a task is given nothing but its item.

    Parameters
    ----------
    jobs
        Cores to use; where there is work for one process alone, this one does it.
    undone
        What is said about items that are left where workers die again and again, as for `WORLDS`.
    """

    name = "processes"

    def __init__(self, jobs: int, undone: str = WORLDS) -> None:
        self.jobs = jobs
        self.undone = undone

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result as soon as it is there."""
        processes, threads = split_cores(self.jobs, len(items))
        if processes == 1:
            return Serial(threads).run(work, shared, items)
        return in_processes(processes, threads, work, shared, items, self.undone)


def in_processes(
    processes: int, threads: int, work: Work, shared: Any, items: Sequence[Item], undone: str = WORLDS
) -> Results:
    """Do items in worker processes, each of which may use some threads; a dead worker's items are done again."""
    with temporary_folder() as folder:
        where = dump(shared, folder)

        def attempt(left: Sequence[Item]) -> Results:
            pool = worker_pool(processes, return_as="generator_unordered")
            try:
                yield from pool(delayed(_in_process)(work, where, item, threads) for item in left)
            except BrokenProcessPool as error:
                raise WorkersDied(str(error).strip().partition("\n")[0].rstrip(".")) from error

        yield from until_done(attempt, items, undone)


def _in_process(work: Work, where: Path, item: Item, threads: int) -> tuple[Item, Any]:
    # below the folder that the first process holds, which goes with that one however it ends
    with temporary_data_below(where.parent):
        return item, in_worker(work, load(where), item, threads)
