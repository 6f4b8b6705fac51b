"""A fitted StandardScaler without some of its records."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.logistic.arrays import spread_of
from unlearn_audit.unlearning.closed_form.change import collapsed, updated
from unlearn_audit.utils.typing import Array


def rescaled(scaler: Any, leaving: npt.NDArray[Any], joining: npt.NDArray[Any]) -> tuple[Any, Array, Array] | None:
    """Return a scaler without (l, d) and with (j, d) records, and how standardised values change.

    Returns
    -------
    The new scaler, and the (d,) factor and shift that turn a value standardised by the old one into that of the new
    one; or None where so little variance is left that rounding would be seen in it.
    """
    new = copy.deepcopy(scaler)
    d = leaving.shape[1]
    factor, shift = np.ones(d), np.zeros(d)
    if not (scaler.with_mean or scaler.with_std):
        return new, factor, shift
    variance = scaler.var_ if scaler.with_std else np.zeros(d)
    n, mean, after = updated(int(scaler.n_samples_seen_), scaler.mean_, variance, leaving, joining)
    new.n_samples_seen_, new.mean_ = n, mean
    scale = np.ones(d)
    if scaler.with_std:
        if collapsed(variance, after):
            return None
        new.var_, new.scale_ = after, spread_of(mean, after, int(n))
        scale, factor = new.scale_, scaler.scale_ / new.scale_
    if scaler.with_mean:
        shift = (scaler.mean_ - mean) / scale
    return new, factor, shift
