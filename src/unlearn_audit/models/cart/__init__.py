"""scikit-learn's trees and forests of classifiers, and exact deletion from them, compiled by numba.

A tree is grown from counts of records alone: which one stands where in the training set decides nothing. So a version
that lacks some records, or has others, starts from the original's tree. Only the nodes on the paths of records whose
count differs are looked at; where one would be split otherwise, all that is drawn after it is grown anew, with the
draws as scikit-learn would make them. Where every feature is tried for a split, only what is below that node is grown
anew, and what is below nodes where equally good features now come in another order. Trees and answers have the bits
of scikit-learn's, see `check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.deletion import Deletion, versions_of
from unlearn_audit.models.cart.growing import Grower, Growth
from unlearn_audit.models.cart.kernel.arrays import Grown
from unlearn_audit.models.cart.model import CartModel
from unlearn_audit.models.cart.rows import Rows
from unlearn_audit.models.cart.settings import CartSettings
from unlearn_audit.utils.typing import Positions

__all__ = ["VERSION", "CartModel", "CartSettings", "grow_model", "grow_versions"]

VERSION = 1
"""Raise it whenever the same records would give other trees than before, or other answers."""

_TOGETHER = 128
"""Versions whose differences are held in memory at once."""

_MOST_CHANGES = 1 / 16
"""Where a larger share of the records changes in a tree, it is grown anew."""


def grow_model(settings: CartSettings, X: Any, y: npt.NDArray[Any], training: Positions, seed: int) -> CartModel | None:
    """Return a model trained on the records at some positions; None if these are no case for it.

    Parameters
    ----------
    settings
        What is grown.
    X, y
        (n, features) numbers and (n,) labels of all records.
    training
        Positions of the training records, in training order.
    seed
        The seed of its training.
    """
    rows = Rows.of(X, y, training)
    if rows is None:
        return None
    grown = Grower(settings, seed, rows, len(training)).grown()
    return CartModel(grown, rows.classes, np.arange(len(rows.classes)), rows.width)


def grow_versions(
    settings: CartSettings,
    X: Any,
    y: npt.NDArray[Any],
    original: CartModel,
    training: Positions,
    trainings: Sequence[Positions],
    seed: int,
) -> Iterator[CartModel] | None:
    """Return models trained on other records with the seed of an original; None if these are no case for it.

    Parameters
    ----------
    original, training
        The original, and positions of its training records, in training order.
    trainings
        Those of each version.
    """
    added = np.zeros(len(y), dtype=np.bool_)
    for one in trainings:
        added[one] = True
    added[training] = False
    everyone = np.concatenate([training, np.flatnonzero(added)])
    row = np.full(len(y), -1)
    row[everyone] = np.arange(len(everyone))
    slots = [row[one] for one in trainings]
    rows = Rows.of(X, y, everyone)
    if rows is None or any(np.bincount(of).max() > 1 for of in slots):
        return None
    rules = {settings.rules(len(one), rows.width, len(rows.classes)) for one in (training, *trainings)}
    if len(rules) > 1:
        return None  # a share of the records is another number of them
    # the leaves of a version that was grown from another are not its own, and a new class has no place in them
    known = original.overlay is None and len(original.columns) == len(rows.classes)
    grower = Grower(settings, seed, rows, len(training))
    return _versions(grower, slots, original.grown if known else None)


def _versions(grower: Grower, slots: Sequence[Positions], grown: Grown | None) -> Iterator[CartModel]:
    """Yield a model for each version, given the row in each of its slots, and the original's trees if there are any."""
    rows = grower.rows
    for first in range(0, len(slots), _TOGETHER):
        some = slots[first : first + _TOGETHER]
        growth = Growth()
        deletion = Deletion(grower, versions_of(some, grower.n), int(grower.n * _MOST_CHANGES))
        overlay = deletion.overlay(growth if grown is None else None)
        grown = growth.grown() if grown is None else grown
        for version, of in enumerate(some):
            columns = rows.classes_of(of)
            yield CartModel(grown, rows.classes[columns], columns, rows.width, overlay, version)
