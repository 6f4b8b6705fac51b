"""All figures of one attack on one set of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.balanced import accuracy
from unlearn_audit.metrics.claims import HEADLINE, HINT
from unlearn_audit.metrics.degradation import bits_added, deg_count, deg_rate
from unlearn_audit.metrics.epsilon import clustered_epsilon_bound
from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.metrics.low_fpr import tpr_at_fpr, tpr_at_fpr_interval
from unlearn_audit.metrics.roc import auc_difference, auc_interval
from unlearn_audit.metrics.units import Array, check_rows, independent_units

COMPARISONS: dict[str, Callable[..., Estimate]] = {
    "deg_count": deg_count,
    "deg_rate": deg_rate,
    "deg_count_ties_half": lambda *rows: deg_count(*rows, ties_half=True),
}
"""The comparative figures of two attacks' own probabilities."""

CALIBRATED_COMPARISONS: dict[str, Callable[..., Estimate]] = {
    "deg_count_calibrated": lambda *rows: deg_count(*rows, ties_half=True),
    "deg_rate_calibrated": deg_rate,
    "bits": bits_added,
}
"""The comparative figures of probabilities calibrated on shadow worlds."""


def evaluate(
    scores: Array,
    positive: Array,
    worlds: Array | None,
    *,
    confidences: Array | None = None,
    calibrated: Array | None = None,
    baseline_confidences: Array | None = None,
    baseline_calibrated: Array | None = None,
    strongest_scores: Array | None = None,
    threshold: float | None = None,
    records: Array | None = None,
    fprs: tuple[float, ...] = (0.01, 0.001),
) -> dict[str, Any]:
    """Return every figure of one attack, and of its comparison with a baseline, with intervals.

    Parameters
    ----------
    scores : (n,) float
        The attack's scores, higher for the positive.
    positive : (n,) bool
        The truth of each row.
    worlds : (n,) int or None
        The world of each row; intervals treat worlds as independent, or single records if they are unknown
        or positives or negatives stand in one world only.
    confidences : (n,) float or None
        The attack's probabilities of positive, in [0, 1]; None where the scores are such.
    calibrated : (n,) float or None
        The same attack's probabilities after a `Calibrator`.
    baseline_confidences, baseline_calibrated : (n,) float or None
        The same two of the attack on the original model alone, on the same rows. Its confidences are compared
        with this attack's, so it should be one of the same attack model.
    strongest_scores : (n,) float or None
        The scores of the strongest attack on the original alone, for the difference of AUC; by default the
        confidences of the baseline.
    threshold : float or None
        From which score on a row is called positive in the bound on epsilon; chosen on other rows.
    records : (n,) int or None
        The record of each row, where worlds audit the same records; intervals of the AUC then count them too.
    fprs : tuple of float
        The false-positive rates at which the true-positive rate is given.

    Returns
    -------
    dict
        ``n_positive``, ``n_negative``, ``n_worlds`` (1 if unknown), ``interval_unit``; ``auc`` and
        ``accuracy``, each with ``…_ci``; ``tpr_at_fpr``, ``tpr_at_fpr_ci`` and ``realised_fpr``, dicts by
        ``str(fpr)`` with None where there are too few negatives; ``auc_minus_classical``, ``deg_count``,
        ``deg_rate``, ``deg_count_ties_half``, ``deg_count_calibrated``, ``deg_rate_calibrated`` and
        ``bits``, each with ``…_ci``, None where what they compare was not given. An interval without
        finite ends is None. ``epsilon`` and ``epsilon_ceiling`` are None without a threshold.

    Raises
    ------
    AuditError
        There are no positives or no negatives, a probability is NaN or outside [0, 1], or lengths differ.

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> figures = evaluate(np.array([0.9, 0.6, 0.6, 0.2]), truth, None)
    >>> figures["auc"], figures["accuracy"], figures["interval_unit"], figures["bits"]
    (0.875, 0.75, 'record', None)
    """
    scores, positive = check_rows(scores, positive)
    given = {
        "confidences": confidences,
        "calibrated": calibrated,
        "baseline_confidences": baseline_confidences,
        "baseline_calibrated": baseline_calibrated,
        "strongest_scores": strongest_scores,
    }
    for name, values in given.items():
        if values is not None and np.shape(values) != scores.shape:
            raise AuditError(f"{name} must have one value per row, got {np.shape(values)} for {len(scores)} rows")
    confidences = scores if confidences is None else confidences
    units = independent_units(positive, worlds)
    n_positive = int(positive.sum())
    figures: dict[str, Any] = {
        "n_positive": n_positive,
        "n_negative": len(positive) - n_positive,
        "n_worlds": 1 if worlds is None else len(np.unique(worlds)),
        "interval_unit": units.kind,
        **_with_error("auc", auc_interval(scores, positive, worlds, records=records)),
        "auc_claim_ci": auc_interval(scores, positive, worlds, records=records, confidence=HEADLINE).interval,
        "auc_hint_ci": auc_interval(scores, positive, worlds, records=records, confidence=HINT).interval,
        **_with_interval("accuracy", accuracy(confidences, positive, worlds)),
        **_epsilon(scores, positive, worlds, threshold, records),
        "tpr_at_fpr": {},
        "tpr_at_fpr_ci": {},
        "realised_fpr": {},
    }
    for target in fprs:
        point = tpr_at_fpr(scores, positive, target)
        estimate = tpr_at_fpr_interval(scores, positive, worlds, target)
        figures["tpr_at_fpr"][str(target)] = None if point is None else point[0]
        figures["realised_fpr"][str(target)] = None if point is None else point[1]
        figures["tpr_at_fpr_ci"][str(target)] = None if estimate is None else estimate.interval
    strongest = baseline_confidences if strongest_scores is None else strongest_scores
    gain = None if strongest is None else auc_difference(scores, strongest, positive, worlds, records=records)
    figures |= _with_error("auc_minus_classical", gain)
    for comparisons, new, base in (
        (COMPARISONS, confidences, baseline_confidences),
        (CALIBRATED_COMPARISONS, calibrated, baseline_calibrated),
    ):
        for name, compare in comparisons.items():
            known = new is not None and base is not None
            figures |= _with_interval(name, compare(new, base, positive, worlds) if known else None)
    return figures


def _epsilon(
    scores: Array, positive: Array, worlds: Array | None, threshold: float | None, records: Array | None
) -> dict[str, float | None]:
    if threshold is None:
        return {"epsilon": None, "epsilon_ceiling": None}
    bound = clustered_epsilon_bound(scores, positive, worlds, threshold, records=records)
    return {"epsilon": bound.value, "epsilon_ceiling": bound.ceiling}


def _with_error(name: str, estimate: Estimate | None) -> dict[str, Any]:
    error, freedom = (None, None) if estimate is None else (estimate.error, estimate.freedom)
    known = error is not None and math.isfinite(error)
    return {
        **_with_interval(name, estimate),
        f"{name}_error": error if known else None,
        f"{name}_freedom": freedom if known else None,
    }


def _with_interval(name: str, estimate: Estimate | None) -> dict[str, Any]:
    """Return the entries of one figure and its interval; None stands for what cannot be said."""
    if estimate is None:
        return {name: None, f"{name}_ci": None}
    finite = all(math.isfinite(end) for end in estimate.interval)
    return {name: estimate.value, f"{name}_ci": estimate.interval if finite else None}
