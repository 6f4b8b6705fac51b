"""Workers of a Dask cluster: an existing one, or worker processes of this machine."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import numpy as np

from unlearn_audit.engine.executors.base import Item, Results, Work, WorkersDied, in_worker, until_done
from unlearn_audit.engine.executors.cores import split_cores
from unlearn_audit.engine.executors.processes import in_processes
from unlearn_audit.engine.executors.shared import pack, unpack
from unlearn_audit.engine.store.temporary import temporary_folder
from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.utils.deadline import limited_to, training_limit
from unlearn_audit.utils.messages import named_reason

SECONDS_TO_WAIT = 60

LOOPBACK = "127.0.0.1"
"""Where a cluster of this machine listens; no other machine reaches it."""


class DaskCluster:
    """Workers of a Dask cluster; the shared data goes to each of them once, and results come back to be stored.

    Parameters
    ----------
    jobs
        Cores to use on this machine where no scheduler is given.
    scheduler
        The address of a running scheduler, as ``tcp://node1:8786``. Its workers must have one thread each.
    """

    name = "dask"

    def __init__(self, jobs: int, scheduler: str | None = None) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise missing_extra("executor dask", "Dask", "dask")
        self.jobs = jobs
        self.scheduler = scheduler

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result as soon as it is there."""
        if not items:
            return
        head, buffers = pack(shared)
        # plain arrays: whatever a worker cannot load then fails within a task, where it can be reported
        arrays = [np.frombuffer(buffer, dtype=np.uint8) for buffer in buffers]
        with self._client(len(items)) as (client, threads):

            def attempt(left: Sequence[Item]) -> Results:
                return _submit(client, work, (head, arrays), left, threads)

            yield from until_done(attempt, items)

    @contextmanager
    def _client(self, n_items: int) -> Iterator[tuple[Any, int]]:
        """Connect to the cluster, or start one, and say how many threads a task may use."""
        import dask.config
        from distributed import Client, LocalCluster

        if self.scheduler is not None:
            try:
                client = Client(self.scheduler, timeout=SECONDS_TO_WAIT / 4, set_as_default=False)
            except (OSError, ValueError, TimeoutError) as error:
                raise AuditError(
                    f"no Dask scheduler answers at {self.scheduler} ({named_reason(error)}); start one with "
                    "'dask scheduler' and give the address it prints"
                ) from error
            with client:
                _wait_for_workers(client, self.scheduler)
                yield client, 1
            return
        processes, threads = split_cores(self.jobs, n_items)
        with (
            temporary_folder() as folder,
            dask.config.set({"distributed.scheduler.http.routes": [], "temporary-directory": str(folder)}),
            LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                host=LOOPBACK,
                # without an address it would ask for port 8787, and without this host listen to every network
                dashboard_address=f"{LOOPBACK}:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client, threads


def _wait_for_workers(client: Any, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_WAIT)
    except TimeoutError as error:
        raise AuditError(
            f"the Dask scheduler at {scheduler} had no worker within {SECONDS_TO_WAIT} seconds; "
            f"start some with: dask worker {scheduler} --nthreads 1 --nworkers -1"
        ) from error


def _submit(client: Any, work: Work, packed: tuple[bytes, list[Any]], items: Sequence[Item], threads: int) -> Results:
    """Send the data to every worker and yield results; raise `WorkersDied` once nothing more can come."""
    from distributed import KilledWorker, as_completed

    try:
        (data,) = client.scatter([packed], broadcast=True, hash=False)
    except (OSError, TimeoutError) as error:
        raise WorkersDied(named_reason(error)) from error
    item_of = {
        client.submit(_on_worker, work, data, item, threads, training_limit(), pure=False): item for item in items
    }
    died = ""
    for future in as_completed(list(item_of), loop=client.loop):
        item = item_of.pop(future)
        try:
            result = future.result()
        except KilledWorker:
            died = "the task killed every worker that tried it"
            continue
        except CancelledError:
            died = "all workers that held the data are gone"
            continue
        future.release()
        yield item, result
    if died:
        raise WorkersDied(died)


def _on_worker(
    work: Work, packed: tuple[bytes, list[Any]], item: Item, threads: int, limit: float | None = None
) -> Any:
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads != 1:
        raise AuditError(
            f"the Dask worker {worker.address} has {worker.state.nthreads} threads, and models of one process must be "
            "trained one after the other, since they share random generators; start workers with --nthreads 1"
        )
    if limit is None:
        return in_worker(work, unpack(*packed), item, threads)
    # a process that Dask started is one that may start none, unless it is told otherwise
    multiprocessing.current_process().daemon = False
    with limited_to(limit):
        ((_, result),) = in_processes(1, threads, work, unpack(*packed), [item])
    return result
