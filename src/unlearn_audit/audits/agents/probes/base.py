"""The contract of a probe, and how the audit uses one.

A probe asks an agent about people and says, for each, which options the answers stand for. It sees the facts without
their values, so that neither what it asks nor how it reads can depend on them. Under a perfect deletion the answers do
not depend on the value either; then those options hold it with probability (how many they are) / (how many there are).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import first_line
from unlearn_audit.utils.seeds import Kind, generator, name_key
from unlearn_audit.utils.typing import Array, Mask

Replies = Mapping[str, Sequence[str]]
"""Key of a prompt to what the agent said, one text a turn; a prompt that failed is not there."""

Readings = Mapping[int, frozenset[str]]
"""Number of a canary to the options that the answers stand for; nobody is missing, and empty is none."""


@dataclass(frozen=True)
class Prompt:
    """What an agent is asked at once.

    Attributes
    ----------
    canary
        The number of the canary that it is about; None where it is about no one alone.
    turns
        The texts, one after the other in a session of their own if they are several.
    key
        Tells it from every other prompt of its probe.
    """

    canary: int | None
    turns: tuple[str, ...]
    key: str


class Probe(ABC):
    """A way to ask an agent what it knows.

    Attributes
    ----------
    name
        In kebab case.
    """

    name: str

    @property
    def about(self) -> str:
        """What it asks, in one line."""
        return first_line(type(self))

    @abstractmethod
    def prompts(self, facts: Facts, seed: int) -> list[Prompt]:
        """Return what is asked, in the order in which it is asked.

        Parameters
        ----------
        facts
            Without values (`Facts.blind`).
        seed
            The seed of the audit; draw with `shuffled` or a generator keyed by it.
        """

    @abstractmethod
    def read(self, facts: Facts, replies: Replies) -> dict[int, frozenset[str]]:
        """Return, by the number of the canary, the options of its attribute that the answers stand for.

        Parameters
        ----------
        facts
            Without values.
        replies
            By the key of the prompt; a prompt that failed is missing. A canary may be left out: no option is named.
        """


def prompts_of(probe: Probe, facts: Facts, seed: int) -> list[Prompt]:
    """Return the prompts of a probe, which does not see the values.

    Raises
    ------
    AuditError
        If two have the same key, or one has nothing to ask.
    """
    prompts = probe.prompts(facts.blind, seed)
    keys = [prompt.key for prompt in prompts]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise AuditError(f"probe {probe.name} has two prompts with the key {twice!r}; give each its own")
    if empty := [prompt.key for prompt in prompts if not prompt.turns or not all(prompt.turns)]:
        raise AuditError(f"prompt {empty[0]!r} of probe {probe.name} asks nothing; give it at least one text")
    return prompts


def readings_of(probe: Probe, facts: Facts, replies: Replies) -> Readings:
    """Return the options that the replies to a probe stand for, for every canary; the probe does not see the values.

    Raises
    ------
    AuditError
        If the probe reads what is not an option of the canary's attribute.
    """
    found = probe.read(facts.blind, replies)
    for number, named in found.items():
        if not 0 <= number < len(facts.canaries):
            raise AuditError(f"probe {probe.name} reads answers about canary {number}, which is not there")
        attribute = facts.canaries[number].attribute
        if wrong := set(named) - set(facts.options[attribute]):
            raise AuditError(
                f"probe {probe.name} reads {min(wrong)!r} in an answer, which is no {attribute}; return options of "
                "the canary's attribute alone"
            )
    return {canary.number: frozenset(found.get(canary.number, ())) for canary in facts.canaries}


def hits_and_chances(facts: Facts, readings: Readings, canaries: Sequence[Canary]) -> tuple[Mask, Array]:
    """Return (n,) whether each canary's value is among the options read, and (n,) the chance of that at the null.

    Parameters
    ----------
    facts
        With values.
    readings
        From `readings_of`.
    canaries
        Which of them.
    """
    named = [readings[canary.number] for canary in canaries]
    hits = [canary.value in of for canary, of in zip(canaries, named, strict=True)]
    chances = [len(of) / len(facts.options[canary.attribute]) for canary, of in zip(canaries, named, strict=True)]
    return np.array(hits, dtype=bool), np.array(chances, dtype=np.float64)


def shuffled(options: Sequence[str], seed: int, probe: str, number: int) -> list[str]:
    """Return options in an order that depends on the seed, the probe and the number of the canary alone."""
    rng = generator(seed, Kind.PROMPT, name_key(probe), number)
    return [options[i] for i in rng.permutation(len(options))]


def said(replies: Replies, key: str) -> str:
    """Return all that an agent said to a prompt, as one text; nothing where it failed."""
    return "\n".join(replies.get(key, ()))
