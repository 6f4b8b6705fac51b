"""Turns answers into findings: rates with exact intervals, what is significant, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from unlearn_audit.agents import OPTIONAL, Agent
from unlearn_audit.audits.agents.behaviour import behaviour
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.findings import AgentFindings, Receipt
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.losses import loss_attacks
from unlearn_audit.audits.agents.paths import paths, untested
from unlearn_audit.audits.agents.phases import BOTH, JUDGED, MOMENTS, Phase
from unlearn_audit.audits.agents.probes import Probe, Readings, hits_and_chances, prompts_of, readings_of
from unlearn_audit.audits.agents.probes.log_probabilities import orders_of, ranks_of
from unlearn_audit.audits.agents.recovered import (
    COMBINED,
    CONTENT,
    STORED,
    Rate,
    groups,
    probability_rate,
    rate,
    read,
    stored,
)
from unlearn_audit.audits.agents.traces import Trace, traces
from unlearn_audit.audits.agents.verdict import verdict
from unlearn_audit.metrics import epsilon_bound, exposure, holm_adjusted, leak_at_k

EXAMINED = (1, 2, 5, 10)
"""k of leak@k."""


class Assessment:
    """Everything that is computed from one audit's answers, each once.

    Parameters
    ----------
    facts
        What was planted.
    probes
        What was asked.
    heard
        What was answered.
    seed
        Of what is drawn.
    """

    def __init__(self, facts: Facts, probes: Mapping[str, Probe], heard: Heard, seed: int) -> None:
        self.facts, self.probes, self.heard, self.seed = facts, probes, heard, seed
        self.groups = groups(facts)
        self.options = len(next(iter(facts.options.values())))

    @cached_property
    def readings(self) -> dict[Phase, dict[str, Readings]]:
        """By phase and probe, or `COMBINED`: what the answers stand for."""
        phases = (Phase(name, memory) for name in MOMENTS for memory in BOTH)
        return {
            phase: read(self.facts, self.probes, self.heard, phase) for phase in phases if phase in self.heard.replies
        }

    @cached_property
    def orders(self) -> dict[Phase, dict[int, tuple[str, ...]]]:
        """By phase and canary: the options from the most to the least likely."""
        return {phase: orders_of(self.facts, of, self.seed) for phase, of in self.heard.log_probabilities.items()}

    @cached_property
    def stores(self) -> dict[str, Readings]:
        """By moment: the options that stored items hold next to a person."""
        return {name: stored(self.facts, items) for name, items in self.heard.dumps.items() if name in MOMENTS}

    def rates(self) -> list[Rate]:
        """Return all rates; those that are judged have p-values that allow for each other."""
        found = [
            rate(self.facts, phase, name, group, canaries, readings)
            for phase, of_phase in self.readings.items()
            for name, readings in of_phase.items()
            for group, canaries in self.groups.items()
            if canaries
        ]
        found += [
            rate(self.facts, Phase(name), STORED, group, canaries, readings)
            for name, readings in self.stores.items()
            for group, canaries in self.groups.items()
            if canaries
        ]
        for phase, orders in self.orders.items():
            for group, canaries in self.groups.items():
                ranks = ranks_of(orders, canaries)
                if len(ranks):
                    found.append(probability_rate(phase, group, ranks, self.options))
        allowing = iter(_allowing([of for of in found if _judged(of)]))
        return [next(allowing) if _judged(of) else of for of in found]

    def recovered(self) -> list[Canary]:
        """Return the deleted facts that answers after the deletion, all probes together, still hold."""
        readings = read(self.facts, self.probes, self.heard, Phase("after")).get(COMBINED, {})
        return [canary for canary in self.groups["deleted"] if canary.value in readings.get(canary.number, ())]

    def receipt(self) -> Receipt:
        """Return what was asked, claimed and found."""
        claims = {claim.person: claim.claimed for claim in self.heard.claims}
        claimed = [canary for canary in self.groups["deleted"] if claims.get(canary.person)]
        found, chance = {}, {}
        for moment in JUDGED:
            answered = self.readings.get(Phase(moment), {}).get(COMBINED)
            for name, readings in ((moment, answered), (f"{moment}, stored", self.stores.get(moment))):
                if readings is not None:
                    hit, chances = hits_and_chances(self.facts, readings, claimed)
                    found[name], chance[name] = int(hit.sum()), float(chances.sum())
        values = list(claims.values())
        return Receipt(len(values), values.count(True), values.count(False), values.count(None), found, chance)

    def epsilon(self) -> tuple[float, float] | None:
        """Return the lower bound on epsilon and its ceiling, None without data; a recovered fact is called ingested."""
        readings = self.readings.get(Phase("after"), {}).get(COMBINED)
        deleted, never = self.groups["deleted"], self.groups["never ingested"]
        if readings is None or not deleted or not never:
            return None
        hit = _hits(deleted, readings)
        bound = epsilon_bound(len(deleted) - hit, len(deleted), _hits(never, readings), len(never))
        return bound.value, bound.ceiling

    def exposures(self) -> dict[str, float]:
        """Return the mean exposure of deleted facts, in bits, by phase."""
        found = {}
        for phase, orders in self.orders.items():
            ranks = ranks_of(orders, self.groups["deleted"])
            if len(ranks):
                found[phase.key] = float(np.mean(exposure(ranks, self.options)))
        return found

    def leak_at(self) -> dict[int, float]:
        """Return by k the mean share of k answers' draws that hold the value, of facts that were recovered."""
        probe = self.probes.get("direct")
        if probe is None or not self.heard.samples:
            return {}
        keys = {of.canary: of.key for of in prompts_of(probe, self.facts, self.seed)}
        hits = []
        for number, texts in self.heard.samples.items():
            value = self.facts.canaries[number].value
            read_there = (readings_of(probe, self.facts, {keys[number]: (text,)})[number] for text in texts)
            hits.append((len(texts), sum(value in of for of in read_there)))
        most = min(n for n, _ in hits)
        return {k: float(np.mean([leak_at_k(n, c, k) for n, c in hits])) for k in EXAMINED if k <= most}


def assess(of: Assessment, agent: Agent, settings: Mapping[str, Any]) -> AgentFindings:
    """Return the findings of an audit."""
    rates, traced = of.rates(), _allowing(traces(of.facts, of.probes, of.heard, of.seed))
    lacking = tuple(name for name in OPTIONAL if name not in agent.offers)
    return AgentFindings(
        agent=agent.where,
        verdict=verdict(rates, traced, of.heard),
        rates=tuple(rates),
        paths=tuple(paths(rates, of.readings, of.groups["deleted"])),
        receipt=of.receipt(),
        traces=tuple(traced),
        attacks=tuple(loss_attacks(of.facts, of.heard, of.seed)),
        exposure=of.exposures(),
        epsilon=of.epsilon(),
        leak_at=of.leak_at(),
        items={name: len(items) for name, items in of.heard.dumps.items()},
        behaviour=behaviour(of.probes, of.heard, of.readings),
        untested=tuple(untested(lacking, of.heard)),
        notes=tuple(_notes(of)),
        settings=settings,
    )


_Tested = TypeVar("_Tested", Rate, Trace)


def _allowing(tested: Sequence[_Tested]) -> list[_Tested]:
    """Return figures whose p-values allow for each other (Holm)."""
    if not tested:
        return []
    adjusted = holm_adjusted(np.array([of.p_value for of in tested]))
    return [replace(of, adjusted=float(value)) for of, value in zip(tested, adjusted, strict=True)]


def _judged(rate: Rate) -> bool:
    """Return whether a rate is judged: that of every probe of deleted facts is, once they are deleted."""
    return rate.moment in JUDGED and rate.group == "deleted"


def _hits(canaries: Sequence[Canary], readings: Readings) -> int:
    return sum(canary.value in readings.get(canary.number, ()) for canary in canaries)


def _notes(of: Assessment) -> list[str]:
    """Return what a reader should know of how it was measured."""
    deleted, never = len(of.groups["deleted"]), len(of.groups["never ingested"])
    notes = [
        f"Values were drawn from {of.options} options each, so chance finds {100 / of.options:.2g} % of them.",
        f"A fair coin decided which facts were ingested: {deleted} were, and {never} were not; "
        f"{len(of.groups['derivable'])} more can be derived from documents that stay, and are counted apart.",
        f"Values count as found at {100 * CONTENT:.0f} %, with all probes and moments allowed for (Holm).",
    ]
    for episode, why in of.heard.stopped.items():
        notes.append(f"The episode '{episode}' ended early: {why}.")
    return notes
