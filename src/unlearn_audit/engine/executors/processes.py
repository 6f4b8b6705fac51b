"""Worker processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar, cast

from unlearn_audit.engine.executors.base import WORLDS, Item, Results, Serial, Work, WorkersDied, in_worker, until_done
from unlearn_audit.engine.executors.cores import split_cores
from unlearn_audit.engine.executors.shared import dump, load
from unlearn_audit.utils.deadline import check_in_time, ended_in_time, training_limit
from unlearn_audit.utils.temporary import temporary_data_below, temporary_folder
from unlearn_audit.utils.workers import in_workers

T = TypeVar("T")


class Processes:
    """Worker processes that map the shared data from one file; a task is given nothing but its item.

    Parameters
    ----------
    jobs
        Cores to use; where there is work for one process alone, this one does it.
    undone
        What is said about items that are left where workers die again and again, as for `WORLDS`.
    trains
        Whether items train models: with a time limit, these are trained in a worker process even if there is one alone.
    """

    name = "processes"

    def __init__(self, jobs: int, undone: str = WORLDS, *, trains: bool = False) -> None:
        self.jobs = jobs
        self.undone = undone
        self.trains = trains

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result as soon as it is there."""
        processes, threads = split_cores(self.jobs, len(items))
        if processes == 1 and not (self.trains and training_limit() is not None):
            return Serial(threads).run(work, shared, items)
        return in_processes(processes, threads, work, shared, items, self.undone)


def in_processes(
    processes: int, threads: int, work: Work, shared: Any, items: Sequence[Item], undone: str = WORLDS
) -> Results:
    """Do items in worker processes, each of which may use some threads; a dead worker's items are done again.

    Raises
    ------
    TrainingTimeout
        If a training of a worker took longer than the limit.
    """
    limit = training_limit()
    with temporary_folder() as folder:
        where = dump(shared, folder)

        def attempt(left: Sequence[Item]) -> Results:
            try:
                yield from in_workers(processes, _in_process, [(work, where, item, threads, limit) for item in left])
            except BrokenProcessPool as error:
                check_in_time(folder)
                raise WorkersDied(str(error).strip().partition("\n")[0].rstrip(".")) from error

        yield from until_done(attempt, items, undone)


def elsewhere(work: Callable[[], T]) -> T:
    """Do some work where a training can be stopped at its time limit: in a worker process, or here without a limit."""
    if training_limit() is None:
        return work()
    ((_, result),) = in_processes(1, 1, _call, work, [(0, 0)])
    return cast("T", result)


def _call(work: Callable[[], Any], item: Item) -> Any:  # noqa: ARG001
    return work()


def _in_process(work: Work, where: Path, item: Item, threads: int, limit: float | None) -> tuple[Item, Any]:
    # below the folder that the first process holds, which goes with that one however it ends
    with temporary_data_below(where.parent), ended_in_time(where, limit):
        return item, in_worker(work, load(where), item, threads)
