"""How an audit is executed, which changes none of its results: cores, store, progress, and what a failure means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from unlearn_audit.config import AuditConfig, ReuseName
from unlearn_audit.engine import Store, WorldStats, default_store_folder, observe_worlds
from unlearn_audit.engine.executors import Executor, executor_for
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.temporary import temporary_data_in
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.models.cart.check import are_to_be_compiled
from unlearn_audit.models.cart.place import ONCE
from unlearn_audit.observations import Observations
from unlearn_audit.utils.deadline import limited_to
from unlearn_audit.utils.progress import Reporter, Silent, reporter, usual_reporter
from unlearn_audit.utils.suggest import check_known


@dataclass(frozen=True)
class Execution:
    """What does not change results.

    Attributes
    ----------
    jobs
        Cores to use.
    store
        Folder of finished worlds, shared by runs; None means `default_store_folder`.
    reporter
        Shows progress; by default a notebook shows it, and elsewhere it goes to the log ``unlearn_audit``.
    executor
        Where worlds are computed: ``serial``, ``processes`` or ``dask``; None means processes for several jobs.
    scheduler
        The address of a running Dask scheduler; None means worker processes of this machine.
    keep_going
        Whether an attack that fails is reported and the others go on.
    explain
        Whether to tell the reporter what is reused and why the rest is not.
    reuse
        What may be taken from the store: ``never``, ``mine`` or ``always``; None means as the configuration says.
    owner
        Who answers for the release; the report names it where it is signed.
    training_timeout
        Seconds that one training may take; None means as the configuration says.
    """

    jobs: int = 1
    store: str | Path | None = None
    reporter: Reporter = field(default_factory=usual_reporter)
    executor: str | None = None
    scheduler: str | None = None
    keep_going: bool = False
    explain: bool = False
    reuse: ReuseName | None = None
    owner: str | None = None
    training_timeout: float | None = None

    @property
    def store_folder(self) -> Path:
        """The folder of finished worlds."""
        return Path(self.store) if self.store else default_store_folder()

    def reusing(self, config: AuditConfig) -> Reuse:
        """Return what a run of a configuration may take from the store."""
        return Reuse(self.reuse or config.execution.reuse)

    @contextmanager
    def around(self, config: AuditConfig) -> Iterator[None]:
        """Let temporary data of a run lie in the store, and no training take longer than its limit."""
        limit = config.execution.training_timeout if self.training_timeout is None else self.training_timeout
        with temporary_data_in(self.store_folder), limited_to(limit):
            yield


@contextmanager
def executing(
    execution: Execution | None,
    *,
    jobs: int | None = None,
    store: str | Path | None = None,
    reuse: ReuseName | None = None,
    progress: bool | None = None,
    training_timeout: float | None = None,
) -> Iterator[Execution]:
    """Yield how an audit is executed, given the keywords of a function besides an `Execution`.

    Parameters
    ----------
    execution
        What holds where a keyword is None.
    jobs, store, reuse, training_timeout
        Of `Execution`.
    progress
        Whether progress is shown; None means as `execution` says.

    Raises
    ------
    AuditError
        If `jobs` is no number of cores, `reuse` is no such word, or `training_timeout` is no number of seconds.
    """
    running = execution or Execution()
    named = {"jobs": jobs, "store": store, "reuse": reuse, "training_timeout": training_timeout}
    running = replace(running, **{name: of for name, of in named.items() if of is not None})  # type: ignore[arg-type]
    limit = running.training_timeout
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0):
        raise AuditError(f"training_timeout is {limit!r}; give the seconds that one training may take, such as 600")
    if isinstance(running.jobs, bool) or not isinstance(running.jobs, int) or running.jobs < 1:
        raise AuditError(f"jobs is {running.jobs!r}; give the number of cores to use, such as jobs=2")
    if running.reuse is not None:
        check_known("reuse", [running.reuse], get_args(ReuseName))
    if progress is None:
        yield running
    elif not progress:
        yield replace(running, reporter=Silent())
    else:
        with reporter() as shown:
            yield replace(running, reporter=shown)


@dataclass(frozen=True)
class WorldMaker:
    """Makes the worlds of one run, or fetches them from its store.

    Attributes
    ----------
    store, executor, reuse, reporter
        Where worlds are kept and made, what may be reused, and who shows progress.
    explain
        Whether to tell the reporter what is reused and why the rest is not.
    """

    store: Store
    executor: Executor
    reuse: Reuse
    reporter: Reporter
    explain: bool = False

    @classmethod
    def of(cls, config: AuditConfig, execution: Execution) -> WorldMaker:
        """Return the maker for a run of a configuration."""
        return cls(
            Store(execution.store_folder),
            executor_for(execution.executor, execution.jobs, execution.scheduler),
            execution.reusing(config),
            execution.reporter,
            execution.explain,
        )

    def claims(self) -> Claims:
        """Return what finds out the regime that a model really runs, and keeps it in the store."""
        return Claims(self.store, self.reuse, reporter=self.reporter)

    def observe(self, tasks: Sequence[SideTask]) -> Iterator[tuple[SideTask, Observations, WorldStats]]:
        """Yield each side whole, once all worlds of all sides are there."""
        if are_to_be_compiled(task.source for task in tasks):
            self.reporter.say(ONCE)
        show = self.reporter.stage("Training and querying worlds", sum(task.plan.n_worlds for task in tasks))
        say = self.reporter.say if self.explain else None
        return observe_worlds(tasks, self.store, self.executor, show, say, self.reuse, self.reporter.say)
