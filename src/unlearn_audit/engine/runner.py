"""Runs the worlds of an audit in worker processes, reusing from the store what is already there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.keys import STAGE_VERSION, dataset_fingerprint, library_versions
from unlearn_audit.engine.observe import observe_world
from unlearn_audit.engine.store import Store
from unlearn_audit.models.privacy import Spent, most_spent
from unlearn_audit.models.source import ModelSource
from unlearn_audit.observations import Observations, concatenate
from unlearn_audit.unlearning import Retrain, Unlearner
from unlearn_audit.worlds import WorldPlan


@dataclass(frozen=True)
class SideTask:
    """What one side trains: on which records, with which model, how it unlearns, in which worlds."""

    data: Dataset
    source: ModelSource
    unlearner: Unlearner
    plan: WorldPlan

    def documents(self, fingerprint: str) -> list[dict[str, Any]]:
        """Return, for each world, everything that decides its observations."""
        sizes = self.plan.sizes.model_dump(exclude={"shadow", "target"})
        common = {
            "stage": f"observations/{STAGE_VERSION}",
            "libraries": library_versions(),
            "data": fingerprint,
            "model": self.source.fingerprint,
            "unlearning": repr(self.unlearner),
            "sizes": sizes,
            "scenario": self.plan.scenario.model_dump(),
            "seed": self.plan.seed,
            "side": self.plan.side,
        }
        trainer = self.unlearner.trainer(self.source, self.data) if isinstance(self.unlearner, Retrain) else None
        if trainer is not None:
            common["trainer"] = trainer
        return [{**common, "world": index} for index in range(self.plan.n_worlds)]


@dataclass(frozen=True)
class WorldStats:
    """What is known of the models of one side beside their posteriors.

    Attributes
    ----------
    overfitting
        (worlds,) train minus test accuracy of each original.
    warnings
        What training warned of, and how often.
    reused
        How many worlds came from the store.
    spent
        The most that a private training spent; None if none was private.
    """

    overfitting: tuple[float, ...]
    warnings: Mapping[str, int]
    reused: int
    spent: Spent | None = None


def observe_worlds(
    tasks: Sequence[SideTask], store: Store, jobs: int, progress: Callable[[int, int], None]
) -> Iterator[tuple[SideTask, Observations, WorldStats]]:
    """Make or fetch all worlds of all sides, then yield each side whole.

    Parameters
    ----------
    tasks
        The sides; their worlds are trained in one pool of workers.
    store
        Where each world is kept as soon as it exists.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called with worlds done and worlds in all.
    """
    fingerprints = {id(task.data): dataset_fingerprint(task.data) for task in tasks}
    documents = [task.documents(fingerprints[id(task.data)]) for task in tasks]
    total = sum(len(d) for d in documents)
    missing = [
        (task, index, document)
        for task, of_task in zip(tasks, documents, strict=True)
        for index, document in enumerate(of_task)
        if not store.has(document)
    ]
    done = total - len(missing)
    progress(done, total)
    workers = min(jobs, max(len(missing), 1))
    run = Parallel(n_jobs=workers, return_as="generator_unordered", max_nbytes="100K", mmap_mode="r")
    for _ in run(delayed(_make)(task, index, document, store) for task, index, document in missing):
        done += 1
        progress(done, total)
    made = {(id(task), index) for task, index, _ in missing}
    for task, of_task in zip(tasks, documents, strict=True):
        yield (task, *_collect(store, of_task, sum((id(task), i) not in made for i in range(len(of_task)))))


def _make(task: SideTask, index: int, document: Mapping[str, Any], store: Store) -> None:
    """Train and query one world in a worker and keep it."""
    held_out = np.sort(task.plan.pool.unseen)
    world = task.plan.world(index)
    store.put(document, *observe_world(task.data, task.source, task.unlearner, world, task.plan.seed, held_out))


def _collect(store: Store, documents: Sequence[Mapping[str, Any]], reused: int) -> tuple[Observations, WorldStats]:
    tables, overfitting, warnings = [], [], Counter[str]()
    spent: list[Spent] = []
    for document in documents:
        found = store.get(document)
        if found is None:
            raise RuntimeError(f"world {document['world']} of the {document['side']} side vanished from {store.folder}")
        tables.append(found[0])
        overfitting.append(found[1]["overfitting"])
        warnings.update(found[1]["warnings"])
        if found[1].get("privacy"):
            spent.append(Spent(**found[1]["privacy"]))
    return concatenate(tables), WorldStats(tuple(overfitting), dict(warnings), reused, most_spent(spent))
