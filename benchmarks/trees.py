"""Cases that time the worlds of trees and forests, whose versions start from the original's trees, in one process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from measure import Case, Sides
from plain_worlds import plain_worlds
from unlearn_audit.engine.observe import observe_world
from unlearn_audit.unlearning import trainers
from unlearn_audit.unlearning.trainers.trees import TreeTrainer
from worlds import SMALL, Posteriors, close, fit_own, target_task


@contextmanager
def without_compiled() -> Iterator[None]:
    """Let each model be trained by its own ``fit``, as where numba is not installed."""
    before = trainers.TRAINERS
    trainers.TRAINERS = tuple(kind for kind in before if kind is not TreeTrainer)
    try:
        yield
    finally:
        trainers.TRAINERS = before


def deletions(data: str, model: str, train_size: int, n: int, some: int, *, loop: bool = False) -> Any:
    """Time one world in the regime *fixed* against some of its models one by one, of which the time is multiplied.

    Parameters
    ----------
    data, model
        What is trained on what.
    train_size
        How many records a training has; 0 for as many as there are.
    n, some
        How many deletions there are, and how many the other side makes.
    loop
        Whether the other side is a plain loop over ``fit`` and ``predict_proba``, not what is done without numba.
    """

    def make(small: bool) -> Sides:
        sizes = {"train_size": 150} if small else {"train_size": train_size} if train_size else {}
        many, few = (4, 2) if small else (n, some)
        task = target_task(SMALL if small else data, model, 1, many, sizes)
        world = task.plan.world(0)
        part = replace(world, chains=world.chains[:few], queries=world.queries[:few])

        def plain() -> Posteriors:
            if loop:
                return plain_worlds(task, fit_own(task), few)
            with without_compiled():
                return observe_world(task, part)[0].posteriors.astype(np.float32)

        return Sides(
            plain,
            lambda: observe_world(task, world)[0].posteriors.astype(np.float32),
            close(0.0, few / many),
            (1 + many) / (1 + few),
            f"one world of 1 + {many} models, regime {task.unlearner.regime}, one process; the other side makes the "
            f"first {few} versions, and its time is multiplied; this machine has {os.cpu_count()} cores",
        )

    return make


CASES = (
    Case(
        "forest-deletions",
        "deletions from forests of 500 trees, Adult, 5,000 records",
        20,
        deletions("adult", "random-forest", 5000, 100, 5),
    ),
    Case(
        "forest-deletions-loop",
        "the same against a loop over fit",
        30,
        deletions("adult", "random-forest", 5000, 100, 5, loop=True),
    ),
    Case(
        "forest-deletions-large",
        "the same on 9,758 records, half of the table's side",
        30,
        deletions("adult", "random-forest", 20000, 100, 3),
    ),
    Case("forest-deletions-1000", "the same on 1,000", 10, deletions("adult", "random-forest", 1000, 100, 10)),
    Case(
        "forest-deletions-check-ins",
        "the same on check-ins: 168 features, 9 classes",
        10,
        deletions("checkins-nyc", "random-forest", 0, 100, 10),
    ),
    Case(
        "forest-deletions-full",
        "deletions from forests of 100 fully grown trees, Adult",
        6,
        deletions("adult", "random-forest-100", 5000, 100, 5),
    ),
    Case(
        "tree-deletions",
        "deletions from trees of 10 leaves, Adult",
        10,
        deletions("adult", "decision-tree", 5000, 100, 50, loop=True),
    ),
    Case(
        "tree-deletions-full",
        "deletions from fully grown trees, Adult",
        10,
        deletions("adult", "decision-tree-full", 5000, 100, 50, loop=True),
    ),
)
