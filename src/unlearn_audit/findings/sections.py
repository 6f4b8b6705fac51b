"""The parts of findings besides the figures of each attack: verdict, breakdowns, comparisons, how it stopped."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearn_audit.findings.result import Frozen
from unlearn_audit.utils.typing import Interval

Kind = Literal[
    "unchanged",
    "reversed",
    "leak-by-update",
    "leak-original",
    "leak",
    "hint",
    "too-few-worlds",
    "nothing-seen",
]
"""What an audit's figures come to; docs/verdicts.md has the conditions."""

Gate = Literal["fail", "pass", "cannot-tell"]
"""What a release that waits for the audit should do."""


class PrivacySpent(Frozen):
    """What one training under differential privacy spent at most: the release of one version, not of a pair."""

    epsilon: float = Field(description="as Opacus's accountant states it")
    delta: float
    neighbours: str = Field(
        description="which two training sets epsilon cannot tell apart; replacing a record counts twice"
    )
    noise_multiplier: float = Field(description="standard deviation of the noise over max_grad_norm")
    max_grad_norm: float = Field(description="norm to which each record's gradient was clipped")
    sample_rate: float = Field(description="probability with which a record took part in a step")
    steps: int


class DefenseCost(Frozen):
    """How good the released posteriors are under a defence, on records never trained on."""

    defense: str
    accuracy: float
    brier: float = Field(description="mean squared distance from the label's indicator, 0 to 2")
    calibration_error: float = Field(description="expected calibration error of the top probability")
    n: int
    privacy: PrivacySpent | None = Field(default=None, description="of a defence that trains privately")


class GroupRisk(Frozen):
    """What the leading attack reaches inside one group of records, on all rows."""

    by: Literal["class", "difficulty", "column"] = Field(
        description="class: the record's label; difficulty: tenths of the margin under the unlearned model, which was "
        "trained on neither role, 1 the least certain; column: the record's value in a requested column"
    )
    column: str | None = Field(default=None, description="the name of that column; else null")
    group: str = Field(
        description="of a column: a value that at least ten records of each role have, with all rarer ones together "
        "as 'other values', or a quarter of its numbers"
    )
    n_positive: int
    n_negative: int
    auc: float | None = Field(description="of positives against negatives of the same group; null where few")
    auc_ci: Interval | None


class RecordRisk(Frozen):
    """How many records the leading attack identifies, each by itself; of worlds that audit the same records."""

    records: int = Field(description="records tested: deleted in some target worlds, unseen in others")
    identified: int = Field(description="records identified individually")
    level: float = Field(description="the expected share of wrong ones among them is at most this")
    control: str = Field(description="by: Benjamini and Yekutieli's rule, which holds however records depend")
    worlds_needed: int = Field(description="target worlds in each role before a single record could be identified")


class DeletionTime(Frozen):
    """In which update of a chain a deleted record was deleted, by the largest fall of its margin."""

    statistic: str = Field(description="delta, or delta-scaled by the references of each step")
    updates: int = Field(description="updates of a chain: a guess is right in one case out of this many")
    n: int = Field(description="deleted records")
    right: float = Field(description="share of them whose update is found")
    right_ci: Interval
    mean_distance: float = Field(description="updates between the one found and the right one, on average")


class RoleResult(Frozen):
    """One role against the two others."""

    role: str
    n: int
    auc: float = Field(description="from both versions")
    auc_ci: Interval
    added: float = Field(description="how much more that is than the original alone shows")
    added_ci: Interval


class ThreeWay(Frozen):
    """The game of all three roles, on every record asked."""

    attack: str = Field(default="tc-umia", description="one classifier of three roles, fitted on shadow worlds")
    macro_auc: float = Field(description="the mean over roles of the AUC of each against the other two")
    macro_auc_ci: Interval
    roles: tuple[RoleResult, ...]
    retained_auc: float = Field(description="retained against unseen records, from both versions")
    retained_auc_ci: Interval
    retained_added: float = Field(
        description="how much more that is than the original alone shows: what an update adds to the risk of those "
        "who remain"
    )
    retained_added_ci: Interval
    mia_efficacy: float = Field(
        description="weak, kept because others report it: share of deleted records that a classifier of retained and "
        "unseen ones calls unseen, by the unlearned model's confidence"
    )
    mia_efficacy_ci: Interval


class PaperComparison(Frozen):
    """The leading attack against the best of the paper's, both chosen on shadow worlds, on the same rows."""

    attack: str = Field(description="the paper's: a feature of both versions")
    attack_model: str | None
    auc: float
    tpr: float | None = Field(description="its true-positive rate at a false-positive rate of 1 %")
    difference: float = Field(description="AUC of the leading attack minus this one's")
    difference_ci: Interval


class ArmResult(Frozen):
    """What one attack reaches on the worlds of one arm, on all rows of its game."""

    regime: str = Field(description="the regime that these worlds actually ran")
    auc: float
    auc_ci: Interval
    tpr: float | None = Field(
        description="true-positive rate at a false-positive rate of at most 1 %; null where fewer than 10 false "
        "positives are expected"
    )
    tpr_ci: Interval | None
    realised_fpr: float | None = Field(description="the false-positive rate actually reached")


class RetrainingComparison(Frozen):
    """The leading attack on a method's worlds alongside exact retraining: fitted on each arm's own."""

    attack: str
    attack_model: str | None
    game: str
    method: str = Field(description="the unlearning method that is compared")
    unlearned: ArmResult = Field(description="worlds that unlearn by the method")
    retrained: ArmResult = Field(description="the same worlds, deletions and queries, exactly retrained")
    difference: float = Field(description="AUC under the method minus AUC under retraining")
    difference_ci: Interval
    excess: float = Field(
        description="how much further from 0.5 the AUC under the method is: the difference, unless "
        "an AUC is below 0.5, which is a leak too"
    )
    excess_ci: Interval


class FailedAttack(Frozen):
    """An attack that failed while the others went on."""

    attack: str
    attack_model: str | None
    game: str
    reason: str


class Look(Frozen):
    """One look of an audit that stops early."""

    worlds: int = Field(description="number of target worlds")
    half_width: float = Field(description="half the width of the interval of the leading attack's AUC")


class Stopping(Frozen):
    """How an audit that stops early came to its number of target worlds."""

    asked: float = Field(description="the half-width asked for")
    at_most: int = Field(description="target worlds at which to stop in any case")
    looks: tuple[Look, ...] = Field(description="every look, the last one at the end")

    @property
    def worlds(self) -> int:
        """How many target worlds there are in the end."""
        return self.looks[-1].worlds

    @property
    def reached(self) -> bool:
        """Whether the interval became as narrow as asked for."""
        return self.looks[-1].half_width <= self.asked

    @property
    def sentence(self) -> str:
        """How it ended, in words."""
        looked = ", ".join(f"{look.worlds:,}" for look in self.looks)
        last = f"the AUC's interval is ± {self.looks[-1].half_width:.4f} wide"
        if self.reached:
            return (
                f"stopped at {self.worlds:,} target worlds: {last}, ± {self.asked:g} was requested (looked at {looked})"
            )
        return (
            f"± {self.asked:g} was not reached: at {self.worlds:,} target worlds, the most allowed, {last} (looked at "
            f"{looked}); allow more worlds, or more deletions in each"
        )


class Spread(Frozen):
    """Minimum, mean and maximum over the original models of one side."""

    minimum: float
    mean: float
    maximum: float
    n: int


class Verdict(Frozen):
    """The outcome, as a word and in plain words, and the limits of what was measured."""

    kind: Kind = Field(description="what the figures come to; docs/verdicts.md has the conditions")
    gate: Gate = Field(
        description="fail: a leak is claimed, or a method forgot nothing; pass: none was found; "
        "cannot-tell: too little is known to decide"
    )
    summary: str
    limits: tuple[str, ...]
