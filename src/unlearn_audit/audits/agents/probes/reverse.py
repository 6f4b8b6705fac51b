"""A probe that asks for the person and not for the value."""

from __future__ import annotations

from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.probes.base import Probe, Prompt, Replies, said
from unlearn_audit.audits.agents.reading import persons_named


class Reverse(Probe):
    """Who has each option of each attribute, asked once for every option that there is."""

    name = "reverse"

    def prompts(self, facts: Facts, seed: int) -> list[Prompt]:  # noqa: ARG002 - nothing is drawn
        """Return one prompt for each option of each attribute; none is about one canary alone."""
        return [
            Prompt(None, (f"Who has the {attribute} {option}?",), f"{attribute}: {option}")
            for attribute, options in facts.options.items()
            for option in options
        ]

    def read(self, facts: Facts, replies: Replies) -> dict[int, frozenset[str]]:
        """Return, for each canary, the options of its attribute for which the answer names the person."""
        persons = tuple(canary.person for canary in facts.canaries)
        named = {
            (attribute, option): persons_named(said(replies, f"{attribute}: {option}"), persons)
            for attribute, options in facts.options.items()
            for option in options
        }
        return {
            of.number: frozenset(
                option for option in facts.options[of.attribute] if of.person in named[of.attribute, option]
            )
            for of in facts.canaries
        }
