"""What an audit found, as data: the content of ``findings.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearn_audit.attacks.base import score_column
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.notes import Note

SCHEMA = "unlearn-audit/findings/2"
"""Name and version of the layout of ``findings.json``."""

Interval = tuple[float, float]
"""Lower and upper end of an interval, of 95 % where nothing else is said."""

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


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Result(_Frozen):
    """All metrics of one attack in one game on one set of rows.

    Metrics over rows weigh positives and negatives equally, so that they mean the same whatever the number
    of negatives; where they are as many, as on the paper's rows, they are the paper's.
    """

    attack: str = Field(description="feature the attack reads: sorted-diff, direct-concat, classical, ...")
    attack_model: str | None = Field(description="classifier fitted on that feature; null if there is none")
    game: str = Field(description="which roles are positive and negative: deleted-vs-unseen, ...")
    view: str = Field(description="what the attacker sees: pair (both models), original, unlearned, sequence, labels")
    defense: str = Field(default="none", description="what was changed in what the attacker sees")
    adaptive: bool = Field(default=True, description="whether the attacker's shadow worlds use the defence too")
    rows: Literal["paper", "all"] = Field(
        description="paper: one record of each role for each deleted unit of a pair (a single deletion has one, "
        "a group or chain several); all: every record queried"
    )
    n_positive: int
    n_negative: int
    n_worlds: int
    interval_unit: Literal["world", "record"] = Field(
        description="what the intervals treat as independent: worlds, or single records where there is one world"
    )
    shadow_auc: float | None = Field(
        default=None, description="AUC by cross-validation over shadow worlds: what the selection saw"
    )
    shadow_auc_ci: Interval | None = Field(default=None, description="its interval over shadow worlds")
    shadow_auc_error: float | None = Field(default=None, description="its standard error; null where not known")
    shadow_auc_freedom: float | None = Field(default=None, description="degrees of freedom of that error")
    silent_without_change: bool = Field(
        default=False,
        description="whether the attack scores all records alike whose answers did not change: it reads the change "
        "alone, so that what it shows comes from the update",
    )
    auc: float
    auc_ci: Interval
    auc_error: float | None = Field(default=None, description="standard error; null where not known")
    auc_freedom: float | None = Field(default=None, description="degrees of freedom of that error")
    auc_claim_ci: Interval = Field(description="97 % interval: the attack chosen on shadow worlds claims a leak by it")
    auc_hint_ci: Interval = Field(description="90 % interval: above 0.5 it is a hint, where nothing is claimed")
    auc_simultaneous_ci: Interval | None = Field(
        default=None,
        description="98 % interval of the AUC that holds for all attacks of this game, rows and defence at once "
        "(max-T): any of them claims a leak by it",
    )
    epsilon: float | None = Field(
        default=None,
        description="epsilon is at least this at a confidence of 95 % and delta 0: Clopper-Pearson ends of both error "
        "rates, cut down to as many independent cases as the worlds vary, at a threshold chosen on shadow worlds",
    )
    epsilon_ceiling: float | None = Field(
        default=None, description="what an attack without any error would have reached with as many independent cases"
    )
    tpr_at_fpr: dict[str, float | None] = Field(
        description="true-positive rate at a false-positive rate of at most the key; null where fewer than 10 "
        "false positives are expected"
    )
    tpr_at_fpr_ci: dict[str, Interval | None]
    realised_fpr: dict[str, float | None] = Field(description="the false-positive rate really reached")
    accuracy: float
    accuracy_ci: Interval
    baseline: str | None = Field(
        default=None,
        description="the classical attack of the same attack model, chosen on shadow data: what DegCount, DegRate and "
        "bits compare confidences with",
    )
    strongest_classical: str | None = Field(
        default=None,
        description="the classical attack, of any attack model, that did best on shadow data: AUC is compared with it",
    )
    auc_minus_classical: float | None = None
    auc_minus_classical_ci: Interval | None = None
    auc_minus_classical_error: float | None = None
    auc_minus_classical_freedom: float | None = None
    deg_count: float | None = Field(default=None, description="the paper's DegCount, strict >")
    deg_count_ci: Interval | None = None
    deg_rate: float | None = Field(default=None, description="the paper's DegRate")
    deg_rate_ci: Interval | None = None
    deg_count_ties_half: float | None = Field(default=None, description="DegCount with ties counted as 1/2")
    deg_count_ties_half_ci: Interval | None = None
    deg_count_calibrated: float | None = Field(
        default=None, description="DegCount, ties as 1/2, both confidences calibrated on shadow worlds"
    )
    deg_count_calibrated_ci: Interval | None = None
    deg_rate_calibrated: float | None = Field(default=None, description="DegRate of calibrated confidences")
    deg_rate_calibrated_ci: Interval | None = None
    bits: float | None = Field(
        default=None,
        description="bits added by the update: mean log2 ratio of calibrated confidences in the true status",
    )
    bits_ci: Interval | None = None

    @property
    def is_classical(self) -> bool:
        """Whether the attack sees the original model alone."""
        return self.view == "original"

    def is_baseline_of(self, other: Result) -> bool:
        """Return whether this is the attack on the original alone with which the AUC of another is compared."""
        return (
            score_column(self.attack, self.attack_model) == other.strongest_classical
            and (self.game, self.rows) == (other.game, other.rows)
            and (self.defense, self.adaptive) == (other.defense, other.adaptive)
        )


class PrivacySpent(_Frozen):
    """What one training under differential privacy spent at most: the release of one version, not of a pair."""

    epsilon: float = Field(description="as Opacus's accountant states it")
    delta: float
    neighbours: str = Field(
        description="which two training sets epsilon cannot tell apart; replacing a record counts twice"
    )
    noise_multiplier: float = Field(description="standard deviation of the noise over max_grad_norm")
    max_grad_norm: float = Field(description="to which norm each record's gradient was clipped")
    sample_rate: float = Field(description="probability with which a record took part in a step")
    steps: int


class Released(_Frozen):
    """How good the released posteriors are under a defence, on records never trained on."""

    defense: str
    accuracy: float
    brier: float = Field(description="mean squared distance from the label's indicator, 0 to 2")
    calibration_error: float = Field(description="expected calibration error of the top probability")
    n: int
    privacy: PrivacySpent | None = Field(default=None, description="of a defence that trains privately")


class GroupRisk(_Frozen):
    """What the leading attack reaches inside one group of records, on all rows."""

    by: Literal["class", "difficulty", "column"] = Field(
        description="class: the record's label; difficulty: tenths of the margin under the unlearned model, which was "
        "trained on neither role, 1 the least certain; column: the record's value in a column that was asked for"
    )
    column: str | None = Field(default=None, description="the name of that column; else null")
    group: str = Field(
        description="of a column: a value that at least ten records of each role have, all rarer ones together as "
        "'other values', or a quarter of its numbers"
    )
    n_positive: int
    n_negative: int
    auc: float | None = Field(description="of positives against negatives of the same group; null where few")
    auc_ci: Interval | None


class RecordRisk(_Frozen):
    """How many records' deletion the leading attack tells, each by itself; of worlds that audit the same records."""

    records: int = Field(description="records tested: deleted in some target worlds, unseen in others")
    told: int = Field(description="records that stand out")
    level: float = Field(description="the expected share of wrong ones among them is at most this")
    control: str = Field(description="by: Benjamini and Yekutieli's rule, which holds however records depend")
    worlds_needed: int = Field(description="target worlds in each role before one record alone could be told")


class DeletionTime(_Frozen):
    """In which update of a chain a deleted record was deleted, as the largest fall of its margin tells."""

    statistic: str = Field(description="delta, or delta-scaled by the references of each step")
    updates: int = Field(description="updates of a chain: a guess is right in one case of so many")
    n: int = Field(description="deleted records")
    right: float = Field(description="share of them whose update is told")
    right_ci: Interval
    mean_distance: float = Field(description="updates between the one told and the right one, on average")


class RoleResult(_Frozen):
    """One role against the two others."""

    role: str
    n: int
    auc: float = Field(description="from both versions")
    auc_ci: Interval
    added: float = Field(description="by how much that exceeds what the original alone tells")
    added_ci: Interval


class ThreeWay(_Frozen):
    """The game of all three roles, on every record asked."""

    attack: str = Field(default="tc-umia", description="one classifier of three roles, fitted on shadow worlds")
    macro_auc: float = Field(description="the mean over roles of the AUC of each against the other two")
    macro_auc_ci: Interval
    roles: tuple[RoleResult, ...]
    retained_auc: float = Field(description="retained against unseen records, from both versions")
    retained_auc_ci: Interval
    retained_added: float = Field(
        description="by how much that exceeds what the original alone tells: what an update adds to the risk of those "
        "who remain"
    )
    retained_added_ci: Interval
    mia_efficacy: float = Field(
        description="weak, kept since others report it: share of deleted records that a classifier of retained and "
        "unseen ones calls unseen, by the unlearned model's confidence"
    )
    mia_efficacy_ci: Interval


class PaperComparison(_Frozen):
    """The leading attack against the best of the paper's, both chosen on shadow worlds, on the same rows."""

    attack: str = Field(description="the paper's: a feature of both versions")
    attack_model: str | None
    auc: float
    tpr: float | None = Field(description="its true-positive rate at a false-positive rate of 1 %")
    difference: float = Field(description="AUC of the leading attack minus this one's")
    difference_ci: Interval


class ArmResult(_Frozen):
    """What one attack reaches on the worlds of one arm, on all rows of its game."""

    regime: str = Field(description="the regime that these worlds really ran")
    auc: float
    auc_ci: Interval
    tpr: float | None = Field(
        description="true-positive rate at a false-positive rate of at most 1 %; null where fewer than 10 false "
        "positives are expected"
    )
    tpr_ci: Interval | None
    realised_fpr: float | None = Field(description="the false-positive rate really reached")


class RetrainingComparison(_Frozen):
    """The leading attack on a method's worlds, beside the same worlds retrained exactly: fitted on each arm's own."""

    attack: str
    attack_model: str | None
    game: str
    method: str = Field(description="the unlearning method that is compared")
    unlearned: ArmResult = Field(description="worlds that unlearn by the method")
    retrained: ArmResult = Field(description="the same worlds, deletions and queries, exactly retrained")
    difference: float = Field(description="AUC under the method minus AUC under retraining")
    difference_ci: Interval
    excess: float = Field(
        description="by how much further from 0.5 the AUC under the method is: the difference, unless an AUC is below "
        "0.5, which is a leak too"
    )
    excess_ci: Interval


class FailedAttack(_Frozen):
    """An attack that failed while the others went on."""

    attack: str
    attack_model: str | None
    game: str
    reason: str


class Selected(_Frozen):
    """The attack the report leads with, chosen on shadow worlds alone."""

    attack: str
    attack_model: str | None
    game: str
    view: str
    shadow_auc: float
    defense: str = "none"


def is_selected(result: Result, selected: Selected) -> bool:
    """Return whether the result belongs to the attack the report leads with, whatever its rows."""
    return (result.attack, result.attack_model, result.game, result.defense, result.adaptive) == (
        selected.attack,
        selected.attack_model,
        selected.game,
        selected.defense,
        True,
    )


class Look(_Frozen):
    """One look of an audit that stops early."""

    worlds: int = Field(description="target worlds there were")
    half_width: float = Field(description="half the width of the interval of the leading attack's AUC")


class Stopping(_Frozen):
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
                f"stopped at {self.worlds:,} target worlds: {last}, ± {self.asked:g} was asked for (looked at {looked})"
            )
        return (
            f"± {self.asked:g} was not reached: at {self.worlds:,} target worlds, the most allowed, {last} (looked at "
            f"{looked}); allow more worlds, or ask for more deletions in each"
        )


class Spread(_Frozen):
    """Minimum, mean and maximum over the original models of one side."""

    minimum: float
    mean: float
    maximum: float
    n: int


class Verdict(_Frozen):
    """The outcome, as a word and in plain words, and the limits of what was measured."""

    kind: Kind = Field(description="what the figures come to; docs/verdicts.md has the conditions")
    gate: Gate = Field(description="fail: a leak is claimed; pass: none was seen; cannot-tell: too few data to say")
    summary: str
    limits: tuple[str, ...]


class Findings(_Frozen):
    """Everything an audit states; ``execution`` alone may differ between two runs of the same audit."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any] = Field(description="the resolved configuration")
    dataset: str
    model: str
    regime: str = Field(description="the regime really run: fixed, same-seed or fresh; unknown for files")
    regime_note: str | None = Field(default=None, description="why it is not the one asked for")
    canaries: Literal["mislabelled"] | None = Field(
        default=None,
        description="mislabelled: every audited record had a wrong label, so figures are of a worst case; else null",
    )
    details: dict[str, Any] = Field(
        default_factory=dict, description="records, features, classes, shadow dataset and model, world sizes"
    )
    selected: Selected
    overfitting: dict[str, Spread] | None = Field(
        description="train minus test accuracy of the originals, by side; null for files of posteriors"
    )
    verdict: Verdict
    released: tuple[Released, ...] = Field(
        default=(), description="what each defence costs: utility of the target's posteriors; empty without labels"
    )
    groups: tuple[GroupRisk, ...] = Field(
        default=(),
        description="the leading attack class by class and by difficulty, with labels, and by the columns asked for",
    )
    record_risk: RecordRisk | None = Field(
        default=None, description="records told one by one; null where worlds do not audit the same records"
    )
    deletion_time: DeletionTime | None = Field(
        default=None, description="which update deleted a record; null without a chain of updates"
    )
    three_way: ThreeWay | None = Field(default=None, description="all three roles at once; null unless asked for")
    paper: PaperComparison | None = Field(
        default=None, description="the leading attack against the paper's best; null where none of the paper's ran"
    )
    retraining: RetrainingComparison | None = Field(
        default=None,
        description="the leading attack beside exact retraining of the same worlds; null where the method is "
        "retraining, for files, and where it was switched off",
    )
    failed: tuple[FailedAttack, ...] = Field(
        default=(), description="attacks that failed and why, where the run was told to keep going"
    )
    moved: float | None = Field(
        default=None,
        description="share of the target's rows, references included, with an answer that differs between versions, "
        "without a defence; null where one version alone is known",
    )
    notes: tuple[Note, ...] = Field(
        default=(), description="what was adjusted or should be known: warnings may change what figures mean"
    )
    stopping: Stopping | None = Field(
        default=None, description="of an audit that adds target worlds until an interval is narrow; else null"
    )
    results: tuple[Result, ...]
    execution: dict[str, Any] = Field(
        default_factory=dict, description="what does not change results: jobs, folder, versions, timing"
    )

    def to_json(self) -> str:
        """Return the text of ``findings.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Findings:
        """Read a ``findings.json``.

        Raises
        ------
        AuditError
            If the file is missing, or holds no findings in this version's layout.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise AuditError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            raise AuditError(
                f"{path} holds no findings in the layout {SCHEMA} ({error.errors()[0]['msg']}); audit again with this "
                "version"
            ) from error

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may change the meaning of figures: why the regime is another, and the notes that are warnings."""
        regime = () if self.regime_note is None else (f"Regime: {self.regime_note}",)
        return (*regime, *(note.text for note in self.notes if note.level == "warning"))

    @property
    def routine(self) -> tuple[str, ...]:
        """The texts of the other notes."""
        return tuple(note.text for note in self.notes if note.level == "note")

    def leading(self, rows: Literal["paper", "all"] = "all") -> Result:
        """Return the result of the selected attack on the given rows (or the only rows there are)."""
        chosen = [r for r in self.results if is_selected(r, self.selected)]
        return next((r for r in chosen if r.rows == rows), chosen[0])
