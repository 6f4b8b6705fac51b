"""What an audit found, as data: the content of ``findings.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from unlearn_audit.findings.comparison import ArmsComparison
from unlearn_audit.findings.former import upgraded
from unlearn_audit.findings.notes import Note
from unlearn_audit.findings.read import read_as
from unlearn_audit.findings.result import Frozen, Result, Selected, is_selected, on_most_rows
from unlearn_audit.findings.sections import (
    DefenseCost,
    DeletionTime,
    FailedAttack,
    GroupRisk,
    PaperComparison,
    RecordRisk,
    RetrainingComparison,
    Spread,
    Stopping,
    ThreeWay,
    Verdict,
)
from unlearn_audit.utils.messages import in_one_line

SCHEMA = "unlearn-audit/findings/2"
"""Name and version of the layout of ``findings.json``."""


class Findings(Frozen):
    """Everything an audit states; ``execution`` alone may differ between two runs of the same audit."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any] = Field(description="the resolved configuration")
    dataset: str
    model: str
    regime: str = Field(description="the regime actually run: fixed, same-seed or fresh; unknown for files")
    regime_note: str | None = Field(default=None, description="why it is not the one requested")
    canaries: Literal["mislabelled"] | None = Field(
        default=None,
        description="mislabelled: every audited record had a wrong label, so figures describe a worst case; else null",
    )
    details: dict[str, Any] = Field(
        default_factory=dict, description="records, features, classes, shadow dataset and model, world sizes"
    )
    selected: Selected
    overfitting: dict[str, Spread] | None = Field(
        description="train minus test accuracy of the originals, by side; null for files of posteriors"
    )
    verdict: Verdict
    released: tuple[DefenseCost, ...] = Field(
        default=(), description="what each defence costs: utility of the target's posteriors; empty without labels"
    )
    groups: tuple[GroupRisk, ...] = Field(
        default=(),
        description="the leading attack class by class and by difficulty, with labels, and by the requested columns",
    )
    record_risk: RecordRisk | None = Field(
        default=None, description="records identified individually; null if worlds do not audit the same records"
    )
    deletion_time: DeletionTime | None = Field(
        default=None, description="which update deleted a record; null without a chain of updates"
    )
    three_way: ThreeWay | None = Field(default=None, description="all three roles at once; null unless requested")
    paper: PaperComparison | None = Field(
        default=None, description="the leading attack against the paper's best; null where none of the paper's ran"
    )
    retraining: RetrainingComparison | None = Field(
        default=None,
        description="the leading attack compared with exact retraining of the same worlds; null if the method "
        "is retraining, for files, and if switched off",
    )
    arms: ArmsComparison | None = Field(
        default=None,
        description="every attack of the first game on the method's worlds, on the same retrained exactly and on the "
        "same not unlearned at all, and how far apart the models are; null if the method is retraining, and in older "
        "findings",
    )
    failed: tuple[FailedAttack, ...] = Field(
        default=(), description="attacks that failed and why, if the run was to keep going"
    )
    moved: float | None = Field(
        default=None,
        description="share of the target's rows, references included, with an answer that differs between versions, "
        "without a defence; null where one version alone is known",
    )
    notes: tuple[Note, ...] = Field(
        default=(), description="what was adjusted or is worth knowing: warnings may change what figures mean"
    )
    stopping: Stopping | None = Field(
        default=None, description="for an audit that adds target worlds until an interval is narrow; else null"
    )
    results: tuple[Result, ...]
    execution: dict[str, Any] = Field(
        default_factory=dict, description="what does not affect results: jobs, folder, versions, timing"
    )

    def __repr__(self) -> str:
        """Return what they say, in one line; `to_json` has everything."""
        return f"Findings({self.in_short})"

    __str__ = __repr__

    @property
    def in_short(self) -> str:
        """What was audited, the verdict, the leading AUC and how many results there are."""
        leading = self.leading()
        low, high = leading.auc_ci
        return in_one_line(
            f"{self.dataset}, {self.model}: {self.verdict.kind}; {leading.attack} AUC {leading.auc:.3f} "
            f"[{low:.3f}, {high:.3f}]; {len(self.results):,} results"
        )

    def to_json(self) -> str:
        """Return the text of ``findings.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: str | Path) -> Findings:
        """Read a ``findings.json`` of this layout or a former one.

        Raises
        ------
        AuditError
            If the file is missing, holds no findings in a layout that is known, or lies in the folder of a run and is
            not as the run wrote it.
        """
        return read_as(Path(path), SCHEMA, cls.of)

    @classmethod
    def of(cls, document: Any) -> Findings:
        """Return the findings of a JSON document.

        Raises
        ------
        ValueError, LookupError, TypeError
            If it has no layout that is known.
        """
        # as JSON, where a number is no text and a list is a tuple
        found = cls.model_validate_json(json.dumps(upgraded(document, SCHEMA)), strict=True)
        if not any(is_selected(of, found.selected) for of in found.results):
            raise ValueError("its leading attack has no result")
        return found

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
        return on_most_rows(chosen)[0] if rows == "all" else next((r for r in chosen if r.rows == rows), chosen[0])
