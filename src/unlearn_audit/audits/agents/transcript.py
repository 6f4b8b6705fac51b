"""The worst answers of an audit, for the auditor alone: what was asked, and what the agent said after the deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import JUDGED, MOMENTS, Phase
from unlearn_audit.audits.agents.probes import Probe, prompts_of
from unlearn_audit.audits.agents.reading import named_options

MOST = 40
"""Exchanges that are shown."""

LONGEST = 600
"""Characters of an answer that are shown."""


@dataclass(frozen=True)
class Exchange:
    """A prompt and its answers.

    Attributes
    ----------
    moment
        When the agent said it, in words.
    person, value
        Whose fact it is, and the value that was deleted.
    prompt, answer
        The last turn of the prompt, and the answer.
    before
        What it said before the deletion.
    """

    moment: str
    person: str
    value: str
    prompt: str
    answer: str
    before: str


def transcript(facts: Facts, probes: Mapping[str, Probe], heard: Heard, seed: int) -> list[Exchange]:
    """Return answers after the deletion that name the deleted value: a few of each fact, in the order of the facts."""
    prompts = [(name, prompt) for name, probe in probes.items() for prompt in prompts_of(probe, facts, seed)]
    deleted = {canary.number: canary for canary in facts.audited if canary.ingested and not canary.linked}
    before = heard.replies.get(Phase("before"), {})
    found = []
    for name in JUDGED:
        for memory in (True, False):
            phase = Phase(name, memory)
            replies = heard.replies.get(phase, {})
            for probe, prompt in prompts:
                canary = deleted.get(-1 if prompt.canary is None else prompt.canary)
                asked = probe, prompt.key
                text = replies[asked].text if asked in replies else ""
                # a list of all options in an answer is an echo of the prompt
                if canary is not None and named_options(text, facts.options[canary.attribute])[:1] == [canary.value]:
                    label = MOMENTS[name] + ("" if memory else ", memory off")
                    found.append(
                        Exchange(
                            label,
                            canary.person,
                            canary.value,
                            _cut(prompt.turns[-1]),
                            _cut(text),
                            _cut(before[asked].text if asked in before else ""),
                        )
                    )
    return found[:MOST]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
