"""Worker processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joblib import delayed

from unlearn_audit.engine.executors.base import Item, Results, Serial, Work, WorkersDied, in_worker, until_done
from unlearn_audit.engine.executors.cores import split_cores
from unlearn_audit.engine.executors.shared import dump, load
from unlearn_audit.utils.threads import worker_pool


class Processes:
    """Worker processes that map the shared data from one file; a task is given nothing but its item."""

    name = "processes"

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result as soon as it is there."""
        processes, threads = split_cores(self.jobs, len(items))
        if processes == 1:
            yield from Serial(threads).run(work, shared, items)
            return
        with TemporaryDirectory(prefix="unlearn-audit-", ignore_cleanup_errors=True) as folder:
            where = dump(shared, Path(folder))

            def attempt(left: Sequence[Item]) -> Results:
                pool = worker_pool(processes, return_as="generator_unordered", batch_size=1)
                try:
                    yield from pool(delayed(_in_process)(work, where, item, threads) for item in left)
                except BrokenProcessPool as error:
                    raise WorkersDied(str(error).strip().partition("\n")[0].rstrip(".")) from error

            yield from until_done(attempt, items)


def _in_process(work: Work, where: Path, item: Item, threads: int) -> tuple[Item, Any]:
    return item, in_worker(work, load(where), item, threads)
