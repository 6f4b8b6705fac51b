"""How an unlearned model's randomness relates to the original's: fixed, same-seed or fresh.

*fixed*: the deletion is the only difference; every draw stays with its record. *same-seed*: the same
integer seed on one record fewer, which shifts every later draw. *fresh*: new randomness. The regime
decides how much an update gives away, so every finding names the one that was really run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from unlearn_audit.models.seeding import held, is_foreign
from unlearn_audit.models.steps import last_step
from unlearn_audit.utils.typing import Positions


class Regime(StrEnum):
    """The relation of the two models' randomness."""

    FIXED = "fixed"
    SAME_SEED = "same-seed"
    FRESH = "fresh"


ROUNDING = 1e-6
"""Two answers that differ by no more are the same but for rounding: threads may add numbers in another order."""


@dataclass(frozen=True)
class Draws:
    """What training several times on the same records shows of a model's randomness.

    Attributes
    ----------
    again
        The largest difference between two models' answers that trainings with one seed leave.
    other
        The largest that trainings with different seeds leave; None if there was no need to train.
    """

    again: float = 0.0
    other: float | None = None

    @property
    def repeats(self) -> bool:
        """Whether one seed gives the same model again."""
        return self.again <= ROUNDING

    @property
    def heeds_seeds(self) -> bool:
        """Whether another seed gives another model."""
        return self.other is None or self.other > (ROUNDING if self.again else 0.0)


class RowOrder(StrEnum):
    """In which order the remaining records are handed to ``fit``."""

    MINUS = "minus"
    """The original's order without the deleted records."""
    REPLACE = "replace"
    """The last records move into the deleted ones' places, so that index draws keep meaning the same records."""


def fixed_order(estimator: Any) -> RowOrder | None:
    """Return the row order in which this estimator can run the regime *fixed*, or None if it cannot.

    An estimator qualifies if nothing in it draws random numbers, or if what draws is known not to shift
    with the number of records: trees, logistic regression by a deterministic solver, forests, whose bootstrap
    draws row indices, and what keys its draws by record (see `record_ids_option`). A function of the user's among
    the parameters, or folds that are shuffled, may draw, and nothing says how.

    Examples
    --------
    >>> fixed_order(DecisionTreeClassifier()), fixed_order(RandomForestClassifier())
    (<RowOrder.MINUS: 'minus'>, <RowOrder.REPLACE: 'replace'>)
    """
    if not hasattr(estimator, "get_params"):
        return None
    params = estimator.get_params(deep=True)
    parts = [estimator, *(value for value in params.values() if hasattr(value, "get_params"))]
    keyed = _keyed_part(estimator)
    orders = {RowOrder.MINUS if part is keyed else _part_order(part) for part in parts}
    if None in orders:
        return None
    return RowOrder.REPLACE if RowOrder.REPLACE in orders else RowOrder.MINUS


def record_ids_option(estimator: Any) -> str | None:
    """Return the option of ``fit`` by which an estimator gets the ids of its records, None if it has none.

    An estimator that says ``draws_by_record = True`` takes ``record_ids`` and then makes every random draw a
    function of its seed and the record's id. It may be the last step of a pipeline.
    """
    keyed = _keyed_part(estimator)
    if keyed is None:
        return None
    return "record_ids" if keyed is estimator else f"{estimator.steps[-1][0]}__record_ids"


def _keyed_part(estimator: Any) -> Any:
    """Return the part of an estimator that keys its draws by record, if record ids can be passed to it."""
    last = last_step(estimator)
    return last if getattr(last, "draws_by_record", False) else None


def _part_order(part: Any) -> RowOrder | None:
    own = part.get_params(deep=False)
    if not type(part).__module__.startswith(("sklearn.", "unlearn_audit.models.ridge")):
        # someone else's class: no parameter says whether it draws from a generator of its own
        return None
    inside = [value for _, value in held(part, estimators=False) if not hasattr(value, "get_params")]
    if any(is_foreign(value) or _shuffles(value) for value in inside):
        return None
    if "random_state" not in own or isinstance(part, DecisionTreeClassifier | ExtraTreeClassifier):
        return RowOrder.MINUS
    if isinstance(part, LogisticRegression):
        return None if own["solver"] in ("sag", "saga", "liblinear") else RowOrder.MINUS
    if isinstance(part, RandomForestClassifier | ExtraTreesClassifier):
        # draws by weight, or of a share of the records, shift with the number of records
        weighted = own["class_weight"] not in (None, "balanced_subsample")
        shifts = weighted or isinstance(own["max_samples"], float)
        return RowOrder.MINUS if not own["bootstrap"] else None if shifts else RowOrder.REPLACE
    return None


def _shuffles(value: Any) -> bool:
    """Return whether a value is a way to draw folds or samples, which shift with the number of records."""
    return hasattr(value, "random_state") and getattr(value, "shuffle", True)


def keeps_index_draws(n_before: int, n_after: int) -> bool:
    """Return whether row indices drawn with one seed stay the same when the number of rows shrinks.

    NumPy's ``RandomState.randint(0, n)``, which draws a forest's bootstraps, takes as many random bits as
    n - 1 has and draws again where they exceed it. While the number of bits stays, fewer rows merely drop
    the draws of the rows that left; from 2^k + 1 rows to 2^k it falls by one, and every index is another.

    Examples
    --------
    >>> keeps_index_draws(514, 513), keeps_index_draws(513, 512), keeps_index_draws(512, 511)
    (True, False, True)
    """
    return (n_before - 1).bit_length() == (n_after - 1).bit_length()


def remaining_rows(training: Positions, deleted: Positions, order: RowOrder) -> Positions:
    """Return the training records that remain, in the order to fit them in.

    Examples
    --------
    >>> rows = np.array([4, 8, 1, 6, 3])
    >>> remaining_rows(rows, np.array([8]), RowOrder.MINUS).tolist()
    [4, 1, 6, 3]
    >>> remaining_rows(rows, np.array([8]), RowOrder.REPLACE).tolist()
    [4, 3, 1, 6]
    """
    gone = training == deleted[0] if len(deleted) == 1 else np.isin(training, deleted)
    if order is RowOrder.MINUS:
        return training[~gone]
    size = int((~gone).sum())
    kept = training[:size].copy()
    kept[gone[:size]] = training[size:][~gone[size:]][::-1]
    return kept
