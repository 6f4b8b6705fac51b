"""All figures of one attack on one set of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.balanced import accuracy
from unlearn_audit.metrics.claims import DIFFERENCE, HEADLINE, HINT
from unlearn_audit.metrics.degradation import bits_added, deg_count, deg_rate
from unlearn_audit.metrics.epsilon import clustered_epsilon_bound
from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.metrics.low_fpr import tpr_at_fpr, tpr_at_fpr_interval
from unlearn_audit.metrics.roc import Area, area_difference, auc_variation, roc_curve
from unlearn_audit.metrics.units import AnyArray, Clusters, check_rows
from unlearn_audit.utils.typing import Interval

Unit = Literal["world", "record"]

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


@dataclass(frozen=True, eq=False)
class Scored:
    """What one attack says of some rows.

    Attributes
    ----------
    scores : (n,) float
        Higher for the positive.
    confidences : (n,) float or None
        Its probabilities of positive, in [0, 1]; None where the scores are such. They are read once they are needed.
    calibrated : (n,) float or None
        Its probabilities after a `Calibrator`, likewise; None where there is none.
    area
        The `auc_variation` of its scores on the same rows and clusters, where it is known already.
    """

    scores: AnyArray
    confidences: npt.ArrayLike | None = None
    calibrated: npt.ArrayLike | None = None
    area: Area | None = None

    @property
    def probabilities(self) -> npt.ArrayLike:
        """(n,) what the attack holds for the probability of being positive."""
        return self.scores if self.confidences is None else self.confidences

    def read(self) -> Scored:
        """Return the same with its probabilities as arrays, each made once."""
        made: dict[int, AnyArray] = {}

        def array(values: npt.ArrayLike | None) -> AnyArray | None:
            if values is not None and id(values) not in made:
                made[id(values)] = np.asarray(values)
            return made.get(id(values))

        return replace(self, confidences=array(self.confidences), calibrated=array(self.calibrated))

    def check(self, name: str, n: int) -> None:
        """Raise an `AuditError` unless there is one value for each of ``n`` rows."""
        given = {"scores": self.scores, "confidences": self.confidences, "calibrated": self.calibrated}
        for what, values in given.items():
            if values is not None and np.shape(values) != (n,):
                raise AuditError(f"{name}{what} must have one value per row, got {np.shape(values)} for {n} rows")


@dataclass(frozen=True)
class Figures:
    """Every figure of one attack, and of its comparison with a baseline.

    A figure is followed by its 95 % interval (``_ci``), and the AUC and its gain by a standard error and its degrees of
    freedom too. What cannot be said is None, as is an interval without finite ends.

    Attributes
    ----------
    n_positive, n_negative, n_worlds
        Rows and worlds; 1 world if unknown.
    interval_unit
        What intervals treat as independent.
    auc_claim_ci, auc_hint_ci
        Intervals at the confidences `HEADLINE` and `HINT`.
    epsilon, epsilon_ceiling
        The lower bound on epsilon, and what an attack without any error would have reached.
    tpr_at_fpr, tpr_at_fpr_ci, realised_fpr
        By ``str(fpr)``; None where there are too few negatives.
    """

    n_positive: int
    n_negative: int
    n_worlds: int
    interval_unit: Unit
    auc: float
    auc_ci: Interval
    auc_error: float | None
    auc_freedom: float | None
    auc_claim_ci: Interval
    auc_hint_ci: Interval
    accuracy: float
    accuracy_ci: Interval
    epsilon: float | None
    epsilon_ceiling: float | None
    tpr_at_fpr: dict[str, float | None]
    tpr_at_fpr_ci: dict[str, Interval | None]
    realised_fpr: dict[str, float | None]
    auc_minus_classical: float | None
    auc_minus_classical_ci: Interval | None
    auc_minus_classical_error: float | None
    auc_minus_classical_freedom: float | None
    deg_count: float | None
    deg_count_ci: Interval | None
    deg_rate: float | None
    deg_rate_ci: Interval | None
    deg_count_ties_half: float | None
    deg_count_ties_half_ci: Interval | None
    deg_count_calibrated: float | None
    deg_count_calibrated_ci: Interval | None
    deg_rate_calibrated: float | None
    deg_rate_calibrated_ci: Interval | None
    bits: float | None
    bits_ci: Interval | None


def evaluate(
    attack: Scored,
    positive: AnyArray,
    clusters: Clusters | AnyArray | None,
    *,
    baseline: Scored | None = None,
    strongest: Scored | AnyArray | None = None,
    gain: Estimate | None = None,
    threshold: float | None = None,
    fprs: tuple[float, ...] = (0.01, 0.001),
) -> Figures:
    """Return every figure of one attack, and of its comparison with a baseline, with intervals.

    Parameters
    ----------
    attack
        What the attack says of n rows.
    positive : (n,) bool
        The truth of each row.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share; intervals treat worlds as independent, or single records if they are unknown or positives
        or negatives stand in one world only.
    baseline
        What the attack on the original model alone says of the same rows. Its probabilities are compared with this
        attack's, so it should be one of the same attack model.
    strongest : Scored, (n,) float or None
        The scores of the strongest attack on the original alone, for the difference of AUC; by default the
        probabilities of the baseline.
    gain
        That difference, as `area_difference` of the attack and the strongest gives it at `DIFFERENCE`, where it is
        known already.
    threshold : float or None
        From which score on a row is called positive in the bound on epsilon; chosen on other rows.
    fprs : tuple of float
        The false-positive rates at which the true-positive rate is given.

    Raises
    ------
    AuditError
        There are no positives or no negatives, a probability is NaN or outside [0, 1], or lengths differ.

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> figures = evaluate(Scored(np.array([0.9, 0.6, 0.6, 0.2])), truth, None)
    >>> figures.auc, figures.accuracy, figures.interval_unit, figures.bits
    (0.875, 0.75, 'record', None)
    """
    scores, positive = check_rows(attack.scores, positive)
    attack = replace(attack, scores=scores)
    classical = strongest if strongest is None or isinstance(strongest, Scored) else Scored(strongest)
    for name, scored in (("", attack), ("the baseline's ", baseline), ("the strongest classical attack's ", classical)):
        if scored is not None:
            scored.check(name, len(scores))
    shared = Clusters.of(clusters).coded(len(positive))
    area = attack.area or auc_variation(scores, positive, shared)
    n_positive = int(positive.sum())
    whole = area.interval()
    bound = None if threshold is None else clustered_epsilon_bound(scores, positive, shared, threshold)
    of_scores = _low_fpr(scores, positive, shared, fprs)
    of_scores |= _gain(gain or _difference(area, baseline, classical, positive, shared))
    # many rows' probabilities and their ROC curve are not held at once
    attack, baseline = attack.read(), None if baseline is None else baseline.read()
    right = accuracy(np.asarray(attack.probabilities), positive, shared)
    return Figures(
        n_positive=n_positive,
        n_negative=len(positive) - n_positive,
        n_worlds=1 if shared.worlds is None else int(shared.worlds.max()) + 1,
        interval_unit=area.variation.unit,
        auc=whole.value,
        auc_ci=whole.interval,
        auc_error=_known(whole.error),
        auc_freedom=whole.freedom if _known(whole.error) is not None else None,
        auc_claim_ci=area.interval(HEADLINE).interval,
        auc_hint_ci=area.interval(HINT).interval,
        accuracy=right.value,
        accuracy_ci=right.interval,
        epsilon=None if bound is None else bound.value,
        epsilon_ceiling=None if bound is None else bound.ceiling,
        **of_scores,
        **_comparisons(attack, baseline, positive, shared),
    )


def _low_fpr(scores: AnyArray, positive: AnyArray, clusters: Clusters, fprs: tuple[float, ...]) -> dict[str, Any]:
    """Return the fields of the true-positive rates at low false-positive rates."""
    curve = roc_curve(scores, positive)
    points = {str(fpr): tpr_at_fpr(scores, positive, fpr, curve) for fpr in fprs}
    ends = {str(fpr): tpr_at_fpr_interval(scores, positive, clusters, fpr, curve=curve) for fpr in fprs}
    return {
        "tpr_at_fpr": {fpr: None if point is None else point[0] for fpr, point in points.items()},
        "tpr_at_fpr_ci": {fpr: None if estimate is None else estimate.interval for fpr, estimate in ends.items()},
        "realised_fpr": {fpr: None if point is None else point[1] for fpr, point in points.items()},
    }


def _difference(
    area: Area,
    baseline: Scored | None,
    strongest: Scored | None,
    positive: AnyArray,
    clusters: Clusters,
) -> Estimate | None:
    """Return the difference of AUC to the strongest attack on the original alone."""
    if strongest is None and baseline is not None:
        strongest = Scored(np.asarray(baseline.probabilities))
    if strongest is None:
        return None
    other = strongest.area or auc_variation(strongest.scores, positive, clusters)
    return area_difference(area, other, positive, clusters, DIFFERENCE)


def _gain(gain: Estimate | None) -> dict[str, Any]:
    """Return the fields of that difference."""
    error = None if gain is None else _known(gain.error)
    return {
        **_with_interval("auc_minus_classical", gain),
        "auc_minus_classical_error": error,
        "auc_minus_classical_freedom": None if gain is None or error is None else gain.freedom,
    }


def _comparisons(attack: Scored, baseline: Scored | None, positive: AnyArray, clusters: Clusters) -> dict[str, Any]:
    """Return the fields of the comparisons with the baseline; all None without one."""
    fields: dict[str, Any] = {}
    for comparisons, new, base in (
        (COMPARISONS, attack.probabilities, None if baseline is None else baseline.probabilities),
        (CALIBRATED_COMPARISONS, attack.calibrated, None if baseline is None else baseline.calibrated),
    ):
        for name, compare in comparisons.items():
            known = new is not None and base is not None
            fields |= _with_interval(name, compare(new, base, positive, clusters) if known else None)
    return fields


def _with_interval(name: str, estimate: Estimate | None) -> dict[str, Any]:
    """Return the fields of one figure and its interval; None stands for what cannot be said."""
    if estimate is None:
        return {name: None, f"{name}_ci": None}
    finite = all(math.isfinite(end) for end in estimate.interval)
    return {name: estimate.value, f"{name}_ci": estimate.interval if finite else None}


def _known(error: float) -> float | None:
    """Return a standard error, None where nothing is known of it."""
    return error if math.isfinite(error) else None
