"""Which facts the answers of a phase hold, and how often: each probe alone, and all together.

Given the answers, a probe stands for a set C of options for each fact. If the answers do not depend on the values drawn, a
fact is hit with probability |C|/V, independently of all others, so the count of hits has a known distribution, and its
p-values are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.agents import Item
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe
from unlearn_audit.audits.agents.reading import named_options, names_person
from unlearn_audit.metrics import hits_p_value, proportion_interval, rank_sum_p_value
from unlearn_audit.utils.typing import Interval

COMBINED, STORED, PROBABILITY = "all probes together", "stored items", "log-probabilities"
"""What stands where the name of a probe does, for figures of no single probe."""

Readings = Mapping[int, frozenset[str]]
"""By number of the canary: the options that answers stand for."""


@dataclass(frozen=True)
class Rate:
    """How often facts were recovered.

    Attributes
    ----------
    moment, memory
        When, and whether memory was on.
    probe
        By which probe, or one of `COMBINED`, `STORED` and `PROBABILITY`.
    group
        Whose facts, see `groups`.
    hits, cases
        How many of how many.
    answered
        For how many of them there was an answer that stands for some option.
    chance
        The share that would be hit if answers did not depend on values.
    interval
        95 % (Clopper and Pearson) of the share of hits.
    p_value
        Of as many hits by chance.
    adjusted
        The same, with all that are judged together allowed for (Holm); None where it is not judged.
    """

    moment: str
    memory: bool
    probe: str
    group: str
    hits: int
    cases: int
    answered: int
    chance: float
    interval: Interval
    p_value: float
    adjusted: float | None = None

    @property
    def share(self) -> float:
        """The share of facts that was recovered; NaN of none."""
        return self.hits / self.cases if self.cases else float("nan")

    @property
    def phase(self) -> Phase:
        """When it was measured."""
        return Phase(self.moment, self.memory)


def groups(facts: Facts) -> dict[str, tuple[Canary, ...]]:
    """Return the facts by what was done with them: deleted, never ingested, derivable from others, kept."""
    plain = [canary for canary in facts.audited if not canary.linked]
    return {
        "deleted": tuple(canary for canary in plain if canary.ingested),
        "deleted, memory only": tuple(canary for canary in plain if canary.ingested and not canary.trained),
        "deleted, also trained on": tuple(canary for canary in plain if canary.ingested and canary.trained),
        "never ingested": tuple(canary for canary in plain if not canary.ingested),
        "derivable": tuple(canary for canary in facts.audited if canary.linked),
        "kept": tuple(facts.kept),
    }


def read(facts: Facts, probes: Mapping[str, Probe], heard: Heard, phase: Phase) -> dict[str, Readings]:
    """Return what each probe that was used in a phase reads in its answers, and what all of them together do."""
    texts = heard.texts(phase)
    found = {}
    for name, probe in probes.items():
        readings = probe.read(facts, texts)
        if any(prompt.key in texts for prompt in probe.prompts(facts, 0)):
            found[name] = readings
    return found | {COMBINED: combined(facts, found.values())} if found else {}


def combined(facts: Facts, readings: Iterable[Readings]) -> dict[int, frozenset[str]]:
    """Return the one option for which most answers stand, for each canary: an answer for k options gives 1/k to each.

    It depends on answers alone, never on the value: of equals the first in the order of the options is taken.
    """
    votes: dict[int, dict[str, float]] = {}
    for reading in readings:
        for number, options in reading.items():
            for option in options:
                of = votes.setdefault(number, {})
                of[option] = of.get(option, 0.0) + 1 / len(options)
    found = {}
    for canary in facts.canaries:
        of = votes.get(canary.number, {})
        best = max(of.values(), default=0.0)
        options = facts.options[canary.attribute]
        found[canary.number] = frozenset([o for o in options if of.get(o, 0.0) >= best - 1e-9][:1] if of else [])
    return found


def stored(facts: Facts, items: Sequence[Item]) -> dict[int, frozenset[str]]:
    """Return for each canary the options that stand in items of the memory which name or belong to the person."""
    found = {}
    for canary in facts.canaries:
        own = [item.text for item in items if item.person == canary.person or names_person(item.text, canary.person)]
        options = facts.options[canary.attribute]
        found[canary.number] = frozenset(option for text in own for option in named_options(text, options))
    return found


def rate(phase: Phase, probe: str, group: str, canaries: Sequence[Canary], readings: Readings, options: int) -> Rate:
    """Count the hits among some canaries.

    Parameters
    ----------
    phase, probe, group
        What is counted.
    canaries
        Of the group.
    readings
        What the answers stand for.
    options
        V, how many values an attribute can have.
    """
    sets = [readings.get(canary.number, frozenset()) for canary in canaries]
    hits = sum(canary.value in of for canary, of in zip(canaries, sets, strict=True))
    chances = np.array([len(of) / options for of in sets], dtype=np.float64)
    return Rate(
        phase.name,
        phase.memory,
        probe,
        group,
        hits,
        len(canaries),
        sum(map(bool, sets)),
        float(chances.mean()) if len(chances) else 0.0,
        proportion_interval(hits, len(canaries)),
        float(hits_p_value(hits, chances)),
    )


def ranks(facts: Facts, canaries: Sequence[Canary], of_phase: Mapping[int, Sequence[float]]) -> list[int]:
    """Return the rank of the true value among all options by log-probability, 1 for the most likely.

    Equal probabilities count against the fact: its rank is the last of the equals, so that p-values stay valid.
    """
    found = []
    for canary in canaries:
        values = of_phase.get(canary.number)
        if values is not None:
            own = values[facts.options[canary.attribute].index(canary.value)]
            found.append(sum(value >= own for value in values))
    return found


def probability_rate(facts: Facts, phase: Phase, group: str, canaries: Sequence[Canary], heard: Heard) -> Rate | None:
    """Return how often the true value is the most likely option; its p-value is that of the sum of ranks."""
    of_phase = heard.log_probabilities.get(phase)
    if of_phase is None:
        return None
    found = ranks(facts, canaries, of_phase)
    options = len(next(iter(facts.options.values())))
    hits = sum(rank == 1 for rank in found)
    return Rate(
        phase.name,
        phase.memory,
        PROBABILITY,
        group,
        hits,
        len(found),
        len(found),
        1 / options,
        proportion_interval(hits, len(found)),
        float(rank_sum_p_value(found, options)) if found else 1.0,
    )
