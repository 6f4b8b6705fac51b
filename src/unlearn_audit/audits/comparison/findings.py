"""A comparison of runs as data: the content of its ``comparison.json``. No field identifies a record."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from unlearn_audit.findings.result import Frozen
from unlearn_audit.utils.typing import Interval

SCHEMA = "unlearn-audit/comparison/1"
"""Name and version of the layout."""

Side = Literal["more", "less", "same"]


class RunRow(Frozen):
    """What one run found, as its own findings state it."""

    name: str = Field(description="of its folder")
    kind: Literal["run", "release"]
    verdict: str | None = Field(default=None, description="the kind of its verdict; null for a release")
    gate: str | None = Field(default=None, description="fail, pass or cannot-tell; null for a release")
    summary: str
    dataset: str | None = None
    model: str | None = None
    method: str | None = Field(default=None, description="the unlearning method; null where it is not stated")
    regime: str | None = None
    attack: str | None = Field(default=None, description="the leading attack; of a release, its score")
    game: str | None = None
    view: str | None = None
    auc: float | None = None
    auc_ci: Interval | None = None
    tpr: float | None = Field(
        default=None, description="true-positive rate at a false-positive rate of at most 1 %; null where not known"
    )
    tpr_ci: Interval | None = None
    realised_fpr: float | None = None
    epsilon: float | None = Field(default=None, description="epsilon is at least this")
    epsilon_ceiling: float | None = Field(default=None, description="the most that could have been shown")
    n_positive: int = Field(description="deleted people of a release")
    n_negative: int = Field(description="references of a release, at least")
    n_worlds: int | None = None
    warnings: int = Field(default=0, description="how many warnings its findings hold")


class Setting(Frozen):
    """A setting that two runs do not share, in publishable form."""

    key: str
    first: str | None
    second: str | None


class _Difference(Frozen):
    """Two AUCs, the second minus the first, with 95 % intervals."""

    first: float = Field(description="AUC in the first run")
    second: float = Field(description="AUC in the second run")
    difference: float = Field(description="the second minus the first")
    difference_ci: Interval
    excess: float = Field(
        description="how much further from 0.5 the second is: the difference, unless an AUC is below 0.5, which is a "
        "leak too"
    )
    excess_ci: Interval


class AttackDifference(_Difference):
    """One attack in both runs, each fitted on the run's own shadow worlds."""

    attack: str
    view: str
    excess_all_ci: Interval = Field(
        description="holds for all attacks and all pairs of runs at once, at `RunsComparison.all_confidence`"
    )


class BestDifference(_Difference):
    """The best of the attacks on both versions that both runs tried, chosen in each on its own shadow worlds."""

    first_attack: str
    second_attack: str
    first_ci: Interval
    second_ci: Interval
    excess_claim_ci: Interval = Field(
        description="by which more or less is claimed, at `RunsComparison.claim_confidence`"
    )
    seen: float | None = Field(
        description="an excess of this size would have been claimed with a probability of 80 %; 0.5 if only a "
        "larger one would have been, null if nothing varies"
    )
    tpr_difference: float | None = Field(
        description="of the true-positive rates at a false-positive rate of at most 1 %; null where one is not known"
    )
    tpr_difference_ci: Interval | None = Field(description="as for independent runs, even where worlds agree")

    @property
    def side(self) -> Side:
        """Whether the claiming interval lies above 0, below it, or around it."""
        low, high = self.excess_claim_ci
        return "more" if low > 0 else "less" if high < 0 else "same"


class RunDifference(Frozen):
    """Two runs: what was set otherwise, whether their worlds agree, and by how much they differ."""

    first: str = Field(description="name of the run that the others are compared with")
    second: str
    settings: tuple[Setting, ...] = Field(description="that the two do not share")
    paired: bool = Field(description="whether intervals are paired by row, since the worlds agree")
    why: str = Field(description="why they are, or are not")
    not_compared: tuple[str, ...] = Field(description="what cannot be compared, and why, in words")
    best: BestDifference | None = Field(description="null where the runs cannot be compared")
    attacks: tuple[AttackDifference, ...] = Field(description="those of both runs, the clearest difference first")
    sentences: tuple[str, ...]

    @property
    def more(self) -> tuple[AttackDifference, ...]:
        """The attacks that show more in the second run with all allowed for."""
        return tuple(of for of in self.attacks if of.excess_all_ci[0] > 0)

    @property
    def less(self) -> tuple[AttackDifference, ...]:
        """The attacks that show less in the second run with all allowed for."""
        return tuple(of for of in self.attacks if of.excess_all_ci[1] < 0)


class RunsComparison(Frozen):
    """All that is said about runs side by side."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    summary: str
    claim_confidence: float = Field(description="of the intervals that decide between the best attacks")
    all_confidence: float = Field(description="of the intervals that decide between single attacks, all at once")
    runs: tuple[RunRow, ...] = Field(description="in the order given; others are compared with the first")
    differences: tuple[RunDifference, ...]
    limits: tuple[str, ...]

    def to_json(self) -> str:
        """Return the text of ``comparison.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"
