"""Membership inference on log-likelihoods: of the agent before the deletion, after it, and of both together.

φ is the log-likelihood of a fact's true value less that of all V options together. Δφ = φ_before - φ_after. With enough
facts that were never ingested, some of them serve as references, whose Δφ show how much a deletion moves everything,
attribute by attribute; ours (``pair-scale``), see docs/attacks.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.order import drawn
from unlearn_audit.audits.agents.phases import BOTH, Phase
from unlearn_audit.audits.agents.recovered import groups
from unlearn_audit.metrics import auc_interval
from unlearn_audit.utils.typing import Array, Interval

PAIR_SCALE = "pair-scale"
"""The score that references put on a scale."""

FLOOR = 1e-6
"""A scale below this counts as this: what is smaller is rounding."""

DIGITS = 9
"""Decimals of φ: log-likelihoods that differ by less are tied."""

FEWEST = 4
"""Deleted facts and facts never ingested, each, that figures need."""

FEWEST_REFERENCES = 6
"""References that ``pair-scale`` needs."""

FEWEST_OF_ONE = 3
"""References of one attribute with which it has a scale of its own."""


@dataclass(frozen=True)
class LossAttack:
    """One membership inference attack.

    Attributes
    ----------
    name
        Its score.
    memory
        Whether memory was on.
    sees
        ``before``, ``after`` or ``both versions``.
    auc, interval
        Of facts that were ingested and deleted against facts never ingested, with its 95 % interval; None where all
        scores are alike, from which no interval follows.
    deleted, never
        How many of either.
    """

    name: str
    memory: bool
    sees: str
    auc: float
    interval: Interval | None
    deleted: int
    never: int


def loss_attacks(facts: Facts, heard: Heard, seed: int) -> list[LossAttack]:
    """Return every attack on log-likelihoods; none where the agent offers none, or of `too_few` facts.

    Where half of the facts never ingested are enough references, they are drawn at random, ``pair-scale`` is computed,
    and all attacks score the other half. Otherwise all are scored, without ``pair-scale``.
    """
    of_group = groups(facts)
    never, deleted = drawn(of_group["never ingested"], seed, "references"), of_group["deleted"]
    if too_few(len(deleted), len(never)) is not None:
        return []
    n_references = len(never) // 2 if len(never) // 2 >= FEWEST_REFERENCES else 0
    references, others = never[:n_references], never[n_references:]
    found = []
    for memory in BOTH:
        phases = Phase("before", memory), Phase("after", memory)
        if not all(set_of(heard, phase, [*deleted, *never]) for phase in phases):
            continue
        scored = [*deleted, *others]
        before, after = (phi(facts, scored, heard, phase) for phase in phases)
        scores = {
            ("likelihood before", "before"): before,
            ("likelihood after", "after"): after,
            ("fall in likelihood", "both versions"): before - after,
        }
        if references:
            fell = phi(facts, references, heard, phases[0]) - phi(facts, references, heard, phases[1])
            scaled = on_the_scale(before - after, _attributes(scored), fell, _attributes(references))
            scores[PAIR_SCALE, "both versions"] = scaled
        for (name, sees), score in scores.items():
            found.append(_attack(name, sees, np.round(score, DIGITS), len(deleted), memory=memory))
    return found


def too_few(deleted: int, never: int) -> str | None:
    """Return why so many facts give no figures; None if they do.

    Examples
    --------
    >>> too_few(9, 3), too_few(9, 4)
    ('9 deleted facts and 3 never ingested are too few; at least 4 of each are needed.', None)
    """
    if min(deleted, never) >= FEWEST:
        return None
    return f"{deleted} deleted facts and {never} never ingested are too few; at least {FEWEST} of each are needed."


def _attack(name: str, sees: str, score: Array, deleted: int, *, memory: bool) -> LossAttack:
    """Measure scores of which those of the deleted come first."""
    estimate = auc_interval(score, np.arange(len(score)) < deleted, None)
    interval = None if (score == score[0]).all() else estimate.interval
    return LossAttack(name, memory, sees, estimate.value, interval, deleted, len(score) - deleted)


def _attributes(canaries: Sequence[Canary]) -> list[str]:
    return [canary.attribute for canary in canaries]


def set_of(heard: Heard, phase: Phase, canaries: list[Canary]) -> bool:
    """Return whether log-likelihoods of all facts are known in a phase."""
    known = heard.log_probabilities.get(phase, {})
    return all(canary.number in known for canary in canaries)


def phi(facts: Facts, canaries: list[Canary], heard: Heard, phase: Phase) -> Array:
    """Return (n,) φ = log p(true value) - log of the sum of p over all options."""
    values = np.array([heard.log_probabilities[phase][canary.number] for canary in canaries], dtype=np.float64)
    own = np.array([facts.options[canary.attribute].index(canary.value) for canary in canaries])
    return np.asarray(np.round(values[np.arange(len(own)), own] - np.logaddexp.reduce(values, axis=1), DIGITS))


def on_the_scale(
    change: Array, attributes: Sequence[str], of_references: Array, attributes_of_references: Sequence[str]
) -> Array:
    """Return (n,) (Δφ - median Δφ_r)/b, with b the mean distance of Δφ_r from their median.

    References r of the same attribute count, or all together where there are fewer than `FEWEST_OF_ONE` of it.

    Examples
    --------
    >>> references, of = np.array([0.0, 1.0, 2.0, 0.0, 10.0, 20.0]), ["bank"] * 3 + ["doctor"] * 3
    >>> on_the_scale(np.array([3.0, 30.0]), ["bank", "doctor"], references, of).round(3).tolist()
    [3.0, 3.0]
    """
    asked, known = np.asarray(attributes), np.asarray(attributes_of_references)
    scaled = np.empty(len(change))
    for attribute in np.unique(asked):
        own = of_references[known == attribute]
        references = own if len(own) >= FEWEST_OF_ONE else of_references
        middle = np.median(references)
        scale = max(float(np.abs(references - middle).mean()), FLOOR)
        scaled[asked == attribute] = (change[asked == attribute] - middle) / scale
    return scaled
