"""Makes the worlds of an audit by an executor, reusing from the store what is already there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unlearn_audit.engine.executors import Executor
from unlearn_audit.engine.measures import are_measured, measures_of, table_of_measures
from unlearn_audit.engine.store.explain import explain, made_again
from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.store import State, Store
from unlearn_audit.engine.tasks import SideTask, WorldStats
from unlearn_audit.engine.work import Work, make_worlds
from unlearn_audit.models.privacy import Spent, most_spent
from unlearn_audit.observations import Observations
from unlearn_audit.observations.piece import Piece, table_of


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
    read = {
        (t, i): _stored(store, document) if reuse.allows(tasks[t].source, document) else None
        for t, wanted in enumerate(documents)
        for i, document in enumerate(wanted)
    }
    found = {item: artefact if _has_all(tasks[item[0]], artefact) else None for item, artefact in read.items()}
    missing = [item for item, artefact in found.items() if artefact is None]
    held = [_held(store, reuse, task, documents[t], [i for u, i in missing if u == t]) for t, task in enumerate(tasks)]
    for t, i in missing:
        if read[t, i] is not None:
            held[t][i] = "whole"
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
    work = Work.of(tasks, [fingerprints[id(task.data)] for task in tasks], missing, store, reuse)
    for (bundle, i), made in executor.run(make_worlds, work, work.items):
        if made.original is not None:
            store.put(
                made.original.document, made.original.tensors, made.original.notes, tasks[work.bundles[bundle][0]].about
            )
            reuse.made.add(digest(made.original.document))
        for t, (packed, stats) in zip(work.bundles[bundle], made.worlds, strict=True):
            noted = _with_former(read.pop((t, i)), stats)
            store.put(documents[t][i], packed, noted, tasks[t].about)
            reuse.made.add(digest(documents[t][i]))
            found[t, i] = (packed.piece(), noted)
            done += 1
            progress(done)
    new = set(missing)
    for t, task in enumerate(tasks):
        items = [(t, i) for i in range(len(documents[t]))]
        yield (task, *_whole(task, [found.pop(item) for item in items], sum(item not in new for item in items)))


def has_world(store: Store, task: SideTask, document: Mapping[str, Any]) -> bool:
    """Return whether a store has a world with all that is to be measured, see `Store.has`."""
    return _has_all(task, store.look(document))


def _has_all(task: SideTask, found: tuple[Piece, dict[str, Any]] | None) -> bool:
    """Return whether a stored world is one, and of its pairs all was measured that is asked for."""
    return found is not None and are_measured(found[1].get("measures"), measures_of(task.measures))


def _with_former(former: tuple[Piece, dict[str, Any]] | None, stats: dict[str, Any]) -> dict[str, Any]:
    """Return the notes of a world with what was measured of it before and is not measured anew."""
    before = {} if former is None else former[1].get("measures")
    if not isinstance(before, dict) or not before:
        return stats
    return {**stats, "measures": {**before, **stats.get("measures", {})}}


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


def _whole(
    task: SideTask, worlds: Sequence[tuple[Piece, dict[str, Any]] | None], reused: int
) -> tuple[Observations, WorldStats]:
    """Return the worlds of one side as one table, and what is known of them."""
    pieces, overfitting, warned, measured = [], [], Counter[str](), []
    spent: list[Spent] = []
    parameters: list[int | None] = []
    for world in worlds:
        assert world is not None
        piece, stats = world
        pieces.append(piece)
        overfitting.append(stats["overfitting"])
        warned.update(stats["warnings"])
        parameters.append(stats.get("parameters"))
        measured.append((piece.world, stats.get("measures", {})))
        if stats.get("privacy"):
            spent.append(Spent(**stats["privacy"]))
    measures = table_of_measures(measured, task.measures)
    known = tuple(count for count in parameters if count is not None)
    return table_of(pieces), WorldStats(
        overfitting=tuple(overfitting),
        warnings=dict(warned),
        reused=reused,
        spent=most_spent(spent),
        measures=measures,
        parameters=known if len(known) == len(parameters) else (),
    )
