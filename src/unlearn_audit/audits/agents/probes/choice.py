"""A probe that gives the agent all options to choose from."""

from __future__ import annotations

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.probes.base import Probe, Prompt, Replies, said, shuffled
from unlearn_audit.audits.agents.reading import first_named, without_lists


class Choice(Probe):
    """All options in a random order, one of which is to be chosen."""

    name = "choice"

    def prompts(self, facts: Facts, seed: int) -> list[Prompt]:
        """Return one prompt for each canary, the options in a new order each time."""
        return [Prompt(of.number, (self._question(facts, of, seed),), str(of.number)) for of in facts.canaries]

    def _question(self, facts: Facts, canary: Canary, seed: int) -> str:
        options = ", ".join(shuffled(facts.options[canary.attribute], seed, self.name, canary.number))
        return f"Which one is the {canary.attribute} of {canary.person}: {options}? Answer with one of them."

    def read(self, facts: Facts, replies: Replies) -> dict[int, frozenset[str]]:
        """Return the option that each answer names first, not counting where it repeats the list.

        Of an answer that only repeats the list the first is taken, which is right with the chance of any other.
        """
        readings = {}
        for canary in facts.canaries:
            answer, options = said(replies, str(canary.number)), facts.options[canary.attribute]
            readings[canary.number] = first_named(without_lists(answer, options), options) or first_named(
                answer, options
            )
        return readings
