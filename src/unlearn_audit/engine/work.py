"""What a worker does: one world of every arm whose original is the same, so that it is trained once.

Results are those of each arm alone, to the last bit: each starts from a copy of the original, and all that is drawn is
seeded by what it is for.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlearn_audit.engine.executors.base import Item
from unlearn_audit.engine.observe import Original, learn_original, observe_world
from unlearn_audit.engine.originals import copies, document_of, kept_original, stored_original
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.store import Store, Tensors
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed
from unlearn_audit.worlds import World

Bundle = tuple[int, ...]
"""The numbers of tasks whose originals of one world are the same model."""


@dataclass(frozen=True)
class KeptOriginal:
    """An original to put into the store: its document, its tensors and the notes on them."""

    document: Mapping[str, Any]
    tensors: Tensors
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """What became of a bundle.

    Attributes
    ----------
    worlds
        One a task: its observations and its notes.
    original
        What is to be kept of the original; None for nothing.
    """

    worlds: tuple[tuple[Packed, dict[str, Any]], ...]
    original: KeptOriginal | None = None


@dataclass(frozen=True)
class Work:
    """All that is left to make.

    Attributes
    ----------
    tasks
        The sides.
    computing
        By task, what computes in the process that asks.
    bundles
        Tasks that share their originals.
    items
        Each a bundle, by number, and a world.
    originals
        By item, what decides an original that is kept.
    taken
        Those of them that may be taken from the store.
    store
        The folder of the store.
    """

    tasks: tuple[SideTask, ...]
    computing: tuple[Mapping[str, str], ...]
    bundles: tuple[Bundle, ...]
    items: tuple[Item, ...]
    originals: Mapping[Item, Mapping[str, Any]]
    taken: frozenset[Item]
    store: Path

    @classmethod
    def of(
        cls,
        tasks: Sequence[SideTask],
        fingerprints: Sequence[str],
        missing: Sequence[Item],
        store: Store,
        reuse: Reuse,
    ) -> Work:
        """Bundle what is missing, given as task and world, so that no original is trained twice.

        Parameters
        ----------
        tasks, fingerprints
            The sides, and the fingerprints of their data.
        missing
            What is to be made.
        store, reuse
            Where originals are kept, and what may be taken.
        """
        shared = [shared_by(task, fingerprint) for task, fingerprint in zip(tasks, fingerprints, strict=True)]
        together: dict[tuple[str | int, int], list[int]] = {}
        for t, i in missing:
            of = shared[t]
            together.setdefault((t if of is None else of, i), []).append(t)
        numbers: dict[Bundle, int] = {}
        items = [(numbers.setdefault(tuple(ts), len(numbers)), i) for (_, i), ts in together.items()]
        bundles = tuple(numbers)
        originals, taken = {}, set()
        for bundle, i in items:
            for t in [t for t in bundles[bundle] if tasks[t].keep_originals and shared[t] is not None][:1]:
                originals[bundle, i] = document_of(tasks[t], fingerprints[t], tasks[t].plan.world(i))
                if reuse.allows(tasks[t].source.alone, originals[bundle, i]):
                    taken.add((bundle, i))
        computing = tuple(task.computing() for task in tasks)
        return cls(tuple(tasks), computing, bundles, tuple(items), originals, frozenset(taken), store.folder)


def shared_by(task: SideTask, fingerprint: str) -> str | None:
    """Return what tasks have in common whose originals are the same; None if those of a task are its own."""
    learning = task.unlearner.learns_as(task.source, task.data)
    if learning is None:
        return None
    source = task.source.alone
    common = {**task.documents(fingerprint)[0], "learning": learning, "model": source.fingerprint}
    # how requests are met; what trains originals stands in the learning
    for of_the_method in ("unlearning", "trainer"):
        common.pop(of_the_method, None)
    # what decides the answers of a model whose code cannot be followed is in no text
    return digest({**common, "source": id(source) if source.unknown or not source.fingerprint else None})


def make_worlds(work: Work, item: Item) -> Made:
    """Train and query one world for every arm of a bundle, in whatever process.

    What queries warn of is counted with the rest.

    Raises
    ------
    AuditError
        If this process computes with anything else than the one whose versions stand in the keys.
    """
    bundle, index = item
    tasks = [work.tasks[t] for t in work.bundles[bundle]]
    for t in work.bundles[bundle]:
        _check_same(work.tasks[t], work.computing[t])
    world = tasks[0].plan.world(index)
    original, found = _original(work, item, tasks[0], world)
    kept = None
    if item in work.originals and not found:
        of_store = kept_original(original)
        kept = None if of_store is None else KeptOriginal(work.originals[item], *of_store)
    own = copies(original, tasks[0], world, len(tasks))
    made = (observe_world(task, world, of) for task, of in zip(tasks, own, strict=True))
    return Made(tuple((Packed.of(piece), stats) for piece, stats in made), kept)


def _check_same(task: SideTask, computing: Mapping[str, str]) -> None:
    here = task.computing()
    if here != computing:
        name = next(name for name in sorted(here.keys() | computing.keys()) if here.get(name) != computing.get(name))
        raise AuditError(
            f"the worker on {socket.gethostname()} computes with {name} {here.get(name, 'missing')} and this process "
            f"with {computing.get(name, 'none')}; results may differ, so use the same versions on every machine"
        )


def _original(work: Work, item: Item, task: SideTask, world: World) -> tuple[Original, bool]:
    """Return the original of a world, and whether the store had it; a machine that lacks the store trains it."""
    stored = None
    if item in work.taken:
        with suppress(AuditError):  # another machine may have anything in its place
            store = Store.existing(work.store)
            stored = None if store is None else stored_original(task, world, store, work.originals[item])
    return (learn_original(task, world), False) if stored is None else (stored, True)
