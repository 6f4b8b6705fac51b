"""What the update adds: confidences in the true status with it, against those of a baseline without it.

An attack's confidence in the true status of a record is c = p for a positive and 1 − p for a negative, where
p is its probability of positive. DegCount and DegRate compare the c of the two-model attack (new) with that
of the attack on the original model alone (base): Chen et al., CCS 2021, section 4. Both depend on how two
attack models happen to scale their confidences; `bits_added`, of calibrated confidences, does not. All weigh
positives and negatives equally, which changes nothing where they are as many, as on the paper's rows.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.balanced import class_balanced_mean, class_balanced_proportion
from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate
from unlearn_audit.metrics.units import AnyArray, Clusters, check_probabilities


def true_status_confidence(probability: AnyArray, positive: AnyArray) -> AnyArray:
    """Return c: the probability of positive at positives, of negative at negatives.

    Parameters
    ----------
    probability : (n,) float
        The attack's probability of positive, in [0, 1].
    positive : (n,) bool
        The truth of each row.

    Raises
    ------
    AuditError
        A probability is NaN or outside [0, 1], or a class has no row.

    Examples
    --------
    >>> true_status_confidence(np.array([0.75, 0.75]), np.array([True, False])).tolist()
    [0.75, 0.25]
    """
    probability, positive = check_probabilities(probability, positive)
    return np.where(positive, probability, 1 - probability)


def _gain(new: AnyArray, base: AnyArray, positive: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return c_new − c_base of each row, whose sign is exact, and the truth as bool."""
    new, _ = check_probabilities(new, positive)
    base, positive = check_probabilities(base, positive)
    gain = new - base
    return np.negative(gain, out=gain, where=~positive), positive


def deg_count(
    new: AnyArray,
    base: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
    *,
    ties_half: bool = False,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return DegCount: the share of rows whose true status the new attack is more confident of.

    Parameters
    ----------
    new, base : (n,) float
        Probabilities of positive of the two-model attack and of the baseline, in [0, 1].
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.
    ties_half : bool
        Count equal confidences as one half; the paper's count is strict, so that for attacks with few
        distinct outputs (a full tree) it lies far below ½ even if the update adds nothing.
    confidence : float
        1 − α of the interval, a `class_balanced_proportion`.

    Raises
    ------
    AuditError
        A probability is NaN or outside [0, 1], or a class has no row.

    Examples
    --------
    >>> new, base = np.array([0.9, 0.5, 0.5, 0.7]), np.array([0.6, 0.5, 0.6, 0.6])
    >>> truth = np.array([True, True, False, False])
    >>> deg_count(new, base, truth).value, deg_count(new, base, truth, ties_half=True).value
    (0.5, 0.625)
    """
    gain, positive = _gain(new, base, positive)
    better = np.where(gain == 0, 0.5 if ties_half else 0.0, gain > 0)
    del gain  # of many rows it takes as much again
    return class_balanced_proportion(better, positive, clusters, confidence=confidence)


def deg_rate(
    new: AnyArray,
    base: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
) -> Estimate:
    """Return DegRate: the mean gain in the confidence in the true status, in [−1, 1].

    Parameters
    ----------
    new, base : (n,) float
        Probabilities of positive of the two-model attack and of the baseline, in [0, 1].
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.

    Raises
    ------
    AuditError
        A probability is NaN or outside [0, 1], or a class has no row.

    Examples
    --------
    >>> deg_rate(np.array([0.75, 0.5]), np.array([0.5, 0.75]), np.array([True, False])).value
    0.25
    """
    gain, positive = _gain(new, base, positive)
    return class_balanced_mean(gain, positive, clusters, bounds=(-1.0, 1.0))


def bits_added(
    new: AnyArray,
    base: AnyArray,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None = None,
) -> Estimate:
    """Return the mean log₂ (c_new / c_base): the bits about the true status that the update adds.

    The ends of its interval are infinite where a class stands in a single unit.

    Parameters
    ----------
    new, base : (n,) float
        Calibrated probabilities of positive (`Calibrator`), strictly inside (0, 1).
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share.

    Raises
    ------
    AuditError
        A true status has confidence 0, whose logarithm is infinite; else as `deg_rate`.

    Examples
    --------
    >>> bits_added(np.array([0.8, 0.2]), np.array([0.4, 0.6]), np.array([True, False])).value
    1.0
    """
    c_new, c_base = (true_status_confidence(probability, positive) for probability in (new, base))
    n_impossible = int((np.minimum(c_new, c_base) <= 0).sum())
    if n_impossible:
        raise AuditError(
            f"{n_impossible} rows have confidence 0 in their true status, so bits would be infinite; "
            "calibrate the confidences first"
        )
    gained = np.divide(c_new, c_base, out=c_new)
    del c_base
    return class_balanced_mean(np.log2(gained, out=gained), positive, clusters)
