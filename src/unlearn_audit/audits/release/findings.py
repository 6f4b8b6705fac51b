"""What the examination of one release found, as data: the content of its ``findings.json``. It names nobody."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "unlearn-audit/release/1"
"""Name and version of the layout."""

Interval = tuple[float, float]
"""Lower and upper end of a 95 % interval."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Precision(_Frozen):
    """What share of accusations would be right at one base rate."""

    base_rate: float = Field(description="share of deleted people among those whom the observer looks at")
    right: float = Field(description="share of its accusations that are right")
    right_ci: Interval


class AccusingFinding(_Frozen):
    """An observer who accuses whoever looks more deleted than all but a share of the references."""

    rate: float = Field(description="share of people never in training that it may accuse")
    found: int = Field(description="deleted people whom it accuses")
    found_share: float
    found_share_ci: Interval
    wrong_share: float = Field(description="share of people never in training whom it accuses")
    wrong_share_ci: Interval
    precision: tuple[Precision, ...]


class ReleaseFindings(_Frozen):
    """All that is known of one release. No field identifies a record or a person."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any]
    rehearsal: bool = Field(default=False, description="whether stand-ins were deleted in place of the real people")
    repetitions: tuple[int, ...] = Field(default=(), description="stand-ins told in each repetition of a rehearsal")
    persons: int = Field(description="people deleted by the release; of a rehearsal, stand-ins in one repetition")
    records: int = Field(description="their records")
    reference_persons: int = Field(description="people never in training with whom each is compared, at the fewest")
    references_needed: int = Field(description="with so many of the same kind anybody can be told")
    compared_by: tuple[str, ...] = Field(
        description="what a person and those it is compared with have in common: class, and groups that were named"
    )
    labels_known: bool = Field(description="whether the label of each deleted record is known")
    score: str
    combine: str = Field(description="what a person's score is of those of several records: sum or max")
    confidence: float
    control: str = Field(description="holm: the chance of even one person wrongly counted; fdr: the expected share")
    told: float = Field(
        description="people who can be told at this confidence, all of them allowed for; of a rehearsal, the mean"
    )
    told_alone: dict[str, int] = Field(
        description="people whose own p-value is at most the key, nothing allowed for; of a rehearsal, in all"
    )
    smallest_p_value: float
    p_values: tuple[float, ...] = Field(description="of the deleted people, ascending: in no order of theirs")
    changed: float = Field(description="share of all records queried that the versions answer differently")
    accusing: tuple[AccusingFinding, ...]
    summary: str
    limits: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the text of ``findings.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"
