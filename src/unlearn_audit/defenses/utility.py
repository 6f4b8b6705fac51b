"""What a defence costs the people who use the posteriors: accuracy and calibration on records never trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations import Observations

BINS = 15

_ROWS_AT_ONCE = 1 << 16
"""Rows that are judged at once, which bounds the memory that it takes."""


@dataclass(frozen=True)
class Utility:
    """How good released posteriors are, over both versions of every pair.

    Attributes
    ----------
    accuracy
        Share of records whose most probable class is their label.
    brier
        Mean squared distance from the label's indicator (Brier 1950), 0 to 2.
    calibration_error
        Expected calibration error of the top probability over `BINS` equal bins (Guo et al., ICML 2017).
    n
        How many answers were judged.
    """

    accuracy: float
    brier: float
    calibration_error: float
    n: int


def release_utility(observations: Observations) -> Utility | None:
    """Return the utility of a table's posteriors on its unseen and reference records, None without labels.

    Unseen canaries, whose labels are wrong, are left out.
    """
    labels = observations.rows["label"].to_numpy()
    rightly_labelled = ("unseen", "reference") if observations.canaries is None else ("reference",)
    judged = observations.in_roles(*rightly_labelled) & (labels >= 0) & observations.clean
    if not judged.any():
        return None
    rows = np.flatnonzero(judged)
    blocks = [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]
    parts = [_of_answers(observations.posteriors[block], labels[block]) for block in blocks]
    right, squares, confidence = (np.concatenate(of) for of in zip(*parts, strict=True))
    return Utility(
        accuracy=float(right.mean()),
        brier=float(squares.mean()),
        calibration_error=calibration_error(confidence, right),
        n=len(right),
    )


def _of_answers(
    posteriors: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return, for every version of every row: whether it is right, its squared error, and its highest probability."""
    n_classes = posteriors.shape[2]
    answers = posteriors.astype(np.float64).reshape(-1, n_classes)
    truth = np.repeat(labels, posteriors.shape[1])
    squares = ((answers - np.eye(n_classes)[truth]) ** 2).sum(axis=1)
    return answers.argmax(axis=1) == truth, squares, answers.max(axis=1)


def calibration_error(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Return the mean gap between confidence and accuracy over equal bins of confidence, weighted by their rows.

    Examples
    --------
    >>> calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, False]))
    0.0
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(right))
