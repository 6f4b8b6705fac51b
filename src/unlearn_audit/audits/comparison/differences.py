"""By how much two runs differ: the best attack of each, and every attack that both ran, with intervals.

Where worlds agree the rows of both runs are pairs, and a difference varies by what is left of each pair. Where they do
not, each run varies by itself, and the two intervals are combined. Either way, who is reliably wrong has only to be
turned round, so that runs are told apart by how much further from 0.5 an AUC is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearn_audit.audits.comparison.findings import AttackDifference, BestDifference
from unlearn_audit.audits.comparison.folders import RunFolder
from unlearn_audit.findings.result import Result
from unlearn_audit.metrics import (
    CONFIDENCE,
    LOW_FPR,
    Area,
    Clusters,
    Estimate,
    area_difference,
    auc_variation,
    simultaneous_differences,
    tpr_at_fpr_interval,
)
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.intervals import difference_of_intervals
from unlearn_audit.metrics.power import difference_seen
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.utils.typing import Mask

Pair = tuple[Area, Area]
"""The AUCs of one attack: in the first run, and in the second."""

At = Callable[[Pair, float], Estimate]
"""Gives the second minus the first, with an interval of some confidence."""


@dataclass(frozen=True)
class Confidences:
    """At which confidence runs are told apart, with all pairs of runs allowed for (Bonferroni).

    Attributes
    ----------
    claim
        Of the interval for the best attacks.
    every
        Of the intervals of single attacks, all at once.
    """

    claim: float
    every: float

    @classmethod
    def of_pairs(cls, pairs: int) -> Confidences:
        """Return those of so many pairs of runs.

        Examples
        --------
        >>> two = Confidences.of_pairs(2)
        >>> round(two.claim, 4), round(two.every, 4)
        (0.985, 0.99)
        """
        return cls(*(1 - (1 - of) / max(pairs, 1) for of in (HEADLINE, FAMILY)))


@dataclass(frozen=True, eq=False)
class _Run:
    """One run's attacks: the AUC of each as it is, and turned round where it lies below 0.5."""

    run: RunFolder
    areas: dict[str, Area]
    turned: dict[str, Area]

    @classmethod
    def of(cls, run: RunFolder, attacks: Sequence[str]) -> _Run:
        rows = run.rows
        areas = {name: auc_variation(rows.scores[name], rows.positive, rows.clusters) for name in attacks}
        turned = {
            name: area if area.value >= GUESSING else auc_variation(-rows.scores[name], rows.positive, rows.clusters)
            for name, area in areas.items()
        }
        return cls(run, areas, turned)

    def best(self, attacks: Sequence[str]) -> str | None:
        """Return which of some attacks on more than one version did best on the run's own shadow worlds."""
        known = {name: of for name in attacks if (of := self.run.results[name]).sees_versions}
        return max(known, key=lambda name: _shadow(known[name]), default=None)

    def low(self, name: str) -> Estimate | None:
        """Return the true-positive rate of an attack at a low false-positive rate; None for too few negatives."""
        rows = self.run.rows
        return tpr_at_fpr_interval(rows.scores[name], rows.positive, rows.clusters, LOW_FPR)


def _shadow(result: Result) -> float:
    return -1.0 if result.shadow_auc is None else result.shadow_auc


def attacks_of_both(first: RunFolder, second: RunFolder) -> list[str]:
    """Return the attacks of which both runs have results and scores of the same view."""
    one, other = first.results, second.results
    return [
        name
        for name in one
        if name in other
        and one[name].view == other[name].view
        and all(name in of.rows.scores for of in (first, second))
    ]


def differences_of(
    first: RunFolder, second: RunFolder, *, paired: bool, at: Confidences
) -> tuple[BestDifference | None, tuple[AttackDifference, ...]]:
    """Return how two runs of the same game differ, by the best attack of each and attack by attack.

    Parameters
    ----------
    first, second
        The runs.
    paired
        Whether their rows are pairs (`agreement_of`).
    at
        At which confidence they are told apart.

    Raises
    ------
    AuditError
        If the scores of one cannot be read.
    """
    names = attacks_of_both(first, second)
    one, other = _Run.of(first, names), _Run.of(second, names)
    positive, clusters = first.rows.positive, first.rows.clusters
    between = _paired(positive, clusters) if paired else _apart
    best = _best(one, other, names, between, at.claim)
    pairs = [(one.turned[name], other.turned[name]) for name in names]
    if paired:
        bands = simultaneous_differences([pair[::-1] for pair in pairs], positive, clusters, at.every)
    else:
        bands = [_apart(pair, 1 - (1 - at.every) / len(pairs)) for pair in pairs]
    found = [
        AttackDifference(
            attack=name,
            view=first.results[name].view,
            excess_all_ci=band.interval,
            **_figures((one.areas[name], other.areas[name]), pair, between),
        )
        for name, pair, band in zip(names, pairs, bands, strict=True)
    ]
    return best, tuple(sorted(found, key=lambda of: -abs(of.excess)))


def _paired(positive: Mask, clusters: Clusters) -> At:
    return lambda pair, confidence: area_difference(pair[1], pair[0], positive, clusters, confidence)


def _apart(pair: Pair, confidence: float) -> Estimate:
    """Return the difference of two AUCs of independent runs."""
    first, second = (of.interval(confidence) for of in pair)
    found = difference_of_intervals(second, first)
    return replace(found, freedom=min(first.freedom, second.freedom))


def _figures(pair: Pair, turned: Pair, between: At) -> dict[str, Any]:
    """Return the fields that every difference has."""
    difference, excess = (between(of, CONFIDENCE) for of in (pair, turned))
    return {
        "first": pair[0].value,
        "second": pair[1].value,
        "difference": difference.value,
        "difference_ci": difference.interval,
        "excess": excess.value,
        "excess_ci": excess.interval,
    }


def _best(one: _Run, other: _Run, names: Sequence[str], between: At, confidence: float) -> BestDifference | None:
    """Compare the best attacks; None where the two runs have no attack on more than one version in common."""
    first, second = one.best(names), other.best(names)
    if first is None or second is None:
        return None
    pair = one.areas[first], other.areas[second]
    turned = one.turned[first], other.turned[second]
    claim = between(turned, confidence)
    low = one.low(first), other.low(second)
    tpr = None if low[0] is None or low[1] is None else difference_of_intervals(low[1], low[0])
    return BestDifference(
        first_attack=first,
        second_attack=second,
        first_ci=pair[0].interval().interval,
        second_ci=pair[1].interval().interval,
        excess_claim_ci=claim.interval,
        seen=difference_seen(claim, confidence),
        tpr_difference=None if tpr is None else tpr.value,
        tpr_difference_ci=None if tpr is None else tpr.interval,
        **_figures(pair, turned, between),
    )
