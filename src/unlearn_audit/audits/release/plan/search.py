"""The least costly policy under which releases keep to a target, found by trial releases and checked on others.

Every policy is tried on releases of the owner's own model: people are drawn from those in training, the model is
retrained without them, and both versions are asked. What a policy guarantees is a bound that 95 % of its releases keep
to, with a confidence of 95 % for all policies at once, since the search would else guarantee what the luckiest of many
reached. The chosen policy is then tried on further releases, of other people and with other references.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, chi2_contingency

from unlearn_audit.audits.release.examine import ReleaseSettings, examine
from unlearn_audit.audits.release.owner_data import OwnerData, Positions, Releases
from unlearn_audit.audits.release.plan.policies import Policy, Utility, as_released, cost, policies, rounded
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import draws_needed, references_needed, upper_tolerance_bound
from unlearn_audit.models.regimes import Regime
from unlearn_audit.utils.progress import Reporter
from unlearn_audit.utils.seeds import Kind, generator

Array = npt.NDArray[np.float64]

MOST_REFERENCES = 2000
"""The most people never in training that one trial release is compared with."""

BATCHES = (1, 2, 5, 10, 20, 50, 100)
"""People a release that are tried by default, as far as there are enough people for them."""

_UNLIKELY = 1e-6
"""A p-value below which people held out are held not to be drawn from those in training."""

_JUDGED = 20
"""Unlearned models whose answers are judged: they hardly differ."""


@dataclass(frozen=True)
class Target:
    """What every guarantee is held against.

    Attributes
    ----------
    kind
        ``identified``: how many of a release's people can be identified; ``rank``: the mean rank of its people among
        all who are looked at, 1 the most suspicious.
    value
        The most that may be identified; or the least rank.
    """

    kind: Literal["identified", "rank"]
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Return the target that ``identified``, ``identified:N`` or ``rank:N`` stands for.

        Raises
        ------
        AuditError
            If it is none of these.

        Examples
        --------
        >>> Target.parse("identified"), Target.parse("rank:100")
        (Target(kind='identified', value=0.0), Target(kind='rank', value=100.0))
        """
        kind, _, number = text.partition(":")
        # `told` is what it was called until findings of releases had the layout 2
        known: dict[str, Literal["identified", "rank"]] = {
            "identified": "identified",
            "told": "identified",
            "rank": "rank",
        }
        if kind in known and (number.isdigit() or (kind != "rank" and not number)):
            return cls(known[kind], float(number or 0))
        raise AuditError(
            f"no target '{text}'; use identified (nobody), identified:N (at most N), or rank:N (at least N)"
        )

    def met(self, guarantee: float) -> bool:
        """Return whether a guarantee is good enough."""
        return guarantee <= self.value if self.kind == "identified" else guarantee >= self.value

    def keeps(self, leaks: Array, guarantee: float) -> npt.NDArray[np.bool_]:
        """Return which releases keep to a guarantee."""
        return leaks <= guarantee if self.kind == "identified" else leaks >= guarantee

    def bound(self, leaks: Array, share: float, error: float) -> float | None:
        """Return what a share of releases keeps to, but with probability ``error``; None if there are too few."""
        if self.kind == "identified":
            return upper_tolerance_bound(leaks, share, error)
        found = upper_tolerance_bound(-leaks, share, error)
        return None if found is None else -found


@dataclass(frozen=True)
class PlanSettings:
    """What is searched, and how sure a guarantee is.

    Attributes
    ----------
    target
        What must be kept to.
    batches, decimals, regimes
        What policies are made of.
    releases, checks
        Trial releases of each policy, and of the one chosen on others.
    share, confidence
        A guarantee is kept by this share of releases, with this confidence for all policies at once.
    waiting
        What each doubling of the batch costs, in points of accuracy.
    examination
        How each release is examined.
    """

    target: Target
    batches: tuple[int, ...] = BATCHES
    decimals: tuple[int | None, ...] = (None, 4, 3, 2, 1)
    regimes: tuple[Regime, ...] = (Regime.FIXED,)
    releases: int = 200
    checks: int = 200
    share: float = 0.95
    confidence: float = 0.95
    waiting: float = 0.1
    examination: ReleaseSettings = field(default_factory=ReleaseSettings)


@dataclass(frozen=True, eq=False)
class Tried:
    """A policy and what its trial releases showed.

    Attributes
    ----------
    policy
        The policy.
    leaks
        (releases,) what the target is about.
    guarantee
        What at least the share asked for of its releases keeps to.
    met
        Whether that is good enough.
    utility
        Of its answers, on records held out.
    cost
        In points.
    """

    policy: Policy
    leaks: Array
    guarantee: float
    met: bool
    utility: Utility
    cost: float


@dataclass(frozen=True, eq=False)
class Plan:
    """What the search found.

    Attributes
    ----------
    tried
        Every policy, by cost.
    before
        Utility of the original's answers as they are.
    chosen
        The least costly policy whose guarantee meets the target; None if there is none.
    checked
        (checks,) its leaks on releases of other people, with other references.
    references
        How many people never in training each release is compared with.
    notes
        One sentence each.
    """

    settings: PlanSettings
    tried: tuple[Tried, ...]
    before: Utility
    chosen: Tried | None
    checked: Array
    references: int
    notes: tuple[str, ...]

    @property
    def kept(self) -> tuple[float, float, float] | None:
        """The share of checked releases that keep to the guarantee, with its 95 % interval; None if none was chosen."""
        if self.chosen is None or not len(self.checked):
            return None
        n = len(self.checked)
        k = int(self.settings.target.keeps(self.checked, self.chosen.guarantee).sum())
        low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
        high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        return k / n, low, high


@dataclass(frozen=True, eq=False)
class _Half:
    """People of whom trial releases are made, and people never in training to compare them with."""

    training: Positions
    held_out: Positions


def search(releases: Releases, settings: PlanSettings, reporter: Reporter) -> Plan:
    """Return the least costly policy that keeps to the target, with every other that was tried.

    Raises
    ------
    AuditError
        If there are too few people, or too few trial releases for any guarantee; it says how many are needed.
    """
    # a model that cannot keep each draw with its record runs in the nearest regime, and is said to
    in_regimes = [releases.in_regime(regime) for regime in settings.regimes]
    regimes = tuple(dict.fromkeys(of.retrain.regime for of in in_regimes))
    options = policies(settings.batches, settings.decimals, regimes)
    error = (1 - settings.confidence) / len(options)
    needed = draws_needed(settings.share, error)
    if settings.releases < needed:
        raise AuditError(
            f"a guarantee for {100 * settings.share:g} % of releases, {len(options)} policies allowed for, needs at "
            f"least {needed:,} trial releases of each, and {settings.releases:,} were asked for; raise --releases"
        )
    _check_classes(releases.owner)
    halves = _halves(releases, settings)
    references = min(MOST_REFERENCES, *(len(half.held_out) for half in halves))
    leaks, gains = _try(releases, settings, options, halves[0], references, settings.releases, 0, reporter)
    held_out = releases.owner.held_out
    labels = releases.owner.data.y[held_out].astype(np.int64)
    answers = releases.answers(releases.original.model, held_out)
    before = Utility.of(answers, labels)
    tried = []
    for policy in options:
        guarantee = settings.target.bound(leaks[policy], settings.share, error)
        assert guarantee is not None
        utility = gains[policy]
        own = cost(policy, gains[replace(policy, decimals=None)], utility, settings.waiting)
        tried.append(Tried(policy, leaks[policy], guarantee, settings.target.met(guarantee), utility, own))
    tried.sort(key=lambda of: of.cost)
    chosen = next((of for of in tried if of.met), None)
    checked = np.empty(0)
    if chosen is not None:
        again, _ = _try(
            releases, settings, [chosen.policy], halves[1], references, settings.checks, settings.releases, reporter
        )
        checked = again[chosen.policy]
    notes = (*releases.owner.data.notes, *dict.fromkeys(of.note for of in in_regimes if of.note))
    return Plan(settings, tuple(tried), before, chosen, checked, references, notes)


def fitting_batches(owner: OwnerData, examination: ReleaseSettings) -> tuple[int, ...]:
    """Return the batches of `BATCHES` for which there are enough people, the smallest in any case."""
    training, held_out = (len(np.unique(owner.persons.codes[of])) // 2 for of in (owner.training, owner.held_out))
    fit = [
        batch
        for batch in BATCHES
        if 2 * batch <= training
        and references_needed(batch, 1 - examination.confidence, examination.control) <= min(held_out, MOST_REFERENCES)
    ]
    return tuple(fit or BATCHES[:1])


def _check_classes(owner: OwnerData) -> None:
    """Raise if people held out are of other classes than people in training.

    Trial releases delete people at random and compare them with held-out ones of every class, as is right where both
    are drawn from the same people, and needs fewer of them than a comparison within classes.

    Raises
    ------
    AuditError
        If chance would make classes differ so much in fewer than one in a million draws.
    """
    sides = (np.unique(owner.persons.codes[of]) for of in (owner.training, owner.held_out))
    names = owner.data.class_names
    counts = np.stack([np.bincount(owner.data.y[owner.persons.first_rows(of)], minlength=len(names)) for of in sides])
    there = np.flatnonzero(counts.any(axis=0))
    if len(there) < 2 or chi2_contingency(counts[:, there]).pvalue >= _UNLIKELY:
        return
    training, held_out = counts / counts.sum(axis=1, keepdims=True)
    k = int(np.abs(training - held_out).argmax())
    raise AuditError(
        f"references are of other classes than people in training: {names[k]!r} are {100 * held_out[k]:.3g} % of them "
        f"and {100 * training[k]:.3g} % in training; draw references at random from the same people, or leave "
        "--reference out"
    )


def _halves(releases: Releases, settings: PlanSettings) -> tuple[_Half, _Half]:
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
    return _Half(sides[0][0], sides[1][0]), _Half(sides[0][1], sides[1][1])


def _try(
    releases: Releases,
    settings: PlanSettings,
    options: Sequence[Policy],
    half: _Half,
    references: int,
    count: int,
    first: int,
    reporter: Reporter,
) -> tuple[dict[Policy, Array], dict[Policy, Utility]]:
    """Return the leak of each policy's trial releases, and the mean utility of their answers."""
    ways = sorted({(of.regime, of.batch) for of in options})
    done = reporter.stage("Trial releases", len(ways) * count)
    leaks: dict[Policy, Array] = {}
    gains: dict[Policy, Utility] = {}
    held_out = releases.owner.held_out
    labels = releases.owner.data.y[held_out].astype(np.int64)
    for w, (regime, batch) in enumerate(ways):
        here = [of for of in options if (of.regime, of.batch) == (regime, batch)]
        # the same people and references whatever the regime, so that regimes are compared fairly
        drawn = generator(settings.examination.seed, Kind.RELEASE, first + 1, batch)
        gone = [drawn.choice(half.training, batch, replace=False) for _ in range(count)]
        known = [drawn.choice(half.held_out, references, replace=False) for _ in range(count)]
        of_here: dict[Policy, list[float]] = {of: [] for of in here}
        # what rounding costs is judged on the same models, so that the luck of a retraining costs nothing
        quality: dict[Policy, list[Utility]] = {of: [] for of in (*here, Policy(batch, None, regime))}
        for i, (pair, model) in enumerate(releases.in_regime(regime).pairs(gone, known, first)):
            answers: Any = releases.answers(model, held_out) if i < _JUDGED else None
            for of in here:
                examined = examine(as_released(pair, of.decimals), settings.examination, first + i, by_kind=False)
                of_here[of].append(_leak(settings.target, examined))
            if answers is not None:
                for of, judged in quality.items():
                    judged.append(Utility.of(rounded(answers, of.decimals), labels))
            done(w * count + i + 1)
        leaks |= {of: np.array(values) for of, values in of_here.items()}
        gains |= {
            of: Utility(float(np.mean([u.accuracy for u in us])), float(np.mean([u.brier for u in us])))
            for of, us in quality.items()
        }
    return leaks, gains


def _leak(target: Target, examined: Any) -> float:
    if target.kind == "identified":
        return float(examined.identified.sum())
    return float(examined.persons.ranks.mean())
