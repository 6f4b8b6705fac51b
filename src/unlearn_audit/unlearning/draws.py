"""The claim of a regime, tested: a model is trained, or unlearned, several times, and its answers are compared."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.program import programs_in
from unlearn_audit.models.regimes import ROUNDING, Draws, Regime, fixed_order
from unlearn_audit.models.seeding import is_of_libraries
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.seeds import Kind, generator, integer_seed, seeded_globals
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request

ENOUGH = 2000
"""Records that suffice to see a model draw; where none is seen, it is trained on all that are given."""

_AGAIN = 3
"""Further trainings with the same seed: draws that move a boundary a little leave many answers as they were."""

_OTHERS = 3
"""Other seeds tried until one makes another model: some models draw only where two splits are equally good."""


def needs_measuring(source: ModelSource) -> bool:
    """Return whether a model holds code of which it is not known what it draws from: any that no library made."""
    model = source.make(seed=0)
    return not is_of_libraries(model) or bool(programs_in(model))


def measure(
    source: ModelSource, data: Dataset, training: Positions, asked: Regime, seed: int, asking: Positions | None = None
) -> Draws:
    """Return what trainings on the same records with the same seed, and with others, show of a model's randomness.

    Answers are compared on records and, where those are rows of decimal numbers, on points between them: two trees
    whose boundaries differ a little may agree on every record. The last training with the same seed starts no sooner
    than in the second after the first, so that a seed taken from the clock is not missed.

    Parameters
    ----------
    source, data
        The model, and the dataset that positions refer to.
    training
        (n,) positions of records to train on.
    asked
        The regime asked for.
    seed
        The seed of the audit.
    asking
        (m,) positions of further records whose answers are compared, besides those trained on.

    Raises
    ------
    AuditError
        If a training fails.
    """
    few = generator(seed, Kind.REGIME).permutation(training)[:ENOUGH]
    asked_of = few if asking is None else np.concatenate([few, asking[:ENOUGH]])
    try:
        found = _measured(source, data, few, asked_of, asked, seed)
    except AuditError:
        if len(few) == len(training):
            raise
    else:
        if found.heeds_seeds or len(few) == len(training):
            return found
    return _measured(source, data, training, asked_of, asked, seed)


def _measured(
    source: ModelSource, data: Dataset, training: Positions, positions: Positions, asked: Regime, root: int
) -> Draws:
    can_be_fixed = asked is Regime.FIXED and fixed_order(source.make(seed=0)) is not None
    regime = Regime.FIXED if can_be_fixed else Regime.SAME_SEED

    asked_of = take(data.X, positions)
    between = _between(asked_of, generator(root, Kind.REGIME, 0))

    def answers(i: int) -> npt.NDArray[np.float32]:
        nonlocal between
        seed = integer_seed(root, Kind.REGIME, i)
        model = train(source, data, training, seed, regime).model
        with one_thread(), seeded_globals(seed):
            of_records = query(model, asked_of, data.class_values, source.name)
            try:
                of_points = of_records[:0] if between is None else query(model, between, data.class_values, source.name)
            except Exception:  # noqa: BLE001 - whatever its own code raises: it may take no values but those it has seen
                between, of_points = None, of_records[:0]
        return np.concatenate([of_records, of_points])

    began = time.time()
    first, other, again = answers(0), 0.0, 0.0
    for i in range(1, 1 + _OTHERS):
        other = max(other, _difference(first, answers(i)))
        if other > ROUNDING:
            break
    for i in range(_AGAIN):
        if i == _AGAIN - 1:
            time.sleep(max(0.0, int(began) + 1 - time.time()))
        again = max(again, _difference(first, answers(0)))
        if again > ROUNDING:
            break
    return Draws(again=again, other=other)


def measure_method(unlearner: Unlearner, source: ModelSource, data: Dataset, training: Positions, seed: int) -> float:
    """Return the largest difference between the answers of two models unlearned from one original with one seed.

    Parameters
    ----------
    unlearner
        The method.
    source, data
        The model, and the dataset that positions refer to.
    training
        (n,) positions of records to train on; `ENOUGH` of them are.
    seed
        The seed of the audit.

    Raises
    ------
    AuditError
        If the training or an unlearning fails.
    """
    few = generator(seed, Kind.REGIME).permutation(training)[:ENOUGH]
    original = unlearner.learn(source, data, few, integer_seed(seed, Kind.REGIME, 0))
    request = Request(few[:1], few[:0])

    def answers() -> npt.NDArray[np.float32]:
        model = unlearner.unlearn(original, request, integer_seed(seed, Kind.REGIME, 1)).model
        with one_thread(), seeded_globals(seed):
            return query(model, take(data.X, few), data.class_values, source.name)

    began = time.time()
    first = answers()
    # a seed taken from the clock would not be missed
    time.sleep(max(0.0, int(began) + 1 - time.time()))
    return _difference(first, answers())


def _between(X: Any, rng: np.random.Generator) -> Any:
    """Return points between pairs of records, None where records have no decimal numbers."""
    if not isinstance(X, pd.DataFrame) and (not isinstance(X, np.ndarray) or X.dtype.kind != "f"):
        return None
    one, two = (take(X, rng.integers(len(X), size=ENOUGH)) for _ in range(2))
    if isinstance(X, pd.DataFrame):
        columns = X.columns[[pd.api.types.is_float_dtype(kind) for kind in X.dtypes]]
        if not len(columns):
            return None
        mixed = one.copy()
        share = rng.random((len(one), 1))
        mixed[columns] = share * one[columns].to_numpy() + (1 - share) * two[columns].to_numpy()
        return mixed
    share = rng.random((len(one),) + (1,) * (X.ndim - 1)).astype(X.dtype)
    return share * one + (1 - share) * two


def _difference(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> float:
    n = min(len(one), len(two))
    return float(np.abs(one[:n] - two[:n]).max())
