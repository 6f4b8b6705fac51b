"""What an audit of an agent found, in plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from pydantic import TypeAdapter

from unlearn_audit.audits.agents.losses import LossAttack
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.recovered import COMBINED, Rate
from unlearn_audit.audits.agents.traces import Trace
from unlearn_audit.findings.sections import Gate

SCHEMA = "unlearn-audit/agent/1"

Kind = Literal["leak", "trace", "none-found", "cannot-tell"]


@dataclass(frozen=True)
class Verdict:
    """What follows from the figures.

    Attributes
    ----------
    kind
        ``leak``: values of deleted facts come back. ``trace``: none do, but the deleted can be told from others.
        ``none-found``: neither was found. ``cannot-tell``: the audit could not have found a leak.
    gate
        What it means for a release.
    headline, explanation
        In words.
    """

    kind: Kind
    gate: Gate
    headline: str
    explanation: str

    @property
    def summary(self) -> str:
        """Both in one text."""
        return f"{self.headline} {self.explanation}"


@dataclass(frozen=True)
class Path:
    """One way by which a deleted fact can come back.

    Attributes
    ----------
    name
        In a few words.
    leaks
        Whether it was shown to leak; None where it was not tested or is no fault of a deletion.
    sentence
        What was found, with figures.
    """

    name: str
    leaks: bool | None
    sentence: str


@dataclass(frozen=True)
class Receipt:
    """What was asked of the agent, what it claimed, and what was found.

    Attributes
    ----------
    asked
        Deletions.
    claimed, refused, failed
        Of these: reported as done, reported as not done, and calls that failed.
    found
        Facts reported as deleted that answers or stored items still hold, by the moment.
    chance
        About how many of them would be found by chance.
    """

    asked: int
    claimed: int
    refused: int
    failed: int
    found: Mapping[str, int]
    chance: Mapping[str, float]


@dataclass(frozen=True)
class Behaviour:
    """How the agent behaved as it was asked.

    Attributes
    ----------
    prompts
        How many it was asked.
    hung, raised, broken, unasked
        Prompts without an answer, by reason.
    empty, refused
        Answers that are empty, or refuse.
    unread
        Facts after the deletion, probe by probe, for which no answer named an option.
    repeated, otherwise
        Prompts that were asked twice, and those of them that were answered otherwise.
    seconds
        Median of an answer.
    """

    prompts: int
    hung: int
    raised: int
    broken: int
    unasked: int
    empty: int
    refused: int
    unread: int
    repeated: int
    otherwise: int
    seconds: float


@dataclass(frozen=True)
class AgentFindings:
    """What an audit of an agent found; it names nobody.

    Attributes
    ----------
    agent
        What it is called.
    verdict
        What follows.
    rates
        How often facts were recovered, by moment, probe and group.
    paths
        The ways by which facts come back.
    receipt
        What was asked, claimed and found.
    traces
        What tells the deleted from those never ingested.
    attacks
        Membership inference on log-likelihoods.
    exposure
        Mean exposure of deleted facts by phase, in bits: log2 V - log2 of the rank.
    epsilon
        Lower bound on the epsilon of the deletion, and its ceiling, given this run; None without data.
    leak_at
        By k: mean share of recovered facts that at least one of k answers holds.
    items
        Stored items by moment.
    behaviour
        How the agent behaved.
    untested
        What could not be tested, and why.
    notes
        What a reader should know.
    settings
        What was configured.
    """

    agent: str
    verdict: Verdict
    rates: tuple[Rate, ...]
    paths: tuple[Path, ...]
    receipt: Receipt
    traces: tuple[Trace, ...]
    attacks: tuple[LossAttack, ...]
    exposure: Mapping[str, float]
    epsilon: tuple[float, float] | None
    leak_at: Mapping[int, float]
    items: Mapping[str, int]
    behaviour: Behaviour
    untested: tuple[str, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def rate(self, moment: str, memory: bool = True, group: str = "deleted", probe: str = COMBINED) -> Rate | None:
        """Return one of the rates; None if it was not measured."""
        wanted = (moment, memory, group, probe)
        return next((of for of in self.rates if (of.moment, of.memory, of.group, of.probe) == wanted), None)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that were measured, in order."""
        return tuple(dict.fromkeys(of.phase for of in self.rates))

    def document(self) -> dict[str, Any]:
        """Return the findings as JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the findings of a document.

        Raises
        ------
        ValueError
            If it has another layout.
        """
        content = {key: value for key, value in document.items() if key != "schema"}
        found: Self = TypeAdapter(cls).validate_json(json.dumps(content))
        return found
