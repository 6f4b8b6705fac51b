"""The forgetting score of the NeurIPS 2023 machine unlearning challenge, to compare with; not a bound.

Triantafillou et al., "Are we making progress in unlearning? Findings from the first NeurIPS unlearning competition"
(arXiv 2406.09073): of each forgotten record many unlearned and many retrained models tell a margin; the best rule
that tells the two populations apart, of one or two thresholds, gives the record an epsilon, and the score is the mean
of 2/2^n over records, n the record's bin of width 0.5. The rule is chosen on the values that it is judged on, so that
epsilon is far above the truth: of equal populations 32 models each give about 2.0 and 256 about 2.5.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.units import AnyArray

DELTA = 1e-5
CAP = 50.0
"""Of an epsilon whose rule makes no error at all."""

BIN_WIDTH, BINS = 0.5, 13


def challenge_epsilon(unlearned: AnyArray, retrained: AnyArray, *, delta: float = DELTA) -> float:
    """Return the epsilon of one record: the largest of max(log((1-δ-FPR)/FNR), log((1-δ-FNR)/FPR)) over rules.

    Rules call a model unlearned where its value is above or below a threshold, or between or outside two. Where neither
    rate is positive the rule is perfect and epsilon the cap; where one of them is, the rule is left out.

    Parameters
    ----------
    unlearned, retrained : (n,) and (m,) float
        The record's margin under models of either kind.

    Raises
    ------
    AuditError
        If there are no values or one is no number.

    Examples
    --------
    >>> challenge_epsilon(np.array([5.0, 6.0]), np.array([1.0, 2.0]))
    50.0
    """
    one, other = (np.sort(np.asarray(of, dtype=np.float64)) for of in (unlearned, retrained))
    if not len(one) or not len(other) or not np.isfinite(np.concatenate([one, other])).all():
        raise AuditError("the forgetting score needs finite margins of unlearned and of retrained models")
    edges = np.unique(np.concatenate([one, other]))
    # shares at or below each edge, with nothing below the first
    below = [np.concatenate([[0.0], np.searchsorted(of, edges, side="right") / len(of)]) for of in (one, other)]
    # between edge i and edge j > i; one threshold is an interval that begins or ends at the edge of all
    inside = [np.maximum(of[None, :] - of[:, None], 0) for of in below]
    upper = np.triu(np.ones_like(inside[0], dtype=bool), k=1)
    best = 0.0
    for called, wrongly in ((inside[0][upper], inside[1][upper]), (1 - inside[0][upper], 1 - inside[1][upper])):
        fnr, fpr = 1 - called, wrongly
        if ((fnr <= 0) & (fpr <= 0)).any():
            return CAP
        rules = (fnr > 0) & (fpr > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = [np.log(np.maximum(1 - delta - a[rules], 0) / b[rules]) for a, b in ((fpr, fnr), (fnr, fpr))]
        best = max(best, *(float(of.max(initial=0.0)) for of in found))
    return min(best, CAP)


def forgetting_score(epsilons: AnyArray) -> float:
    """Return the mean of 2/2^n over records, n = 1 for an epsilon below 0.5, 2 below 1, ..., 13 from 6 on.

    Examples
    --------
    >>> round(forgetting_score(np.array([0.1, 0.7, 50.0])), 4)
    0.5001
    """
    n = np.minimum(np.floor(np.asarray(epsilons) / BIN_WIDTH) + 1, BINS)
    return float(np.mean(2.0 / 2.0**n))
