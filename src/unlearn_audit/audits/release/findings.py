"""What the examination of one release found, as data: the content of its ``findings.json``. It names nobody."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from unlearn_audit.findings.result import Frozen
from unlearn_audit.utils.messages import in_one_line
from unlearn_audit.utils.typing import Interval

SCHEMA = "unlearn-audit/release/2"
"""Name and version of the layout."""


class Precision(Frozen):
    """What share of the people flagged were deleted, at one base rate."""

    base_rate: float = Field(description="share of deleted people among those the observer considers")
    right: float = Field(description="share of the people flagged who were deleted")
    right_ci: Interval


class FlaggingFinding(Frozen):
    """An observer who flags everyone who looks more deleted than all but a share of the references."""

    rate: float = Field(description="share of people never in training that it may flag")
    found: int = Field(description="deleted people that it flags")
    found_share: float
    found_share_ci: Interval
    wrong_share: float = Field(description="share of people never in training that it flags")
    wrong_share_ci: Interval
    precision: tuple[Precision, ...]


class ReleaseFindings(Frozen):
    """All that is known of one release. No field identifies a record or a person."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any]
    rehearsal: bool = Field(default=False, description="whether stand-ins were deleted in place of the real people")
    repetitions: tuple[int, ...] = Field(
        default=(), description="stand-ins identified in each repetition of a rehearsal"
    )
    persons: int = Field(description="people deleted by the release; of a rehearsal, stand-ins in one repetition")
    records: int = Field(description="their records")
    reference_persons: int = Field(description="people never in training with whom each is compared, at least")
    references_needed: int = Field(description="with this many of the same kind, anyone can be identified")
    compared_by: tuple[str, ...] = Field(
        description="what a person shares with those they are compared with: class, and any named groups"
    )
    labels_known: bool = Field(description="whether the label of each deleted record is known")
    score: str
    combine: str = Field(description="how the scores of a person's records are combined: sum or max")
    confidence: float
    control: str = Field(
        description="holm: the chance that even one person is wrongly counted; fdr: the expected share of wrong ones"
    )
    identified: float = Field(
        description="people identified at this confidence, adjusted for their number; of a rehearsal, the mean"
    )
    identified_unadjusted: dict[str, int] = Field(
        description="people with a p-value of at most the key, not adjusted for their number; of a rehearsal, in all"
    )
    smallest_p_value: float
    p_values: tuple[float, ...] = Field(description="of the deleted people, ascending, so the order identifies no one")
    changed: float = Field(description="share of all records queried that the versions answer differently")
    exchanged: float | None = Field(
        default=None,
        description="p-value of the deleted people's labels fitting better after than before, compared with people of "
        "the same class and groups who were never in training; null where labels are not known, or none fits better",
    )
    flagging: tuple[FlaggingFinding, ...]
    summary: str
    limits: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Return what they say, in one line; `to_json` has everything."""
        return f"ReleaseFindings({self.in_short})"

    __str__ = __repr__

    @property
    def in_short(self) -> str:
        """How many people were deleted and how many can be identified."""
        return in_one_line(
            f"{self.persons:,} deleted people, {self.identified:,.3g} identified at {self.confidence:.0%}; "
            f"{self.reference_persons:,} references"
        )

    def to_json(self) -> str:
        """Return the text of ``findings.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"
