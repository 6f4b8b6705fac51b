"""Trial releases: people drawn from those in training are deleted, and both versions are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.audits.release.examine import Examined, examine
from unlearn_audit.audits.release.owner_data import TrialReleases
from unlearn_audit.audits.release.plan.policies import Policy, Utility, as_released, rounded
from unlearn_audit.audits.release.plan.settings import PlanSettings, Target
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import references_needed
from unlearn_audit.utils.progress import Reporter
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Array, Positions

MOST_REFERENCES = 2000
"""The most people never in training that one trial release is compared with."""

_JUDGED = 20
"""Unlearned models whose answers are judged: they hardly differ."""


@dataclass(frozen=True, eq=False)
class Half:
    """People of whom trial releases are made, and people never in training to compare them with."""

    training: Positions
    held_out: Positions


def halves_of(releases: TrialReleases, settings: PlanSettings) -> tuple[Half, Half]:
    """Return two halves of the people in training and of those held out: one to search with, one to check with.

    Raises
    ------
    AuditError
        If one is too small for the largest batch.
    """
    owner, drawn = releases.owner, generator(settings.examination.seed, Kind.RELEASE, int(Kind.SPLIT))
    sides = []
    for rows in (owner.training, owner.held_out):
        people = drawn.permutation(np.unique(owner.persons.codes[rows]))
        sides.append((people[: len(people) // 2], people[len(people) // 2 :]))
    largest = max(settings.batches)
    examination = settings.examination
    needed = references_needed(largest, 1 - examination.confidence, examination.control)
    for what, most, halves in (("training", largest, sides[0]), ("held out", needed, sides[1])):
        if len(halves[0]) < most:
            raise AuditError(
                f"releases of {largest:,} people at once need at least {2 * most:,} people {what}, half of them to "
                f"check the guarantee with, and there are {len(halves[0]) + len(halves[1]):,}; give more, or "
                "smaller --batch"
            )
    return Half(sides[0][0], sides[1][0]), Half(sides[0][1], sides[1][1])


def try_policies(
    releases: TrialReleases,
    settings: PlanSettings,
    options: Sequence[Policy],
    half: Half,
    references: int,
    count: int,
    first: int,
    reporter: Reporter,
) -> tuple[dict[Policy, Array], dict[Policy, Utility]]:
    """Return the leak of each policy's trial releases, and the mean utility of their answers."""
    ways = sorted({(policy.regime, policy.batch) for policy in options})
    done = reporter.stage("Trial releases", len(ways) * count)
    leaks: dict[Policy, Array] = {}
    gains: dict[Policy, Utility] = {}
    held_out = releases.owner.held_out
    labels = releases.owner.data.y[held_out].astype(np.int64)
    for w, (regime, batch) in enumerate(ways):
        here = [policy for policy in options if (policy.regime, policy.batch) == (regime, batch)]
        # the same people and references whatever the regime, so that regimes are compared fairly
        drawn = generator(settings.examination.seed, Kind.RELEASE, first + 1, batch)
        gone = [drawn.choice(half.training, batch, replace=False) for _ in range(count)]
        known = [drawn.choice(half.held_out, references, replace=False) for _ in range(count)]
        leaks_here: dict[Policy, list[float]] = {policy: [] for policy in here}
        # what rounding costs is judged on the same models, so that the luck of a retraining costs nothing
        quality: dict[Policy, list[Utility]] = {policy: [] for policy in (*here, Policy(batch, None, regime))}
        for i, (pair, model) in enumerate(releases.in_regime(regime).pairs(gone, known, first)):
            for policy in here:
                examined = examine(as_released(pair, policy.decimals), settings.examination, first + i, by_kind=False)
                leaks_here[policy].append(_leak(settings.target, examined))
            if i < _JUDGED:
                answers = releases.answers(model, held_out)
                for policy, judged in quality.items():
                    judged.append(Utility.of(rounded(answers, policy.decimals), labels))
            done(w * count + i + 1)
        leaks |= {policy: np.array(values) for policy, values in leaks_here.items()}
        gains |= {policy: Utility.mean(judged) for policy, judged in quality.items()}
    return leaks, gains


def _leak(target: Target, examined: Examined) -> float:
    if target.kind == "identified":
        return float(examined.identified.sum())
    return float(examined.persons.ranks.mean())
