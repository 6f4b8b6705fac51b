"""Makes the worlds of an audit by an executor, reusing from the store what is already there."""

from __future__ import annotations

import socket
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.executors import Executor
from unlearn_audit.engine.observe import observe_world
from unlearn_audit.engine.probes import Probing
from unlearn_audit.engine.store.explain import explain, made_again
from unlearn_audit.engine.store.keys import STAGE_VERSION, dataset_fingerprint, digest, library_versions
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.store import State, Store
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import computed_with
from unlearn_audit.models.privacy import Spent, most_spent
from unlearn_audit.models.source import ModelSource
from unlearn_audit.observations import Observations
from unlearn_audit.observations.piece import Packed, Piece, table_of
from unlearn_audit.unlearning import Unlearner
from unlearn_audit.worlds import WorldPlan

_COMPUTED: dict[str, dict[str, str]] = {}


def _computed_with(source: ModelSource) -> dict[str, str]:
    """Return what a source's estimators compute with in this process, once found out for each source."""
    if not source.fingerprint:
        return computed_with(source.make(seed=0))
    if source.fingerprint not in _COMPUTED:
        _COMPUTED[source.fingerprint] = computed_with(source.make(seed=0))
    return _COMPUTED[source.fingerprint]


@dataclass(frozen=True)
class SideTask:
    """What one side trains: on which records, with which model, how it unlearns, in which worlds; for which arm."""

    data: Dataset
    source: ModelSource
    unlearner: Unlearner
    plan: WorldPlan
    arm: str = ""

    @property
    def title(self) -> str:
        """What people call it: its side, and its arm where that is not the undefended one."""
        return f"{self.plan.side} side" if not self.arm else f"{self.plan.side} side under {self.arm}"

    @property
    def about(self) -> dict[str, str]:
        """Names of data and model, for people."""
        return {"dataset": self.data.name, "model": self.source.name}

    def computing(self) -> dict[str, str]:
        """Return what computes in this process, by name: libraries, their versions, devices."""
        return {**library_versions(), **_computed_with(self.source)}

    def documents(self, fingerprint: str) -> list[dict[str, Any]]:
        """Return, for each world, everything that decides its observations."""
        sizes = self.plan.sizes.model_dump(exclude={"shadow", "target"})
        for name, usual in (
            ("layout", "paper"),
            ("probes", 0),
            ("canaries", "none"),
        ):  # as before there was anything else
            if sizes[name] == usual:
                del sizes[name]
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
            **self.plan.drawn_from,
        }
        trainer = self.unlearner.trainer(self.source, self.data)
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
    tasks: Sequence[SideTask],
    store: Store,
    executor: Executor,
    progress: Callable[[int], None],
    say: Callable[[str], None] | None = None,
    reuse: Reuse | None = None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[tuple[SideTask, Observations, WorldStats]]:
    """Make or fetch all worlds of all sides, then yield each side whole.

    Parameters
    ----------
    tasks
        The sides; their worlds are made together.
    store
        Where each world is kept as soon as it exists.
    executor
        Makes the worlds; results do not depend on it.
    progress
        Called with how many worlds are done.
    say
        Called, before anything is trained, with what is reused and why the rest is not.
    reuse
        What may be taken from the store; by default what is known to be unchanged.
    warn
        Called with what the store holds and could not give, where ``say`` is not.
    """
    reuse = reuse or Reuse()
    fingerprints = {id(task.data): dataset_fingerprint(task.data) for task in tasks}
    documents = [task.documents(fingerprints[id(task.data)]) for task in tasks]
    # what is read here is kept: it may be gone from the store a moment later
    found = {
        (t, i): _stored(store, document) if reuse.allows(tasks[t].source, document) else None
        for t, wanted in enumerate(documents)
        for i, document in enumerate(wanted)
    }
    missing = [item for item, artefact in found.items() if artefact is None]
    held = [_held(store, reuse, task, documents[t], [i for u, i in missing if u == t]) for t, task in enumerate(tasks)]
    reuse.remade |= {digest(documents[t][i]) for t, states in enumerate(held) for i in states}
    stored = list(store.stored()) if say is not None else []
    for t, task in enumerate(tasks):
        if say is not None:
            there = [found[t, i] is not None for i in range(len(documents[t]))]
            for line in explain(documents[t], there, stored, task.about, reuse.refusal(task.source), held[t]):
                say(f"{task.title}: {line}")
        elif warn is not None:
            for line in made_again(held[t]):
                warn(f"{task.title}: {line}")
    done = len(found) - len(missing)
    progress(done)
    work = partial(make_world, computing=[task.computing() for task in tasks])
    for (t, i), (packed, stats) in executor.run(work, tasks, missing):
        store.put(documents[t][i], packed, stats, tasks[t].about)
        reuse.made.add(digest(documents[t][i]))
        found[t, i] = (packed.piece(), stats)
        done += 1
        progress(done)
    new = set(missing)
    for t, task in enumerate(tasks):
        items = [(t, i) for i in range(len(documents[t]))]
        yield (task, *_whole([found.pop(item) for item in items], sum(item not in new for item in items)))


def _stored(store: Store, document: Mapping[str, Any]) -> tuple[Piece, dict[str, Any]] | None:
    """Return the world that a document asks for, as the store has it; None if it has to be made."""
    found = store.get(document)
    if found is None:
        return None
    piece, stats = found
    fits = (piece.side, piece.world) == (document["side"], document["world"])
    return found if fits and {"overfitting", "warnings"} <= stats.keys() else None


def _held(
    store: Store, reuse: Reuse, task: SideTask, documents: Sequence[Mapping[str, Any]], missing: Sequence[int]
) -> dict[int, State]:
    """Return, for the missing worlds of a side that the store should have given, why it could not."""
    states = {i: store.state(digest(documents[i])) for i in missing if reuse.allows(task.source, documents[i])}
    return {i: state for i, state in states.items() if state in ("former", "damaged")}


def make_world(
    tasks: Sequence[SideTask], item: tuple[int, int], computing: Sequence[Mapping[str, str]]
) -> tuple[Packed, dict[str, Any]]:
    """Train and query one world, in whatever process; what its queries warn of is counted with the rest.

    Raises
    ------
    AuditError
        If this process computes with anything else than the one whose versions stand in the keys.
    """
    t, index = item
    task = tasks[t]
    if (here := task.computing()) != computing[t]:
        name = next(
            name for name in sorted(here.keys() | computing[t].keys()) if here.get(name) != computing[t].get(name)
        )
        raise AuditError(
            f"the worker on {socket.gethostname()} computes with {name} {here.get(name, 'missing')} and this process "
            f"with {computing[t].get(name, 'none')}; results may differ, so use the same versions on every machine"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        held_out = np.sort(task.plan.pool.unseen)
        piece, stats = observe_world(
            task.data,
            task.source,
            task.unlearner,
            task.plan.world(index),
            task.plan.seed,
            held_out,
            Probing.of(task.plan),
        )
    counted = Counter(stats["warnings"])
    counted.update(f"{w.category.__name__}: {' '.join(str(w.message).split())}" for w in caught)
    return Packed.of(piece), {**stats, "warnings": dict(counted)}


def _whole(worlds: Sequence[tuple[Piece, dict[str, Any]] | None], reused: int) -> tuple[Observations, WorldStats]:
    """Return the worlds of one side as one table, and what is known of them."""
    pieces, overfitting, warned = [], [], Counter[str]()
    spent: list[Spent] = []
    for world in worlds:
        assert world is not None
        piece, stats = world
        pieces.append(piece)
        overfitting.append(stats["overfitting"])
        warned.update(stats["warnings"])
        if stats.get("privacy"):
            spent.append(Spent(**stats["privacy"]))
    return table_of(pieces), WorldStats(tuple(overfitting), dict(warned), reused, most_spent(spent))
