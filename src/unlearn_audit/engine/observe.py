"""One world from start to end: train the original, unlearn each request, query every pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.privacy import most_spent
from unlearn_audit.models.source import ModelSource
from unlearn_audit.observations import Observations
from unlearn_audit.seeds import SIDES, Kind, integer_seed
from unlearn_audit.threads import one_thread
from unlearn_audit.unlearning import Trained, Unlearner
from unlearn_audit.unlearning.base import take
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
        One row a record queried, pair by pair, all versions.
    stats
        ``overfitting`` (train minus test accuracy of the original), ``warnings`` (text to count) and ``privacy``
        (the most that one of its private trainings spent, or None).
    """
    side = SIDES[world.side]
    original = unlearner.learn(source, data, world.training, integer_seed(seed, Kind.ORIGINAL, side, world.index))
    warnings = Counter(original.warnings)
    columns, posteriors = [], []
    spent = [original.spent]
    with one_thread():
        for j, versions in enumerate(_chains(unlearner, original, world, seed)):
            columns.append(_columns(data, world, j))
            posteriors.append(_query_versions(versions, world.queries[j]))
            for version in versions[1:]:
                warnings.update(version.warnings)
                spent.append(version.spent)
        overfitting = accuracy(original, world.training) - accuracy(original, held_out)
    rows = {name: np.concatenate([of_pair[name] for of_pair in columns]) for name in columns[0]}
    table = Observations.create(rows, np.concatenate(posteriors), data.class_names)
    most = most_spent(spent)
    return table, {
        "overfitting": overfitting,
        "warnings": dict(warnings),
        "privacy": None if most is None else asdict(most),
    }


def accuracy(trained: Trained, positions: np.ndarray[Any, Any]) -> float:
    """Return the share of these records whose most probable class is their label."""
    data = trained.data
    posteriors = query(trained.model, take(data.X, positions), data.class_values, trained.source.name)
    return float(np.mean(data.class_values[posteriors.argmax(axis=1)] == data.y[positions]))


def _chains(unlearner: Unlearner, original: Trained, world: World, seed: int) -> Iterator[list[Trained]]:
    """Yield the versions of each chain, the original first."""

    def seed_of(j: int, step: int) -> int:
        return integer_seed(seed, Kind.UNLEARNED, SIDES[world.side], world.index, j, step)

    firsts = unlearner.unlearn_many(
        original, [chain[0] for chain in world.chains], [seed_of(j, 0) for j in range(len(world.chains))]
    )
    for j, (chain, first) in enumerate(zip(world.chains, firsts, strict=True)):
        versions = [original, first]
        for step, request in enumerate(chain[1:], start=1):
            versions.append(unlearner.unlearn(versions[-1], request, seed_of(j, step)))
        yield versions


def _query_versions(versions: list[Trained], asked: Query) -> np.ndarray[Any, Any]:
    """Return (m, versions, classes): all answer the same block of records, so that equal models give equal bits."""
    data = versions[0].data
    block = take(data.X, asked.positions)
    return np.stack([query(t.model, block, data.class_values, t.source.name) for t in versions], axis=1)


def _columns(data: Dataset, world: World, j: int) -> dict[str, np.ndarray[Any, Any]]:
    asked = world.queries[j]
    m = len(asked.positions)
    return {
        "dataset": np.full(m, data.name),
        "side": np.full(m, world.side),
        "world": np.full(m, world.index),
        "request": np.full(m, j),
        "record": data.record_ids[asked.positions],
        "role": asked.roles,
        "paper": asked.paper,
        "deleted_at": asked.deleted_at,
        "label": np.searchsorted(data.class_values, data.y[asked.positions]),
    }
