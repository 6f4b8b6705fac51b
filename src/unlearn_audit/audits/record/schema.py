"""What a record holds, as data: the content of ``record.json``."""

from __future__ import annotations

import json

from pydantic import Field

from unlearn_audit.findings.result import Frozen
from unlearn_audit.utils.typing import Interval

SCHEMA = "unlearn-audit/record/1"
"""Name and version of the layout."""


class Made(Frozen):
    """Who made what, when and with what; null where it was not recorded."""

    owner: str | None = Field(description="who answers for the model, as given")
    auditor: str | None = Field(description="who made the audit, as given")
    command: str | None = Field(description="the command line of the run, without ids and folders")
    version: str | None = Field(description="of unlearn-audit that made the run")
    finished: str | None = Field(description="when the run ended, in universal time")
    recorded: str = Field(description="when this record was made, in universal time")
    recorded_by: str = Field(description="the version of unlearn-audit that made this record")


class Scope(Frozen):
    """What was tested, and in which setting."""

    kind: str = Field(description="audit, release, rehearsal or comparison of methods")
    question: str
    dataset: str | None
    model: str | None
    unlearning: str | None = Field(description="how records were deleted")
    regime: str | None = Field(description="how the randomness of the two versions is related")
    settings: dict[str, str] = Field(description="the configuration in publishable form")


class Digest(Frozen):
    """A digest of something that the run used."""

    what: str
    sha256: str


class Parameters(Frozen):
    """How many records a model was trained on, and how many parameters it has."""

    records: int | None = Field(description="training records of each model")
    minimum: float
    mean: float
    maximum: float
    records_per_parameter: float | None = Field(description="records over the mean number of parameters")


class Attack(Frozen):
    """The threat model of one attack."""

    attack: str
    about: str | None = Field(description="what it does, in one line; null for a third-party attack")
    sees: str
    knows: str
    needs: tuple[str, ...] | None = Field(description="besides what it sees; null where not recorded")


class NotRun(Frozen):
    """A test that was not run, and why."""

    test: str
    why: str


class Figure(Frozen):
    """What one attack reached."""

    attack: str
    game: str = Field(description="who is distinguished from whom")
    setting: str = Field(description="the defence or the method under which it was measured")
    positives: int | None
    negatives: int | None
    worlds: int | None = Field(description="independent models that it was measured on")
    auc: float | None
    auc_ci: Interval | None = Field(description="95 % interval")
    auc_claim_ci: Interval | None = Field(description="the interval by which a leak is claimed")
    tpr: dict[str, float | None] = Field(description="true-positive rate by false-positive rate")
    tpr_ci: dict[str, Interval | None]
    detectable_auc: float | None = Field(
        description="the smallest AUC that would have been claimed with a probability of 80 %; null where not known"
    )


class Requests(Frozen):
    """The deletion requests that were tested, without naming anybody."""

    count: int | None
    of: str | None = Field(
        description="what is counted and coded: ids of people, or of records, which are the numbers of their rows "
        "from 0 unless the data name them otherwise; null where not known"
    )
    code: str = "HMAC-SHA256"
    codes: tuple[str, ...] = Field(description="of each record or person under the owner's key, sorted; may be empty")
    left_out: str | None = Field(description="why there are no codes; null where there are")


class Record(Frozen):
    """All that one run can tell a regulator. No field names a record or a person."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    opinion: str = "EDPB Opinion 28/2024"
    made: Made
    scope: Scope
    outcome: str = Field(description="the verdict in words")
    attacks: tuple[Attack, ...]
    not_run: tuple[NotRun, ...]
    sizes: dict[str, int]
    parameters: Parameters | None = Field(description="null where not recorded")
    figures: tuple[Figure, ...]
    data: tuple[Digest, ...]
    models: tuple[Digest, ...]
    results: tuple[Digest, ...] = Field(description="of the files of the run, from its manifest")
    requests: Requests
    assumptions: tuple[str, ...]
    limits: tuple[str, ...]
    not_recorded: tuple[str, ...] = Field(description="what the run did not store, so that it cannot be stated")

    def to_json(self) -> str:
        """Return the text of ``record.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, allow_nan=False) + "\n"
