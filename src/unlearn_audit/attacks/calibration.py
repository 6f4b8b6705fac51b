"""Scores of an attack as probabilities, calibrated on shadow worlds: computed where they are read, and not kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.metrics import Calibrator, MidRanks
from unlearn_audit.metrics.calibration import check_confidence
from unlearn_audit.utils.typing import Array, Mask

_ROWS_AT_ONCE = 1 << 16
"""Rows that are calibrated at once, which bounds the memory that it takes."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """From an attack's scores to probabilities of being positive, both classes weighing the same.

    Attributes
    ----------
    calibrator
        What was fitted on the out-of-fold scores of shadow rows.
    ranks
        Their ranks, where scores are no probabilities; None where they are.
    """

    calibrator: Calibrator
    ranks: MidRanks | None

    @classmethod
    def fit(cls, out_of_fold: Array, positive: Mask, *, probabilistic: bool) -> Self:
        """Fit on shadow rows; scores that are no probabilities count by their rank among them."""
        ranks = None if probabilistic else MidRanks.of(out_of_fold, positive)
        confidence = out_of_fold if ranks is None else ranks.transform(out_of_fold)
        return cls(Calibrator.fit(confidence, positive), ranks)

    def check(self, scores: Array) -> None:
        """Raise an `AuditError` if scores that are probabilities by their attack are none."""
        if self.ranks is None:
            check_confidence(scores)

    def transform(self, scores: Array) -> Array:
        """Return (n,) probabilities of (n,) scores."""
        found = np.empty(len(scores))
        for start in range(0, len(scores), _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            confidence = scores[block] if self.ranks is None else self.ranks.transform(scores[block])
            found[block] = self.calibrator.transform(confidence)
        return found

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it as arrays by name."""
        line = self.calibrator
        ranks = (
            {} if self.ranks is None else {"ranks_positive": self.ranks.positive, "ranks_negative": self.ranks.negative}
        )
        return {"calibrator": np.array([line.slope, line.intercept, line.limit]), **ranks}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return what `arrays` holds."""
        ranks = MidRanks(arrays["ranks_positive"], arrays["ranks_negative"]) if "ranks_positive" in arrays else None
        return cls(Calibrator(*arrays["calibrator"].tolist()), ranks)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The probabilities of some scores: an array to NumPy, which is made each time it is read.

    Attributes
    ----------
    scores
        (n,) of an attack.
    calibration
        The attack's.
    """

    scores: Array
    calibration: Calibration

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.scores.shape

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Make the array."""
        if copy is False:
            raise ValueError("calibrated probabilities are computed afresh each time")
        return self.calibration.transform(self.scores).astype(dtype or np.float64, copy=False)
