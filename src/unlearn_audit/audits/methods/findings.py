"""What a comparison of methods found, as data: the content of its ``methods.json``. It names no record."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from unlearn_audit.findings.comparison import ArmsComparison, Direction
from unlearn_audit.findings.notes import Note
from unlearn_audit.findings.result import Frozen
from unlearn_audit.utils.messages import in_one_line
from unlearn_audit.utils.typing import Interval

SCHEMA = "unlearn-audit/methods/1"
"""Name and version of the layout."""

Status = Literal["reference", "compared", "skipped", "failed"]

Reading = Literal["unchanged", "as-retraining", "more", "less", "same"]


class Cost(Frozen):
    """What one request takes; these figures differ from run to run."""

    seconds: float = Field(description="wall time of one request, an equal share of those met at once")
    seconds_ci: Interval | None = Field(description="95 % interval over worlds")
    relative: float | None = Field(
        description="seconds over those of exact retraining, mean over worlds on a logarithmic scale"
    )
    relative_ci: Interval | None = Field(description="95 % interval over worlds")
    peak_memory: float | None = Field(description="peak bytes held beyond those held before")
    reused: bool = Field(description="whether worlds came from the store, timed when they were made")


class DifficultyGroup(Frozen):
    """What a method gives away of records of one tenth of difficulty, by the pair."""

    by: str = Field(
        description="by what records are ordered: margin-retrained, memorisation, vulnerability or per-instance-loss"
    )
    coupled: bool = Field(
        default=False,
        description="whether difficulty was measured in the attacked world, so that the noise of one model moves both "
        "difficulty and leak",
    )
    tenth: int = Field(description="1 the easiest to forget, 10 the hardest")
    n_positive: int
    auc: float | None
    auc_ci: Interval | None


class DifficultyTrend(Frozen):
    """Whether a method gives away more of the harder records."""

    by: str
    coupled: bool = Field(
        default=False,
        description="whether difficulty was measured in the attacked world, so that the noise of one model moves both "
        "difficulty and leak",
    )
    rank_correlation: float = Field(description="Spearman's, of difficulty and leak, record by record")
    rank_correlation_ci: Interval | None


class Method(Frozen):
    """One method of a comparison: a row of its table."""

    method: str = Field(description="as given, with its options")
    status: Status = Field(
        description="reference: exact retraining and no unlearning; skipped: it cannot unlearn from such models; "
        "failed: it could not be run"
    )
    why: str | None = Field(default=None, description="why it was skipped or failed")
    exactness: str | None = Field(
        default=None, description="what it promises: exact, certified, approximate, none or not declared"
    )
    source: str | None = Field(default=None, description="where it was published")
    regime: str | None = Field(default=None, description="the regime that its target worlds actually ran")
    reading: Reading | None = Field(
        default=None,
        description="what its update reveals compared with exact retraining: more, less, same (not told apart here), "
        "as-retraining (every answer is that of retraining) or unchanged (no answer changed, though retraining's do)",
    )
    direction: Direction | None = Field(
        default=None, description="what the unlearned model alone shows of deleted records, compared with retraining"
    )
    noisy_steps: int | None = Field(
        default=None, description="how many noisy steps each request takes, for a method that takes them"
    )
    sentences: tuple[str, ...] = Field(default=(), description="the main result, in words")
    weights_unchanged: bool | None = Field(default=None, description="whether it left the model unchanged")
    arms: ArmsComparison | None = Field(default=None, description="every attack, distances and measures")
    cost: Cost | None = None
    difficulty: tuple[DifficultyGroup, ...] = ()
    trends: tuple[DifficultyTrend, ...] = ()
    fronts: tuple[Literal["accuracy", "seconds"], ...] = Field(
        default=(), description="on which plots' Pareto front it lies, by point estimates"
    )


class MethodsFindings(Frozen):
    """The content of ``methods.json``; ``execution`` and each ``cost`` may differ between two runs of the same."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any] = Field(description="the resolved configuration of what all methods share")
    dataset: str
    model: str
    game: str
    details: dict[str, Any]
    summary: str
    methods: tuple[Method, ...] = Field(
        description="references first, then in the order given, those that did not run last"
    )
    notes: tuple[Note, ...]
    limits: tuple[str, ...]
    execution: dict[str, Any]

    def __repr__(self) -> str:
        """Return what was compared, in one line; `to_json` has everything."""
        return f"MethodsFindings({self.in_short})"

    __str__ = __repr__

    @property
    def in_short(self) -> str:
        """What was audited, and what came of it."""
        return in_one_line(f"{self.dataset}, {self.model}: {self.summary}")

    def to_json(self) -> str:
        """Return the text of ``methods.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"

    @property
    def compared(self) -> tuple[Method, ...]:
        """The methods that were compared with retraining."""
        return tuple(of for of in self.methods if of.status == "compared")

    @property
    def tried(self) -> tuple[Method, ...]:
        """The references and the methods that were not skipped."""
        return tuple(of for of in self.methods if of.status != "skipped")

    @property
    def skipped(self) -> dict[str, str]:
        """By method that was skipped, why."""
        return {of.method: of.why for of in self.methods if of.status == "skipped" and of.why is not None}

    @property
    def shown(self) -> tuple[Method, ...]:
        """The methods, and the references, that have figures."""
        return tuple(of for of in self.methods if of.arms is not None)


def reading_of(found: ArmsComparison) -> Reading:
    """Return what a method's update gives away alongside exact retraining."""
    if found.apart == 0:
        return "as-retraining"
    return "unchanged" if found.moved == 0 else found.update.side
