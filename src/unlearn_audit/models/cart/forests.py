"""Forests of which no version is needed: all trees are grown in one call, with the bits of scikit-learn's."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.bootstraps import seeds_of
from unlearn_audit.models.cart.check import is_installed
from unlearn_audit.models.cart.growing import grow_together
from unlearn_audit.models.cart.model import CartModel
from unlearn_audit.models.cart.room import scratch_for, whole
from unlearn_audit.models.cart.rows import Rows
from unlearn_audit.models.cart.settings import CartSettings
from unlearn_audit.models.forest import Growth, drawn_shares, is_same
from unlearn_audit.utils.typing import Array, Integers

INSTEAD = "forests of attacks were grown by scikit-learn: numba cannot compile them ({})"
"""What is said where numba is installed and refuses."""


def compiled_forest(X: Array, codes: Integers, growth: Growth) -> CartModel | None:
    """Return a forest, or None where it is no case for this: without numba, or other than scikit-learn's.

    Parameters
    ----------
    X
        (n, features) numbers.
    codes
        (n,) classes, each of 0 to the highest at least once.
    growth
        How it is grown.
    """
    return _grow(X, codes, growth) if is_installed() and are_known() else None


@lru_cache(maxsize=1)
def are_known() -> bool:
    """Return whether small forests that are grown here are scikit-learn's, and warn once where numba refuses.

    Before 1.9, those of scikit-learn in which all classes weigh the same are others.
    """
    try:
        return is_same(_answers)
    except Exception as error:  # noqa: BLE001 - another numba may refuse what this one compiles, in any way
        warnings.warn(INSTEAD.format(type(error).__name__), UserWarning, stacklevel=2)
        return False


def _answers(X: Array, codes: Integers, growth: Growth) -> Array | None:
    model = _grow(X, codes, growth)
    return None if model is None else model.predict_proba(X)


def _grow(X: Array, codes: Integers, growth: Growth) -> CartModel | None:
    from unlearn_audit.models.cart.kernel.bootstrap import WORDS, Drawn

    # weights of classes decide about the draws alone
    settings = CartSettings.of(replace(growth, balanced=False).estimator())
    rows = Rows.of(X, codes, np.arange(len(X)))
    if rows is None or settings is None:
        return None
    n, k = len(codes), len(rows.classes)
    rules = settings.rules(n, rows.width, k)
    cumulative, first = _cumulative(codes, k) if growth.balanced else (np.zeros(0), whole(0))
    drawn = Drawn(np.array(seeds_of(settings, growth.random_state)), cumulative, first, whole(WORDS + 1), whole(n))
    grown = grow_together(rows.table, rules, drawn, scratch_for(rows.table, rules))
    return CartModel(grown, rows.classes, np.arange(k), rows.width)


def _cumulative(codes: Integers, n_classes: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return what `Drawn` say of rows that are not equally probable."""
    cumulative = drawn_shares(codes, n_classes).cumsum()
    cumulative /= cumulative[-1]
    parts = np.arange(len(codes)) / len(codes)
    # rounding never puts a number below its part by more than that
    return cumulative, np.searchsorted(cumulative, parts * (1 - 1e-12)).astype(np.int64)
