"""The worst answers of an audit, for the auditor alone: what was asked, and what the agent said after the deletion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Asked, Heard
from unlearn_audit.audits.agents.phases import BOTH, JUDGED, Phase
from unlearn_audit.audits.agents.probes import Probe, Prompt, prompts_of, readings_of
from unlearn_audit.audits.agents.reading import named_options, without_lists
from unlearn_audit.audits.agents.recovered import groups

MOST = 40
"""Exchanges that are shown."""

MOST_OF_ONE = 3
"""Exchanges about one fact that are shown."""

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
        What was asked, and the answer; turns of a conversation are joined by a stroke.
    before
        What it said before the deletion.
    """

    moment: str
    person: str
    value: str
    prompt: str
    answer: str
    before: str


@dataclass(frozen=True)
class _Holding:
    """A reply after the deletion that holds a deleted value."""

    phase: Phase
    asked: Asked
    prompt: Prompt
    canary: Canary


def transcript(facts: Facts, probes: Mapping[str, Probe], heard: Heard, seed: int) -> list[Exchange]:
    """Return answers after the deletion that hold deleted values, as the probes read them.

    The facts that most answers hold come first. They take turns, and each turn shows a probe and a phase that were
    shown least.
    """
    of_fact: dict[int, list[_Holding]] = {}
    for name in JUDGED:
        for memory in BOTH:
            for holding in _holding(facts, probes, heard, Phase(name, memory), seed):
                of_fact.setdefault(holding.canary.number, []).append(holding)
    before = heard.replies.get(Phase("before"), {})
    found = []
    for holding in _in_turns(sorted(of_fact.values(), key=len, reverse=True)):
        earlier = before.get(holding.asked)
        found.append(
            Exchange(
                holding.phase.label,
                holding.canary.person,
                holding.canary.value,
                _cut(holding.prompt.turns),
                _cut(heard.replies[holding.phase][holding.asked].texts),
                _cut(earlier.texts if earlier is not None else ()),
            )
        )
    return found


def _holding(facts: Facts, probes: Mapping[str, Probe], heard: Heard, phase: Phase, seed: int) -> Iterator[_Holding]:
    """Yield the replies of a phase that hold deleted values."""
    deleted = groups(facts)["deleted"]
    for name, probe in probes.items():
        replies = heard.of_probe(phase, name)
        together = readings_of(probe, facts, replies) if replies else {}
        hit = {canary.number: canary for canary in deleted if canary.value in together.get(canary.number, ())}
        for prompt in prompts_of(probe, facts, seed) if hit else ():
            if prompt.key not in replies or prompt.canary not in {None, *hit}:
                continue
            alone = readings_of(probe, facts, {prompt.key: replies[prompt.key]})
            for canary in hit.values() if prompt.canary is None else (hit[prompt.canary],):
                if canary.value in alone[canary.number] and not _is_echo(replies[prompt.key], facts, canary):
                    yield _Holding(phase, (name, prompt.key), prompt, canary)


def _is_echo(texts: Sequence[str], facts: Facts, canary: Canary) -> bool:
    """Return whether an answer names the value in a list of all options alone, as the prompt has it."""
    options, text = facts.options[canary.attribute], "\n".join(texts)
    return canary.value in named_options(text, options) and canary.value not in named_options(
        without_lists(text, options), options
    )


def _in_turns(of_facts: Sequence[list[_Holding]]) -> Iterator[_Holding]:
    """Yield one reply of each fact, then another, up to so many of each and of all."""
    left = [list(of) for of in of_facts]
    probes, phases = Counter[str](), Counter[Phase]()
    shown = 0
    for _ in range(MOST_OF_ONE):
        for of in left:
            if of and shown < MOST:
                # the first of equals is taken, in the order of phases and probes
                one = min(of, key=lambda holding: (probes[holding.asked[0]], phases[holding.phase]))
                of.remove(one)
                probes[one.asked[0]] += 1
                phases[one.phase] += 1
                shown += 1
                yield one


def _cut(texts: Sequence[str]) -> str:
    text = " / ".join(texts)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
