"""How small an effect an audit could have seen, and how many worlds would do."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import special

from unlearn_audit.findings.result import Result
from unlearn_audit.metrics.claims import HEADLINE
from unlearn_audit.metrics.intervals import NEGLIGIBLE, t_quantile
from unlearn_audit.metrics.power import errors_to_claim, independent_logit_error, smallest_auc
from unlearn_audit.metrics.roc import GUESSING

LARGEST_SEEN = 0.95
"""Where no AUC up to this would have been seen, nothing could have been."""

WORTH_SEEING = 0.7
"""The AUC that enough worlds would show."""

MOST_WORLDS = 1_000
"""Beyond this no number of worlds is named."""


def detectable_auc(result: Result) -> float | None:
    """Return the smallest AUC that this run would have claimed as a leak with a probability of 80 %.

    With se and ν the standard error of the AUC A found and its degrees of freedom, it is A* with
    logit(A*) = (t_{.985, ν} + t_{.8, ν}) · se / (A (1 − A)): the first quantile is that of the interval by which a leak
    is claimed. The error on the logit scale at A is taken to hold at A*.

    Returns
    -------
    float or None
        None where the error is not known or 0, where A is 0 or 1, and where an AUC as far from 0.5 as A* was found and
        not claimed.

    Examples
    --------
    >>> from unlearn_audit.findings.result import Result
    >>> result = Result(attack="a", attack_model=None, game="deleted-vs-unseen", view="pair", rows="all",
    ...     n_positive=400, n_negative=4000, n_worlds=10, interval_unit="world", auc=0.5, auc_ci=(0.47, 0.53),
    ...     auc_error=0.0133, auc_freedom=9, auc_claim_ci=(0.466, 0.534), auc_hint_ci=(0.476, 0.524),
    ...     tpr_at_fpr={}, tpr_at_fpr_ci={}, realised_fpr={}, accuracy=0.5, accuracy_ci=(0.47, 0.53))
    >>> round(detectable_auc(result), 3)
    0.546
    """
    error = _error_of_logit(result)
    if error is None or result.auc_freedom is None:
        return None
    seen = smallest_auc(error, result.auc_freedom)
    return seen if max(result.auc, 1 - result.auc) < seen < 1 else None


def worlds_for_auc_found(result: Result) -> int | None:
    """Return from how many target worlds on an AUC as found would be claimed as a leak.

    Errors are taken to go as one over the root of the worlds, with as many degrees of freedom as worlds less one.

    Returns
    -------
    int or None
        More than there are; None for an AUC that is not between 0.5 and 1, and where it would take more than
        `MOST_WORLDS`.
    """
    if not GUESSING < result.auc < 1:
        return None
    return _fewest_worlds(result, lambda freedom: t_quantile(freedom, HEADLINE), float(special.logit(result.auc)))


def worlds_for_auc_worth_seeing(result: Result) -> int | None:
    """Return from how many target worlds on an AUC of 0.7 would be claimed with a probability of 80 %.

    As `worlds_for_auc_found`; where the run gives no standard error, that of independent rows.
    """
    return _fewest_worlds(result, errors_to_claim, float(special.logit(WORTH_SEEING)))


def _error_of_logit(result: Result) -> float | None:
    if result.auc_error is None or result.auc_error < NEGLIGIBLE or not 0 < result.auc < 1:
        return None
    return result.auc_error / (result.auc * (1 - result.auc))


def _fewest_worlds(result: Result, errors_needed: Callable[[float], float], distance: float) -> int | None:
    """Return the fewest worlds, more than there are, whose errors fit into a distance on the logit scale."""
    error = _error_of_logit(result)
    if error is None:
        error = independent_logit_error(result.n_positive, result.n_negative)
    return fewest_worlds(result.n_worlds, error, errors_needed, distance)


def fewest_worlds(now: int, error: float, errors_needed: Callable[[float], float], distance: float) -> int | None:
    """Return the fewest worlds, more than there are, whose errors fit into a distance.

    Parameters
    ----------
    now
        How many there are.
    error
        The standard error of a figure in these, which goes as one over the root of the worlds.
    errors_needed
        From degrees of freedom, worlds less one, to how many standard errors have to fit.
    distance
        On the scale of the error.

    Returns
    -------
    int or None
        None where it would take more than `MOST_WORLDS`.

    Examples
    --------
    >>> fewest_worlds(10, 0.1, lambda freedom: t_quantile(freedom, HEADLINE), 0.2)
    15
    """
    now = max(1, now)
    for worlds in range(max(2, now + 1), MOST_WORLDS + 1):
        if errors_needed(worlds - 1) * error * math.sqrt(now / worlds) < distance:
            return worlds
    return None
