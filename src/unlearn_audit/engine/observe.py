"""One world from start to end: train the original, unlearn each request, query every pair."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.source import ModelSource
from unlearn_audit.observations import Observations, concatenate
from unlearn_audit.seeds import SIDES, Kind, integer_seed
from unlearn_audit.unlearning import Trained, Unlearner, train
from unlearn_audit.unlearning.base import one_thread, take
from unlearn_audit.worlds import Query, World


def observe_world(
    data: Dataset, source: ModelSource, unlearner: Unlearner, world: World, seed: int, held_out: np.ndarray[Any, Any]
) -> tuple[Observations, dict[str, Any]]:
    """Return the observations of one world and what is known of its models.

    Parameters
    ----------
    data, source, unlearner, world
        What is trained on, with what, how it unlearns, and the plan.
    seed
        The seed of the audit.
    held_out
        Positions of records that no model of this side is trained on: for the test accuracy.

    Returns
    -------
    observations
        One row a record queried, pair by pair, two versions.
    stats
        ``overfitting`` (train minus test accuracy of the original) and ``warnings`` (text to count).
    """
    side = SIDES[world.side]
    original = train(source, data, world.training, integer_seed(seed, Kind.ORIGINAL, side, world.index))
    seeds = [integer_seed(seed, Kind.UNLEARNED, side, world.index, j) for j in range(len(world.requests))]
    warnings = Counter(original.warnings)
    tables = []
    for j, unlearned in enumerate(unlearner.unlearn_many(original, world.requests, seeds)):
        tables.append(_observe_pair(original, unlearned, world, j))
        warnings.update(unlearned.warnings)
    return concatenate(tables), {
        "overfitting": accuracy(original, world.training) - accuracy(original, held_out),
        "warnings": dict(warnings),
    }


def accuracy(trained: Trained, positions: np.ndarray[Any, Any]) -> float:
    """Return the share of these records whose most probable class is their label."""
    data = trained.data
    with one_thread():
        posteriors = query(trained.model, take(data.X, positions), data.class_values, trained.source.name)
    return float(np.mean(data.class_values[posteriors.argmax(axis=1)] == data.y[positions]))


def _observe_pair(original: Trained, unlearned: Trained, world: World, j: int) -> Observations:
    """Query both versions with the same block of records, so that equal models give equal bits."""
    data, asked = original.data, world.queries[j]
    block = take(data.X, asked.positions)
    with one_thread():
        posteriors = np.stack(
            [query(t.model, block, data.class_values, t.source.name) for t in (original, unlearned)], axis=1
        )
    return Observations.create(_columns(data, world, j, asked), posteriors, data.class_names)


def _columns(data: Dataset, world: World, j: int, asked: Query) -> dict[str, Any]:
    m = len(asked.positions)
    return {
        "dataset": [data.name] * m,
        "side": [world.side] * m,
        "world": np.full(m, world.index),
        "request": np.full(m, j),
        "record": data.record_ids[asked.positions],
        "role": asked.roles,
        "paper": asked.paper,
        "deleted_at": np.where(asked.roles == "deleted", 1, -1),
        "label": np.searchsorted(data.class_values, data.y[asked.positions]),
    }
