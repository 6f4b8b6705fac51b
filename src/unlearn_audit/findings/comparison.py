"""A method alongside exact retraining and no unlearning, as data: the part of findings about all three arms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearn_audit.attacks.base import score_column
from unlearn_audit.findings.result import Frozen
from unlearn_audit.findings.sections import ArmResult
from unlearn_audit.observations.views import sees_original_alone, sees_versions
from unlearn_audit.utils.typing import Interval

UNLEARNED_ALONE = "unlearned"
"""The view of an attacker who sees the unlearned model and nothing else."""

MARGIN = "margin-unlearned"
"""The attack that fits nothing: above 0.5 deleted records are known better than unseen ones, below 0.5 worse."""


class AttackOnArms(Frozen):
    """One attack on the three arms, fitted on each arm's own shadow worlds, on all rows of the game."""

    attack: str
    attack_model: str | None
    view: str
    unlearned: ArmResult = Field(description="worlds that unlearn by the method")
    retrained: ArmResult = Field(description="the same worlds, deletions and queries, exactly retrained")
    none: ArmResult | None = Field(description="the same with the original published again; null without that arm")
    difference: float = Field(description="AUC under the method minus AUC under retraining, paired by row")
    difference_ci: Interval = Field(description="95 % interval")
    difference_all_ci: Interval = Field(description="98 % interval that holds for all attacks at once (max-T)")
    excess: float = Field(
        description="how much further from 0.5 the AUC under the method is: the difference, unless "
        "an AUC is below 0.5, which is a leak too"
    )
    excess_ci: Interval
    excess_all_ci: Interval = Field(description="98 % interval that holds for all attacks at once (max-T)")

    @property
    def label(self) -> str:
        """Its name as a column of scores."""
        return score_column(self.attack, self.attack_model)

    @property
    def sees_versions(self) -> bool:
        """Whether it sees the posteriors of more than one version."""
        return sees_versions(self.view)

    @property
    def is_classical(self) -> bool:
        """Whether it sees the original alone, so that a difference is one between originals."""
        return sees_original_alone(self.view)


class BestOnArms(Frozen):
    """What the best attack of one kind reaches on each arm, chosen arm by arm on its own shadow worlds."""

    unlearned_attack: str
    retrained_attack: str
    none_attack: str | None
    unlearned: ArmResult
    retrained: ArmResult
    none: ArmResult | None
    excess: float = Field(description="how much further from 0.5 the AUC is under the method than under retraining")
    excess_ci: Interval = Field(description="95 % interval, paired by row")
    excess_claim_ci: Interval = Field(description="97 % interval, by which more or less is claimed")
    seen: float | None = Field(
        description="an excess of this size would have been claimed with a probability of 80 %; 0.5 if only a "
        "larger one would have been, null if nothing varies"
    )

    @property
    def side(self) -> Literal["more", "less", "same"]:
        """Whether the claiming interval lies above 0, below it, or around it."""
        low, high = self.excess_claim_ci
        return "more" if low > 0 else "less" if high < 0 else "same"


class Klom(Frozen):
    """How far apart the margins of records are under unlearned and under retrained models, record by record."""

    role: Literal["deleted", "retained", "unseen"]
    records: int
    models: int = Field(description="models of each kind, for the record with the fewest")
    mean: float | None = Field(description="of the records' KL(unlearned || retrained), in nats, without bias")
    median: float | None = Field(description="null if infinite, as for the next two")
    high: float | None = Field(description="95 % of the records are below this")
    infinite: int = Field(
        description="records whose retrained models agree on a margin that unlearned ones do not have"
    )
    noise: float = Field(description="95 % of records would be below this if nothing differed")
    histogram: float | None = Field(description="the published estimate, of histograms: its median; biased upwards")


class EpsilonMeasured(Frozen):
    """A lower bound on the epsilon of (epsilon, delta)-unlearning, and what the method certifies."""

    at_least: float = Field(
        description="epsilon is at least this at a confidence of 95 %: one model of either kind, by a deleted record's "
        "margin; a threshold chosen on shadow worlds"
    )
    ceiling: float = Field(
        description="what a rule without any error would have reached with the same number of independent cases"
    )
    delta: float
    certified: float | None = Field(default=None, description="what the method states; null if it states none")


class Measured(Frozen):
    """Something measured of the target's pairs besides their answers, as the mean over worlds."""

    name: str = Field(description="such as accuracy.forget, moved.weights or relearning.retained.10.accuracy")
    mean: float
    retrained: float | None = Field(description="of the same pairs retrained exactly; null where not measured there")
    none: float | None = Field(description="of the same pairs not unlearned at all; null where not measured there")
    difference: float | None = Field(description="the method minus retraining, paired by world")
    difference_ci: Interval | None = Field(description="95 % interval over worlds; null for fewer than two")


Direction = Literal["remembered", "over-forgotten", "recognisable", "same"]


class ArmsComparison(Frozen):
    """A method's worlds alongside the same worlds retrained exactly and not unlearned, for every attack of one game."""

    game: str
    method: str
    moved: float = Field(description="share of rows, references included, with an answer that the method changed")
    apart: float = Field(description="share of them with an answer that differs from the retrained model's")
    update: BestOnArms = Field(description="attacks on more than one version: what the update gives away")
    residual: BestOnArms | None = Field(
        description="attacks on the unlearned model alone: is the record still recognisable? null if none ran"
    )
    attacks: tuple[AttackOnArms, ...] = Field(description="those that ran on all arms, the clearest difference first")
    klom: tuple[Klom, ...] = Field(default=(), description="by role; empty where worlds audit no record often enough")
    epsilon: EpsilonMeasured | None = Field(
        default=None,
        description="null without labels, if both give the same answers, or if nothing could have been shown",
    )
    measures: tuple[Measured, ...] = Field(
        default=(), description="whether it forgot, and at what cost, apart from time"
    )

    @property
    def direction(self) -> Direction:
        """What the unlearned model alone shows of deleted records, compared with retraining.

        ``remembered``: their margins are higher than after retraining; ``over-forgotten``: lower; ``recognisable``: the
        best attack finds them more than after retraining, and their margins do not say which way.
        """
        by_margin = next((of for of in self.attacks if of.attack == MARGIN), None)
        if by_margin is not None and by_margin.difference_all_ci[0] > 0:
            return "remembered"
        if by_margin is not None and by_margin.difference_all_ci[1] < 0:
            return "over-forgotten"
        return "recognisable" if self.residual is not None and self.residual.side == "more" else "same"

    def measured(self, name: str) -> Measured | None:
        """Return what was measured under a name; None where nothing was."""
        return next((of for of in self.measures if of.name == name), None)

    @property
    def weights_unchanged(self) -> bool:
        """Whether it is known that the method left every weight, or where there are none every answer, as it was."""
        weights = self.measured("moved.weights")
        return self.moved == 0 if weights is None else weights.mean == 0

    @property
    def others(self) -> tuple[tuple[AttackOnArms, ...], tuple[AttackOnArms, ...]]:
        """The attacks that show more, and less, under the method with all allowed for; originals alone left out."""
        shown = [of for of in self.attacks if not of.is_classical]
        return (
            tuple(of for of in shown if of.excess_all_ci[0] > 0),
            tuple(of for of in shown if of.excess_all_ci[1] < 0),
        )
