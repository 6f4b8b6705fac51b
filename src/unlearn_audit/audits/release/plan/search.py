"""The least costly policy under which releases keep to a target, found by trial releases and checked on others.

Every policy is tried on releases of the owner's own model: people are drawn from those in training, the model is
retrained without them, and both versions are asked. What a policy guarantees is a bound that 95 % of its releases keep
to, with a confidence of 95 % for all policies at once, since the search would else guarantee what the luckiest of many
reached. The chosen policy is then tried on further releases, of other people and with other references.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta, chi2_contingency

from unlearn_audit.audits.release.examine import ReleaseSettings
from unlearn_audit.audits.release.owner_data import OwnerData, TrialReleases
from unlearn_audit.audits.release.plan.policies import Policy, Utility, cost, policies
from unlearn_audit.audits.release.plan.settings import BATCHES, PlanSettings
from unlearn_audit.audits.release.plan.trials import MOST_REFERENCES, halves_of, try_policies
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import draws_needed, references_needed
from unlearn_audit.utils.progress import Reporter
from unlearn_audit.utils.typing import Array

_UNLIKELY = 1e-6
"""A p-value below which people held out are held not to be drawn from those in training."""


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
class ReleasePlan:
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


def search(releases: TrialReleases, settings: PlanSettings, reporter: Reporter) -> ReleasePlan:
    """Return the least costly policy that keeps to the target, with every other that was tried.

    Raises
    ------
    AuditError
        If there are too few people, or too few trial releases for any guarantee; it says how many are needed.
    """
    # a model that cannot keep each draw with its record runs in the nearest regime, and is said to
    in_regimes = [releases.in_regime(regime) for regime in settings.regimes]
    regimes = tuple(dict.fromkeys(one.retrain.regime for one in in_regimes))
    options = policies(settings.batches, settings.decimals, regimes)
    error = (1 - settings.confidence) / len(options)
    needed = draws_needed(settings.share, error)
    if settings.releases < needed:
        raise AuditError(
            f"a guarantee for {100 * settings.share:g} % of releases, {len(options)} policies allowed for, needs at "
            f"least {needed:,} trial releases of each, and {settings.releases:,} were requested; raise --releases"
        )
    _check_classes(releases.owner)
    halves = halves_of(releases, settings)
    references = min(MOST_REFERENCES, *(len(half.held_out) for half in halves))
    leaks, gains = try_policies(releases, settings, options, halves[0], references, settings.releases, 0, reporter)
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
    tried.sort(key=lambda one: one.cost)
    chosen = next((one for one in tried if one.met), None)
    checked = np.empty(0)
    if chosen is not None:
        again, _ = try_policies(
            releases, settings, [chosen.policy], halves[1], references, settings.checks, settings.releases, reporter
        )
        checked = again[chosen.policy]
    notes = (*releases.owner.data.notes, *dict.fromkeys(one.note for one in in_regimes if one.note))
    return ReleasePlan(settings, tuple(tried), before, chosen, checked, references, notes)


def fitting_batches(owner: OwnerData, examination: ReleaseSettings) -> tuple[int, ...]:
    """Return the batches of `BATCHES` for which there are enough people, the smallest in any case."""
    training, held_out = (len(np.unique(owner.persons.codes[rows])) // 2 for rows in (owner.training, owner.held_out))
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
    sides = (np.unique(owner.persons.codes[rows]) for rows in (owner.training, owner.held_out))
    names = owner.data.class_names
    counts = np.stack(
        [np.bincount(owner.data.y[owner.persons.first_rows(side)], minlength=len(names)) for side in sides]
    )
    there = np.flatnonzero(counts.any(axis=0))
    if len(there) < 2 or chi2_contingency(counts[:, there]).pvalue >= _UNLIKELY:
        return
    training, held_out = counts / counts.sum(axis=1, keepdims=True)
    k = int(np.abs(training - held_out).argmax())
    raise AuditError(
        f"references are of other classes than people in training: {names[k]!r} are {100 * held_out[k]:.3g} % of them "
        f"and {100 * training[k]:.3g} % in training; draw references at random from the same people, or omit "
        "--reference"
    )
