"""The figures of one attack as findings state them, and which attack a report leads with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from unlearn_audit.attacks.base import score_column
from unlearn_audit.observations.views import sees_original_alone, sees_versions
from unlearn_audit.utils.typing import Interval


class Frozen(BaseModel):
    """A part of findings: it never changes, and has no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Result(Frozen):
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
        description="paper: one record of each role for each deleted person of a pair (a single deletion has one, "
        "a group or chain several); all: every record queried"
    )
    n_positive: int
    n_negative: int
    n_worlds: int
    interval_unit: Literal["world", "record"] = Field(
        description="what the intervals treat as independent: worlds, or single records where there is one world"
    )
    shadow_auc: float | None = Field(
        default=None, description="AUC by cross-validation over shadow worlds, by which the attack was chosen"
    )
    shadow_auc_ci: Interval | None = Field(default=None, description="its interval over shadow worlds")
    shadow_auc_error: float | None = Field(default=None, description="its standard error; null where not known")
    shadow_auc_freedom: float | None = Field(default=None, description="degrees of freedom of that error")
    silent_without_change: bool = Field(
        default=False,
        description="whether the attack gives the same score to all records whose answers did not change: it reads "
        "only the change, so what it shows comes from the update",
    )
    auc: float
    auc_ci: Interval
    auc_error: float | None = Field(default=None, description="standard error; null where not known")
    auc_freedom: float | None = Field(default=None, description="degrees of freedom of that error")
    auc_claim_ci: Interval = Field(description="97 % interval: the attack chosen on shadow worlds claims a leak by it")
    auc_hint_ci: Interval = Field(description="90 % interval: above 0.5 it is a hint, not a claim")
    auc_simultaneous_ci: Interval | None = Field(
        default=None,
        description="98 % interval of the AUC that holds for all attacks of this game, rows and defence at once "
        "(max-T): any of them claims a leak by it",
    )
    epsilon: float | None = Field(
        default=None,
        description="epsilon is at least this at a confidence of 95 % and delta 0: Clopper-Pearson ends of both error "
        "rates, reduced to the number of independent cases that the variation between worlds implies, at a threshold "
        "chosen on shadow worlds",
    )
    epsilon_ceiling: float | None = Field(
        default=None,
        description="what an attack without any error would have reached with the same number of independent cases",
    )
    tpr_at_fpr: dict[str, float | None] = Field(
        description="true-positive rate at a false-positive rate of at most the key; null where fewer than 10 "
        "false positives are expected"
    )
    tpr_at_fpr_ci: dict[str, Interval | None]
    realised_fpr: dict[str, float | None] = Field(description="the false-positive rate actually reached")
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
        return sees_original_alone(self.view)

    @property
    def sees_versions(self) -> bool:
        """Whether the attack sees the posteriors of more than one version."""
        return sees_versions(self.view)

    def is_baseline_of(self, other: Result) -> bool:
        """Return whether this is the attack on the original alone with which the AUC of another is compared."""
        return (
            score_column(self.attack, self.attack_model) == other.strongest_classical
            and (self.game, self.rows) == (other.game, other.rows)
            and (self.defense, self.adaptive) == (other.defense, other.adaptive)
        )


class Selected(Frozen):
    """The attack the report leads with, chosen on shadow worlds alone."""

    attack: str
    attack_model: str | None
    game: str
    view: str
    shadow_auc: float
    defense: str = "none"


def on_most_rows(results: Iterable[Result]) -> list[Result]:
    """Return those on all rows, where there are any; else all of them, which are on the paper's."""
    given = list(results)
    return [r for r in given if r.rows == "all"] or given


def is_selected(result: Result, selected: Selected) -> bool:
    """Return whether the result belongs to the attack the report leads with, whatever its rows."""
    return (result.attack, result.attack_model, result.game, result.defense, result.adaptive) == (
        selected.attack,
        selected.attack_model,
        selected.game,
        selected.defense,
        True,
    )
