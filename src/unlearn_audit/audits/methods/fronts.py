"""The Pareto front: methods to which no other is preferable on both of two axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from unlearn_audit.audits.methods.findings import Method
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.unlearning import Exactness

ACCURACY = "accuracy.test"


def on_front(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return (n,) whether no other point is as low on both axes and lower on one.

    Parameters
    ----------
    first, second
        (n,) values of which less is better.

    Examples
    --------
    >>> on_front([1, 2, 2, 3], [3, 1, 2, 1]).tolist()
    [True, True, False, False]
    """
    a, b = (np.asarray(of, dtype=np.float64) for of in (first, second))
    no_worse = (a[None] <= a[:, None]) & (b[None] <= b[:, None])
    better = (a[None] < a[:, None]) | (b[None] < b[:, None])
    return np.asarray(~(no_worse & better).any(axis=1))


def leak_of(row: Method) -> float | None:
    """Return how far from guessing the best attack on both versions is; None of a method without figures."""
    return None if row.arms is None else abs(row.arms.update.unlearned.auc - GUESSING)


def lost_accuracy(row: Method) -> float | None:
    """Return by how much less accurate on test records the unlearned model is than a retrained one; None if unknown."""
    found = None if row.arms is None else row.arms.measured(ACCURACY)
    return None if found is None or found.difference is None else -found.difference


def seconds_of(row: Method) -> float | None:
    """Return what one request takes; None if unknown."""
    return None if row.cost is None else row.cost.seconds


AXES: dict[str, Callable[[Method], float | None]] = {"accuracy": lost_accuracy, "seconds": seconds_of}
"""What leak is plotted against; less is better."""


def with_fronts(rows: Sequence[Method]) -> tuple[Method, ...]:
    """Return rows with the fronts that each lies on: leak against lost accuracy, and against time.

    No unlearning, and what changed no answer though retraining does, forgot nothing, at no cost: it lies on no front
    and keeps no other off.
    """
    unlearned = [(i, of) for i, of in enumerate(rows) if of.reading != "unchanged" and of.exactness != Exactness.NONE]
    fronts: dict[int, list[str]] = {i: [] for i in range(len(rows))}
    for name, axis in AXES.items():
        known = [(i, leak_of(row), axis(row)) for i, row in unlearned]
        points = [(i, a, b) for i, a, b in known if a is not None and b is not None]
        if points:
            places, leaks, costs = zip(*points, strict=True)
            for i, front in zip(places, on_front(leaks, costs), strict=True):
                if front:
                    fronts[i].append(name)
    return tuple(row.model_copy(update={"fronts": tuple(fronts[i])}) for i, row in enumerate(rows))
