"""A way of releasing: how many people at once, how answers are rounded, with what randomness; and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log2

import numpy as np
import numpy.typing as npt

from unlearn_audit.audits.release.pair import Pair, Rows
from unlearn_audit.defenses.outputs import rounding
from unlearn_audit.models.regimes import Regime
from unlearn_audit.utils.typing import Posteriors


@dataclass(frozen=True)
class Policy:
    """A way of releasing updates.

    Attributes
    ----------
    batch
        How many people are deleted in one release: the others wait.
    decimals
        To how many decimals answers of both versions are rounded; None: not at all.
    regime
        How the unlearned model's randomness relates to the original's.
    """

    batch: int
    decimals: int | None
    regime: Regime

    @property
    def words(self) -> str:
        """The policy in words.

        Examples
        --------
        >>> Policy(5, 2, Regime.FIXED).words
        '5 people per release, answers rounded to 2 decimals, randomness fixed'
        """
        who = "1 person" if self.batch == 1 else f"{self.batch:,} people"
        decimals = "1 decimal" if self.decimals == 1 else f"{self.decimals} decimals"
        how = "answers as they are" if self.decimals is None else f"answers rounded to {decimals}"
        return f"{who} per release, {how}, randomness {self.regime.value}"


def policies(batches: Sequence[int], decimals: Sequence[int | None], regimes: Sequence[Regime]) -> list[Policy]:
    """Return every combination."""
    return [Policy(*one) for one in product(batches, decimals, regimes)]


@dataclass(frozen=True)
class Utility:
    """How good released answers are on records never trained on.

    Attributes
    ----------
    accuracy
        Share of right answers; of equal probabilities the first class counts.
    brier
        Mean squared distance from the truth, summed over classes: 0 is perfect.
    """

    accuracy: float
    brier: float

    @classmethod
    def of(cls, posteriors: Posteriors, labels: npt.NDArray[np.int64]) -> Utility:
        """Return that of (n, classes) answers."""
        truth = np.eye(posteriors.shape[1])[labels]
        brier = np.square(posteriors.astype(np.float64) - truth).sum(axis=1).mean()
        return cls(float((posteriors.argmax(axis=1) == labels).mean()), float(brier))

    @classmethod
    def mean(cls, judged: Sequence[Utility]) -> Utility:
        """Return the mean of several."""
        return cls(float(np.mean([u.accuracy for u in judged])), float(np.mean([u.brier for u in judged])))


def cost(policy: Policy, before: Utility, released: Utility, waiting: float) -> float:
    """Return what a policy costs, in points of 100.

    Lost accuracy, plus lost Brier score, plus ``waiting`` for each doubling of the batch. Gains by chance count as no
    loss, so that rounding is never chosen for its own sake.

    Examples
    --------
    >>> round(cost(Policy(4, 1, Regime.FIXED), Utility(0.8, 0.3), Utility(0.79, 0.302), 0.1), 9)
    1.4
    """
    lost = max(0.0, before.accuracy - released.accuracy) + max(0.0, released.brier - before.brier)
    return 100 * lost + waiting * log2(policy.batch)


def rounded(posteriors: Posteriors, decimals: int | None) -> Posteriors:
    """Return answers as a policy releases them."""
    return posteriors if decimals is None else rounding(posteriors, decimals)


def as_released(pair: Pair, decimals: int | None) -> Pair:
    """Return a pair as an observer who knows of the rounding reads it.

    A probability that was rounded to 0 is read as half of the last decimal: taken as next to nothing, it would hide
    all other changes.
    """
    if decimals is None:
        return pair
    half = np.float32(0.5 * 10.0**-decimals)

    def read(rows: Rows) -> Rows:
        return replace(rows, posteriors=np.maximum(rounding(rows.posteriors, decimals), half))

    return replace(pair, deleted=read(pair.deleted), references=read(pair.references))
