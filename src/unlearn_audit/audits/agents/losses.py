"""Membership inference on log-likelihoods: of the agent before the deletion, after it, and of both together.

φ is the log-likelihood of a fact's true value less that of all V options together. Δφ = φ_before - φ_after. Facts that
were never ingested serve as references, whose Δφ show how much a deletion moves everything; ours (``pair-scale``), see
docs/attacks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.order import drawn
from unlearn_audit.audits.agents.phases import BOTH, Phase
from unlearn_audit.metrics import auc_interval
from unlearn_audit.utils.typing import Array, Interval

FLOOR = 1e-6
"""A scale below this counts as this: what is smaller is rounding."""

FEWEST = 4
"""References, deleted facts and facts never ingested, each, that figures need."""


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
        Of facts that were ingested and deleted against facts never ingested, with its 95 % interval.
    deleted, never
        How many of either.
    """

    name: str
    memory: bool
    sees: str
    auc: float
    interval: Interval
    deleted: int
    never: int


def loss_attacks(facts: Facts, heard: Heard, seed: int) -> list[LossAttack]:
    """Return every attack on log-likelihoods; none where the agent offers none, or too few facts.

    Of the facts never ingested, half are references, drawn at random; the others are scored.
    """
    plain = [canary for canary in facts.audited if not canary.linked]
    never = drawn([canary for canary in plain if not canary.ingested], seed, "references")
    references, others = never[: len(never) // 2], never[len(never) // 2 :]
    deleted = [canary for canary in plain if canary.ingested]
    if min(len(references), len(others), len(deleted)) < FEWEST:
        return []
    found = []
    for memory in BOTH:
        phases = [Phase(name, memory) for name in ("before", "after")]
        if any(not set_of(heard, phase, [*deleted, *never]) for phase in phases):
            continue
        before, after = (phi(facts, [*deleted, *others], heard, phase) for phase in phases)
        of_references = phi(facts, references, heard, phases[0]) - phi(facts, references, heard, phases[1])
        scores = {
            ("likelihood before", "before"): before,
            ("likelihood after", "after"): after,
            ("fall in likelihood", "both versions"): before - after,
            ("pair-scale", "both versions"): on_the_scale(before - after, of_references),
        }
        positive = np.arange(len(deleted) + len(others)) < len(deleted)
        for (name, sees), score in scores.items():
            estimate = auc_interval(score, positive, None)
            found.append(LossAttack(name, memory, sees, estimate.value, estimate.interval, len(deleted), len(others)))
    return found


def set_of(heard: Heard, phase: Phase, canaries: list[Canary]) -> bool:
    """Return whether log-likelihoods of all facts are known in a phase."""
    known = heard.log_probabilities.get(phase, {})
    return all(canary.number in known for canary in canaries)


def phi(facts: Facts, canaries: list[Canary], heard: Heard, phase: Phase) -> Array:
    """Return (n,) φ = log p(true value) - log of the sum of p over all options."""
    values = np.array([heard.log_probabilities[phase][canary.number] for canary in canaries], dtype=np.float64)
    own = np.array([facts.options[canary.attribute].index(canary.value) for canary in canaries])
    return np.asarray(values[np.arange(len(own)), own] - np.logaddexp.reduce(values, axis=1))


def on_the_scale(change: Array, of_references: Array) -> Array:
    """Return (n,) (Δφ - median Δφ_r)/b, with b the mean distance of Δφ_r from their median.

    Examples
    --------
    >>> on_the_scale(np.array([3.0, 1.0]), np.array([0.0, 1.0, 2.0])).round(3).tolist()
    [3.0, 0.0]
    """
    middle = np.median(of_references)
    return np.asarray((change - middle) / max(float(np.abs(of_references - middle).mean()), FLOOR))
