"""Where worlds are computed: in this process, in worker processes, or on a Dask cluster; results never depend on it."""

from __future__ import annotations

from unlearn_audit.engine.executors.base import Executor, Serial
from unlearn_audit.engine.executors.cluster import DaskCluster
from unlearn_audit.engine.executors.cores import split_cores
from unlearn_audit.engine.executors.processes import Processes, elsewhere
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.deadline import training_limit

__all__ = ["EXECUTORS", "Executor", "elsewhere", "executor_for", "executor_name", "split_cores"]

EXECUTORS = ("serial", "processes", "dask")


def executor_name(name: str | None, jobs: int, scheduler: str | None = None) -> str:
    """Return the executor that is meant where none, or only a scheduler, is named.

    Raises
    ------
    AuditError
        If there is no such executor, or it has no use for a scheduler.

    Examples
    --------
    >>> executor_name(None, 1), executor_name(None, 4), executor_name(None, 4, "tcp://node1:8786")
    ('serial', 'processes', 'dask')
    """
    if name is None:
        return "dask" if scheduler else "processes" if jobs > 1 else "serial"
    if name not in EXECUTORS:
        raise AuditError(f"no executor '{name}'; use one of {', '.join(EXECUTORS)}")
    if scheduler and name != "dask":
        raise AuditError(f"a scheduler was given, but the executor {name} has none; use the executor dask")
    return name


def executor_for(name: str | None, jobs: int, scheduler: str | None = None) -> Executor:
    """Return the executor of this name, see `executor_name`; with a time limit a worker process trains in any case.

    Parameters
    ----------
    name
        One of `EXECUTORS`, or None for the usual one.
    jobs
        Cores to use on this machine.
    scheduler
        Address of a Dask scheduler; its workers are used in place of this machine's cores.

    Raises
    ------
    AuditError
        If there is no such executor, or what it needs is not installed.
    """
    name = executor_name(name, jobs, scheduler)
    if name == "serial" and training_limit() is not None:
        name = "processes"
    if name == "dask":
        return DaskCluster(jobs, scheduler)
    return Processes(jobs, trains=True) if name == "processes" else Serial(jobs)
