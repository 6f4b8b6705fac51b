"""Which arm of an audit trains the originals that several share, and which of them the store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearn_audit.audits.membership.arms import Arm
from unlearn_audit.engine import Store
from unlearn_audit.engine.originals import document_of
from unlearn_audit.engine.runner import has_world
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.engine.work import shared_by


@dataclass(frozen=True)
class WorldState:
    """What the store has of one world of one arm, and what is left to train for it.

    Attributes
    ----------
    stored
        Whether it has the world.
    counts_original
        Whether its original counts with this arm, and not with another one that shares it.
    trains_original
        Whether the original has to be trained for it.
    """

    stored: bool
    counts_original: bool = True
    trains_original: bool = True


States = Mapping[tuple[str, str], Sequence[WorldState]]
"""By arm and side, the state of each world."""


def states_of(arms: Sequence[Arm], store: Store | None, reuse: Reuse) -> States:
    """Return the state of each world of some arms.

    An original that several arms share counts with the first of them whose world is left to make; where none is, with
    the first of all.
    """
    prints = {id(task.data): dataset_fingerprint(task.data) for arm in arms for task in arm.tasks.values()}
    sides = {(arm.name, side): task for arm in arms for side, task in arm.tasks.items()}
    stored = {key: _stored(task, prints[id(task.data)], store, reuse) for key, task in sides.items()}
    groups: dict[str, list[tuple[str, str]]] = {}
    for key, task in sides.items():
        groups.setdefault(shared_by(task, prints[id(task.data)]) or repr(key), []).append(key)
    states: dict[tuple[str, str], list[WorldState]] = {}
    for together in groups.values():
        for i in range(max(len(stored[key]) for key in together)):
            alive = [key for key in together if i < len(stored[key])]
            left = [key for key in alive if not stored[key][i]]
            counted = (left or alive)[0]
            kept = bool(left) and any(_kept(sides[key], i, prints, store, reuse) for key in left)
            for key in alive:
                own = key == counted
                states.setdefault(key, []).append(WorldState(stored[key][i], own, own and bool(left) and not kept))
    return states


def _stored(task: SideTask, fingerprint: str, store: Store | None, reuse: Reuse) -> list[bool]:
    """Return which worlds of a task the store has for reuse."""
    if store is None:
        return [False] * task.plan.n_worlds
    return [
        reuse.allows(task.source, document) and has_world(store, task, document)
        for document in task.documents(fingerprint)
    ]


def _kept(task: SideTask, index: int, prints: Mapping[int, str], store: Store | None, reuse: Reuse) -> bool:
    """Return whether the store has the original of a world of a task for reuse."""
    if store is None or not task.keep_originals or shared_by(task, prints[id(task.data)]) is None:
        return False
    document = document_of(task, prints[id(task.data)], task.plan.world(index))
    return reuse.allows(task.source.alone, document) and store.has_tensors(document)
