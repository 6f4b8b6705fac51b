"""The target of a plan of releases, and what is searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.audits.release.examine import ReleaseSettings
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import upper_tolerance_bound
from unlearn_audit.models.regimes import Regime
from unlearn_audit.utils.typing import Array

BATCHES = (1, 2, 5, 10, 20, 50, 100)
"""People a release that are tried by default, as far as there are enough people for them."""


@dataclass(frozen=True)
class Target:
    """What every guarantee is compared with.

    Attributes
    ----------
    kind
        ``identified``: how many of a release's people can be identified; ``rank``: the mean rank of its people among
        all who are looked at, 1 the most suspicious.
    value
        The most that may be identified; or the least rank.
    """

    kind: Literal["identified", "rank"]
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Return the target that ``identified``, ``identified:N`` or ``rank:N`` stands for.

        Raises
        ------
        AuditError
            If it is none of these.

        Examples
        --------
        >>> Target.parse("identified"), Target.parse("rank:100")
        (Target(kind='identified', value=0.0), Target(kind='rank', value=100.0))
        """
        kind, _, number = text.partition(":")
        # `told` is what it was called until findings of releases had the layout 2
        known: dict[str, Literal["identified", "rank"]] = {
            "identified": "identified",
            "told": "identified",
            "rank": "rank",
        }
        if kind in known and (number.isdigit() or (kind != "rank" and not number)):
            return cls(known[kind], float(number or 0))
        raise AuditError(
            f"no target '{text}'; use identified (no one), identified:N (at most N), or rank:N (at least N)"
        )

    def met(self, guarantee: float) -> bool:
        """Return whether a guarantee is good enough."""
        return guarantee <= self.value if self.kind == "identified" else guarantee >= self.value

    def keeps(self, leaks: Array, guarantee: float) -> npt.NDArray[np.bool_]:
        """Return which releases keep to a guarantee."""
        return leaks <= guarantee if self.kind == "identified" else leaks >= guarantee

    def bound(self, leaks: Array, share: float, error: float) -> float | None:
        """Return what a share of releases keeps to, but with probability ``error``; None if there are too few."""
        if self.kind == "identified":
            return upper_tolerance_bound(leaks, share, error)
        found = upper_tolerance_bound(-leaks, share, error)
        return None if found is None else -found


@dataclass(frozen=True)
class PlanSettings:
    """What is searched, and how sure a guarantee is.

    Attributes
    ----------
    target
        What must be kept to.
    batches, decimals, regimes
        What policies are made of.
    releases, checks
        Trial releases of each policy, and of the one chosen on others.
    share, confidence
        A guarantee is kept by this share of releases, with this confidence for all policies at once.
    waiting
        What each doubling of the batch costs, in points of accuracy.
    examination
        How each release is examined.

    Raises
    ------
    AuditError
        If a batch or a number of decimals is too small.
    """

    target: Target
    batches: tuple[int, ...] = BATCHES
    decimals: tuple[int | None, ...] = (None, 4, 3, 2, 1)
    regimes: tuple[Regime, ...] = (Regime.FIXED,)
    releases: int = 200
    checks: int = 200
    share: float = 0.95
    confidence: float = 0.95
    waiting: float = 0.1
    examination: ReleaseSettings = field(default_factory=ReleaseSettings)

    def __post_init__(self) -> None:
        for name, values, least in (("batch", self.batches, 1), ("decimals", self.decimals, 0)):
            if any(value is not None and value < least for value in values):
                raise AuditError(f"--{name} must be whole numbers from {least} on")
