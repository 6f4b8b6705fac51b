"""Records as the trees of scikit-learn hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def as_float32(X: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return records as the trees of scikit-learn hold them; no copy of what is so already."""
    return np.ascontiguousarray(X, dtype=np.float32)
