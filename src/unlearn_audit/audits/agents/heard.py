"""What an agent answered in an audit, as a list of events that a file keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlearn_audit.agents import Item
from unlearn_audit.audits.agents.phases import Phase

Event = Mapping[str, Any]
"""Something that happened, in plain values: ``what`` says which of the kinds below it is."""

Asked = tuple[str, str]
"""Name of a probe, and key of its prompt."""


@dataclass(frozen=True)
class Reply:
    """What came of one prompt.

    Attributes
    ----------
    texts
        The answer to each turn; none where one of them failed.
    seconds
        Until the last came.
    failure
        ``hung``, ``raised`` or ``broken`` where there is no answer; ``unasked`` where it was no longer asked.
    """

    texts: tuple[str, ...]
    seconds: float
    failure: str | None = None

    @property
    def text(self) -> str:
        """The last answer; empty where there is none."""
        return self.texts[-1] if self.texts else ""


@dataclass(frozen=True)
class Claim:
    """What an agent said of one deletion.

    Attributes
    ----------
    person
        Whose data it was to delete.
    claimed
        Whether it reported success; None where the call failed.
    said
        Its message, or in our own words that the call failed.
    """

    person: str
    claimed: bool | None
    said: str = ""


@dataclass
class Heard:
    """All that an agent answered.

    Attributes
    ----------
    replies
        By phase, probe and key of the prompt.
    repeated
        Answers to prompts of the phase before deletion that were asked once more.
    dumps
        What its memory held, by moment.
    log_probabilities
        By phase and number of the canary: one for each option, in the order of the options.
    claims
        What it said of each deletion, in order.
    samples
        By number of the canary: several more answers.
    stopped
        Why an episode could not be finished, by episode; in our own words, so that it may be published.
    failed
        Calls that would have shown the memory or probabilities, and failed: the name of each, and when, by the phase
        or moment of the dump.
    """

    replies: dict[Phase, dict[Asked, Reply]] = field(default_factory=dict)
    repeated: dict[Asked, Reply] = field(default_factory=dict)
    dumps: dict[str, tuple[Item, ...]] = field(default_factory=dict)
    log_probabilities: dict[Phase, dict[int, Sequence[float]]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    samples: dict[int, list[str]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Heard:
        """Collect events."""
        heard = cls()
        for event in events:
            heard.add(event)
        return heard

    def add(self, event: Event) -> None:
        """Take in one more event."""
        what = event["what"]
        phase = Phase(event["phase"], event["memory"]) if "memory" in event else None
        if what in ("reply", "repeat"):
            assert phase is not None
            reply = Reply(tuple(event["texts"]), float(event["seconds"]), event["failure"])
            into = self.repeated if what == "repeat" else self.replies.setdefault(phase, {})
            into[event["probe"], event["key"]] = reply
        elif what == "dump":
            self.dumps[event["phase"]] = tuple(Item(*of) for of in event["items"])
        elif what == "log-probabilities":
            assert phase is not None
            self.log_probabilities.setdefault(phase, {})[event["canary"]] = event["values"]
        elif what == "claim":
            self.claims.append(Claim(event["person"], event["claimed"], event["said"]))
        elif what == "sample":
            self.samples.setdefault(event["canary"], []).append(event["text"])
        elif what == "stopped":
            self.stopped[event["episode"]] = event["why"]
        elif what == "failed":
            self.failed.append((event["call"], event["phase"]))

    def of_probe(self, phase: Phase, probe: str) -> dict[str, tuple[str, ...]]:
        """Return the answers to a probe's prompts in a phase by their key; those that failed are not there."""
        replies = self.replies.get(phase, {})
        return {key: reply.texts for (name, key), reply in replies.items() if name == probe and reply.failure is None}
