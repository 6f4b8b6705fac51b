"""What a defence costs the people who use the posteriors: accuracy and calibration on records never trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.observations import Observations

BINS = 15


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
    judged = np.isin(observations.roles, rightly_labelled) & (labels >= 0) & observations.clean
    if not judged.any():
        return None
    answers = observations.posteriors[judged].astype(np.float64)
    n_versions = answers.shape[1]
    answers = answers.reshape(-1, answers.shape[2])
    truth = np.repeat(labels[judged], n_versions)
    right = answers.argmax(axis=1) == truth
    target = np.eye(answers.shape[1])[truth]
    return Utility(
        accuracy=float(right.mean()),
        brier=float(((answers - target) ** 2).sum(axis=1).mean()),
        calibration_error=calibration_error(answers.max(axis=1), right),
        n=len(right),
    )


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
