"""Scores that are no probabilities, as confidences: where a score stands among those of known rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.metrics.units import AnyArray, check_rows


@dataclass(frozen=True, eq=False)
class MidRanks:
    """The share of known rows below a score, equal ones counted half, positives and negatives weighing the same.

    Attributes
    ----------
    positive, negative : (n₁,), (n₀,) float
        Scores of the known rows of each role, ascending.

    Examples
    --------
    >>> ranks = MidRanks.of(np.array([3.0, 5.0, 1.0, 2.0]), np.array([True, True, False, False]))
    >>> ranks.transform(np.array([-9.0, 2.0, 3.0, 9.0])).tolist()
    [0.0, 0.375, 0.625, 1.0]
    """

    positive: AnyArray
    negative: AnyArray

    @classmethod
    def of(cls, scores: AnyArray, positive: AnyArray) -> MidRanks:
        """Keep the scores of known rows.

        Parameters
        ----------
        scores : (n,) float
            Of any scale; infinite is allowed.
        positive : (n,) bool
            The truth of each row.

        Raises
        ------
        AuditError
            A score is NaN, or a class has no row.
        """
        scores, positive = check_rows(scores, positive)
        return cls(np.sort(scores[positive]), np.sort(scores[~positive]))

    def transform(self, scores: AnyArray) -> AnyArray:
        """Return (n,) mid-ranks in [0, 1]; they keep the order of scores."""
        order = np.argsort(scores)
        ordered = scores[order]  # which are looked up several times as fast
        ranks = np.empty(len(scores))
        ranks[order] = np.mean([_mid_rank(known, ordered) for known in (self.positive, self.negative)], axis=0)
        return ranks


def _mid_rank(known: AnyArray, scores: AnyArray) -> AnyArray:
    below, up_to = (np.searchsorted(known, scores, side=side) for side in ("left", "right"))
    return np.asarray((below + up_to) / (2 * len(known)))
