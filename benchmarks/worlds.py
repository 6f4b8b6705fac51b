"""Cases that time the making of worlds: training, and asking every record, against one fit a model in a loop."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from measure import Case, Sides
from plain_worlds import Loop, plain_worlds
from unlearn_audit import AuditConfig
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.tasks import SideTask

Posteriors = np.ndarray[Any, Any]

# stores are removed at the end of all: an audit leaves its own where it is
_SCRATCH = tempfile.TemporaryDirectory(prefix="unlearn-audit-bench-")

SMALL = "breast-cancer"
"""What small cases run on in place of large tables."""

EXACT = 1e-10
"""scikit-learn's tolerance at which its logistic regression is near enough to the optimum to be compared with."""


def target_task(data: str, model: str, n_worlds: int, deletions: int, sizes: Any = None, **settings: Any) -> SideTask:
    """Return the target side of an audit."""
    worlds = {"shadow": 10, "target": n_worlds, "deletions": deletions, **(sizes or {})}
    target = {"data": data, "model": model, "network": settings.pop("network", {})}
    config = AuditConfig.model_validate({"target": target, "worlds": worlds, **settings})
    return plan_audit(AuditTask.load(config)).undefended.tasks["target"]


def our_worlds(task: SideTask, jobs: int = 1) -> Posteriors:
    """Make the worlds of a side as an audit does, with an empty store; return (rows, 2, classes) posteriors."""
    store = Store(Path(tempfile.mkdtemp(dir=_SCRATCH.name)))
    ((_, table, _),) = observe_worlds([task], store, executor_for(None, jobs), lambda *_: None)
    return table.posteriors


def close(tolerance: float, share: float = 1.0) -> Any:
    """Return a comparison of posteriors; of ours the first ``share`` where the plain way did no more."""

    def agree(plain: Posteriors, ours: Posteriors) -> None:
        apart = float(np.abs(plain - ours[: len(plain)]).max())
        if apart > tolerance or len(plain) < share * len(ours):
            raise AssertionError(f"posteriors differ by {apart:.2e}, more than {tolerance:.0e}")

    return agree


def fit_logistic(task: SideTask, solver: str) -> Any:
    """Return scikit-learn's fit of the task's logistic regression by one of its solvers, to its optimum."""
    settings = {"solver": solver, "tol": EXACT, "max_iter": 10_000}
    inner = {f"onevsrestclassifier__estimator__{name}": value for name, value in settings.items()}
    return lambda X, y, seed: task.source.make(seed).set_params(**inner).fit(X, y)


def fit_own(task: SideTask) -> Any:
    """Return scikit-learn's fit of the task's model."""
    return lambda X, y, seed: clone(task.source.make(seed)).fit(X, y)


def logistic(
    data: str, worlds: int, deletions: int, chains: int | None = None, jobs: int = 1, solver: str = "newton-cholesky"
) -> Any:
    """Time some processes against the plain loop by one of scikit-learn's solvers, of which this is the fastest."""

    def make(small: bool) -> Sides:
        some = 3 if small else chains
        task = target_task(
            SMALL if small else data, "logistic-regression", 1 if small else worlds, 4 if small else deletions
        )
        n = task.plan.sizes.deletions
        return Sides(
            lambda: plain_worlds(task, fit_logistic(task, solver), some),
            lambda: our_worlds(task, 1 if small else jobs),
            close(1e-5, (some or n) / n),
            (1 + n) / (1 + (some or n)),
            f"worlds: {task.plan.n_worlds}, each of 1 + {n} models; processes: {jobs}; "
            f"plain: {solver}, tolerance {EXACT:g}"
            + (f"; the plain way makes the first {some} and its time is multiplied" if some else ""),
        )

    return make


def trees(model: str, worlds: int, deletions: int, train_size: int, plain_model: str | None = None) -> Any:
    """Time two processes against the plain loop, where another model may stand for ours in the loop."""

    def make(small: bool) -> Sides:
        settings = {"sizes": {"train_size": 200 if small else train_size}, "regime": "same-seed"}
        shape = (2, 2) if small else (worlds, deletions)
        data = SMALL if small else "adult"
        task = target_task(data, model, *shape, **settings)
        loop = task if plain_model is None else target_task(data, plain_model, *shape, **settings)
        return Sides(
            lambda: plain_worlds(loop, fit_own(loop)),
            lambda: our_worlds(task, jobs=2),
            close(0.0) if plain_model is None else close(0.5),
            note=f"{shape[0]} worlds of 1 + {shape[1]} models, two processes that are already running",
        )

    return make


def processes(small: bool) -> Sides:
    data, shape = (SMALL, (2, 2)) if small else ("adult", (40, 100))
    task = target_task(data, "decision-tree", *shape, sizes={"train_size": 200 if small else 5000})
    return Sides(
        lambda: our_worlds(task, jobs=1),
        lambda: our_worlds(task, jobs=2),
        close(0.0),
        note=f"decision trees, {task.plan.n_worlds} worlds; one process of ours against two of ours",
    )


def networks(data: str, model: str, deletions: int, epochs: int, jobs: int, chains: int, train_size: int) -> Any:
    """Time networks; the plain loop trains a few of the models, and its time is multiplied."""

    def make(small: bool) -> Sides:
        passes, n = (1, 3) if small else (epochs, deletions)
        records = SMALL if small and data == "adult" else data
        some = min(chains, n)
        worlds = jobs
        task = target_task(
            records, model, worlds, n, network={"epochs": passes}, sizes={"train_size": 100 if small else train_size}
        )
        classes = len(task.data.class_names)

        def alike(plain: Posteriors, ours: Posteriors) -> None:
            # other draws train other networks: alike in how sure they are, which after two epochs on MNIST was 0.63
            # to 0.71 for three seeds of the same loop
            gap = abs(float(plain.max(axis=-1).mean() - ours.max(axis=-1).mean()))
            if not small and gap > 0.1:
                raise AssertionError(f"the mean of the largest posterior differs by {gap:.3f}")

        one = replace(task, plan=replace(task.plan, sizes=task.plan.sizes.model_copy(update={"target": 1})))
        return Sides(
            lambda: plain_worlds(one, lambda X, y, seed: Loop(X, y, seed, passes, classes), some),
            lambda: our_worlds(task, jobs),
            alike,
            worlds * (1 + n) / (1 + some),
            f"worlds: {worlds}, each of 1 + {n} models, {passes} epochs; processes: {jobs}; "
            f"the plain way makes {1 + some} models and its time is multiplied",
        )

    return make


CASES = (
    Case("lr-adult-20", "logistic regression worlds, Adult, 20 deletions", 10, logistic("adult", 10, 20)),
    Case(
        "lr-adult-100",
        "logistic regression worlds, Adult, 100 deletions, 2 cores",
        40,
        logistic("adult", 10, 100, jobs=2),
    ),
    Case("lr-adult-100-serial", "the same in one process", 1, logistic("adult", 10, 100)),
    Case(
        "lr-adult-100-lbfgs",
        "the same in one process, against scikit-learn's default solver (lbfgs)",
        1,
        logistic("adult", 10, 100, solver="lbfgs"),
    ),
    Case(
        "lr-checkins-20",
        "logistic regression worlds, check-ins, 20 deletions",
        5,
        logistic("checkins-jakarta", 1, 20, 10),
    ),
    Case(
        "lr-checkins-100",
        "logistic regression worlds, check-ins, 100 deletions",
        20,
        logistic("checkins-jakarta", 1, 100, 10),
    ),
    Case("torch-mlp", "torch-mlp worlds, Adult, 2 cores", 4, networks("adult", "torch-mlp", 20, 20, 2, 3, 2000)),
    Case("simple-cnn", "simple-cnn worlds, MNIST", 0.95, networks("mnist", "simple-cnn", 20, 2, 1, 4, 2000)),
    Case("trees", "decision tree worlds, 2 cores", 1.6, trees("decision-tree", 40, 100, 5000)),
    Case("forests", "random forest worlds, 2 cores", 1.8, trees("random-forest", 2, 4, 2000)),
    Case(
        "forests-accelerated",
        "random forest worlds with the extra `accelerate`, 2 cores",
        6,
        trees("random-forest-accelerated", 2, 4, 2000, "random-forest"),
    ),
    Case("processes", "2 processes against 1", 1.6, processes),
)
