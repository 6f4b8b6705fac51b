"""The types of arrays that all rooms share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""Real numbers."""

Integers = npt.NDArray[np.int64]
"""Whole numbers: counts, codes, ids."""

Positions = npt.NDArray[np.int64]
"""Positions of records in a dataset."""

Mask = npt.NDArray[np.bool_]
"""Truth values, often of which rows are meant."""

Posteriors = npt.NDArray[np.float32]
"""(..., classes) probabilities as a model releases them."""

Interval = tuple[float, float]
"""Lower and upper end of an interval, of 95 % where nothing else is said."""
