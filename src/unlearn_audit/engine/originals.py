"""The original of a world: trained, or taken from the store; what is kept of it; and a copy for each arm.

Only originals that another method may start from are kept, and only of models that are made again from arrays alone, to
the last bit of their answers.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

import numpy as np

from unlearn_audit.engine.measures import Took
from unlearn_audit.engine.observe import Original, learn_original, original_seed
from unlearn_audit.engine.store.keys import STAGE_VERSION
from unlearn_audit.engine.store.store import Store, Tensors
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models.kept import Kept, kept, made_again
from unlearn_audit.models.posteriors import query_exactly
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.seeds import seeded_globals
from unlearn_audit.worlds import World

_RECORD = "record"
"""The tensor of the ids of the records that an original was trained on, by which an erasure finds it."""

_COMPARED = (1, 7, 100, 1000)
"""Of how many training records at once the answers of a model made again are compared."""


def document_of(task: SideTask, fingerprint: str, world: World) -> dict[str, Any]:
    """Return everything that decides the original of a world, given the fingerprint of its data."""
    return {
        "stage": f"original/{STAGE_VERSION}",
        "libraries": task.computing(),
        "data": fingerprint,
        "model": task.source.alone.fingerprint,
        "learning": task.unlearner.learns_as(task.source, task.data),
        "training": sha256(np.ascontiguousarray(world.training, dtype="<i8").tobytes()).hexdigest(),
        "seed": original_seed(task, world),
        "side": task.plan.side,
    }


def stored_original(task: SideTask, world: World, store: Store, document: Mapping[str, Any]) -> Original | None:
    """Return the original that a store has for a document; None if it has none that can be made again."""
    found = store.get_tensors(document)
    if found is None:
        return None
    arrays, notes = found
    seed = original_seed(task, world)
    try:
        arrays.pop(_RECORD)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = made_again(task.source, seed, Kept(arrays, notes["model"]), task.data.X.shape[1:])
        trained = Trained(model, task.source, task.data, world.training, seed, tuple(notes["warnings"]))
        return Original(trained, None if notes["took"] is None else Took(**notes["took"]), tuple(notes["warned"]))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return None


def kept_original(original: Original) -> tuple[Tensors, dict[str, Any]] | None:
    """Return what a store keeps of an original, and the notes on it; None if it cannot be made again from that.

    It can if the model that is made again gives the same answers to the last bit.
    """
    trained = original.trained
    found = kept(trained.model)
    if found is None:
        return None
    data = trained.data
    with warnings.catch_warnings(), seeded_globals(trained.seed):
        warnings.simplefilter("ignore")
        blocks = [take(data.X, trained.training[:n]) for n in _COMPARED]
        try:
            again = made_again(trained.source, trained.seed, found, data.X.shape[1:])
            answers = [
                [query_exactly(model, block, data.class_values, trained.source.name) for block in blocks]
                for model in (again, copy.deepcopy(trained.model))
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            return None
    if not all(np.array_equal(*pair) for pair in zip(*answers, strict=True)):
        return None
    notes = {
        "model": dict(found.notes),
        "warnings": list(trained.warnings),
        "warned": list(original.warned),
        "took": None if original.took is None else asdict(original.took),
    }
    return Tensors({**found.arrays, _RECORD: data.record_ids[trained.training].astype(np.int64)}), notes


def copies(original: Original, task: SideTask, world: World, number: int) -> Iterator[Original]:
    """Yield an original as often as it is asked for, so that no arm sees what another did to it.

    A model that cannot be copied is trained again.
    """
    for left in range(number - 1, -1, -1):
        if left == 0:
            yield original
            return
        own = None
        with suppress(Exception):  # other people's models may raise anything
            own = copy.deepcopy(original.trained.model)
        yield learn_original(task, world) if own is None else _with_model(original, own)


def _with_model(original: Original, model: Any) -> Original:
    return Original(replace(original.trained, model=model), original.took, original.warned)
