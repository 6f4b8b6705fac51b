"""An audit is planned once: which worlds each side trains, which attacks meet them, or why they cannot be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from unlearn_audit.attacks.influence import Influence, one_training_suffices
from unlearn_audit.attacks.shadow_side import FEWEST_ROWS
from unlearn_audit.audits.membership.arms import Arm, plan_arms
from unlearn_audit.audits.membership.labels_alone import notes_on_labels
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine.probes import check_probes
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_worlds
from unlearn_audit.observations.views import sees_versions
from unlearn_audit.unlearning import options_of
from unlearn_audit.unlearning.training import passes_on
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds import Withdrawn, WorldPlan, per_record_plans, plan_withdrawals, plan_worlds
from unlearn_audit.worlds.canaries import with_canaries
from unlearn_audit.worlds.prepare import Records

SIDE_NAMES = ("shadow", "target")


@dataclass(frozen=True)
class AuditPlan:
    """What an audit will do.

    Attributes
    ----------
    task
        What is asked, of which records and models.
    arms
        The ways of training, the undefended one first.
    attacks
        The attacks of each game, and the defences they are tried under.
    notes
        What was adjusted.
    """

    task: AuditTask
    arms: tuple[Arm, ...]
    attacks: AttackPlan
    notes: tuple[str, ...]

    @property
    def undefended(self) -> Arm:
        """The undefended arm."""
        return self.arms[0]

    @property
    def regime(self) -> str:
        """The regime that the target side really runs."""
        return str(self.undefended.tasks["target"].unlearner.regime)

    @property
    def regime_note(self) -> str | None:
        """Why that is not the regime asked for."""
        return self.undefended.regime_notes["target"]

    def arm(self, name: str) -> Arm:
        """Return the arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)

    def noting(self, *notes: str) -> AuditPlan:
        """Return the plan with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def with_influence(self, influence: Influence | None) -> AuditPlan:
        """Return the plan with what deletions change, or without the attacks that need it."""
        return replace(self, attacks=self.attacks.with_influence(influence))

    def with_target_worlds(self, number: int) -> AuditPlan:
        """Return the plan with another number of target worlds; those it had stay the same."""
        return replace(self, arms=tuple(arm.with_target_worlds(number) for arm in self.arms))


def plan_audit(task: AuditTask, claims: Claims | None = None) -> AuditPlan:
    """Decide all that an audit will do, before anything big is trained.

    Parameters
    ----------
    task
        The audit.
    claims
        Finds out which regime a model really runs; by default anew.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, or the attacks could not be run on them.
    """
    config, records = task.config, task.records
    if len(records["shadow"].data.class_names) != len(records["target"].data.class_names):
        raise AuditError(
            f"shadow data {records['shadow'].data.name} has {len(records['shadow'].data.class_names)} classes and "
            f"target data {records['target'].data.name} {len(records['target'].data.class_names)}; an attack on "
            "posteriors of one width cannot read another, so choose data with the same number of classes"
        )
    worlds, notes = _plan_worlds(task)
    attacks = _plan_attacks(task, worlds)
    notes = (*notes, *notes_on_labels(task, attacks))
    if config.worlds.canaries == "mislabelled":
        records, messages = with_canaries(records, worlds, config.seed)
        notes = (*notes, *messages)
    arms = plan_arms(replace(task, records=records), worlds, attacks.defenses, claims or Claims())
    notes = (*notes, *(note for arm in arms for note in arm.notes))
    regime_notes = arms[0].regime_notes
    if regime_notes["shadow"] and regime_notes["shadow"] != regime_notes["target"]:
        notes = (*notes, Caution(f"shadow side: {regime_notes['shadow']}"))
    return AuditPlan(task, arms, attacks, notes)


def _plan_worlds(task: AuditTask) -> tuple[Mapping[str, WorldPlan], tuple[str, ...]]:
    """Plan both sides, on one dataset or, under transfer, on two."""
    config, records = task.config, task.records
    if config.scenario.name == "class":
        return _plan_withdrawals(task)
    if records["shadow"] is records["target"]:
        both = records["target"]
        plans, messages = _plan_sides(config, both, SIDE_NAMES)
        if config.worlds.layout == "per-record":
            with both.duplicates_named():
                plans = per_record_plans(plans, both.data.name)
        return plans, messages
    if config.worlds.layout == "per-record":
        raise AuditError("per-record worlds audit the same records on both sides; leave the shadow dataset out")
    plans = {}
    notes: list[str] = []
    for side in SIDE_NAMES:
        more, messages = _plan_sides(config, records[side], (side,))
        plans |= more
        notes += messages
    return plans, tuple(notes)


def _plan_withdrawals(task: AuditTask) -> tuple[Mapping[str, WorldPlan], tuple[str, ...]]:
    """Plan both sides where a class or a list is deleted at once."""
    config, both = task.config, task.records["target"]
    if not task.same_data:
        raise AuditError("scenario class deletes the same classes on both sides; leave the shadow dataset out")
    if config.worlds.layout == "per-record":
        raise AuditError("per-record worlds delete one record at a time; leave the layout out with the scenario class")
    labels = np.searchsorted(both.data.class_values, both.data.y)
    withdrawn = Withdrawn.of(config.scenario, labels, both.data.class_names, task.listed)
    with both.duplicates_named():
        return plan_withdrawals(
            both.split, both.persons, config.worlds, config.scenario, config.seed, both.data.name, withdrawn
        )


def _plan_sides(
    config: AuditConfig, records: Records, sides: tuple[str, ...]
) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Plan the sides that draw on one dataset."""
    name, classes = records.data.name, np.searchsorted(records.data.class_values, records.data.y)
    with records.duplicates_named():
        return plan_worlds(
            records.split, records.persons, config.worlds, config.scenario, config.seed, name, sides, classes
        )


def _plan_attacks(task: AuditTask, worlds: Mapping[str, WorldPlan]) -> AttackPlan:
    """Choose the attacks, or raise where they could not be run on what would be trained."""
    config, shadow = task.config, worlds["shadow"]
    if config.worlds.probes:
        for side, plan in worlds.items():
            check_probes(task.records[side].data, plan.references)
    options_of(config.unlearning)
    available = available_in_worlds(
        config,
        [plan.sizes for plan in worlds.values()],
        influence=_has_influence(task),
        posteriors=not any(source.labels_alone for source in task.models.values()),
    )
    attacks = AttackPlan.of(config, available, len(task.records["target"].data.class_names))
    # the first game is the one to lead with
    if not any(sees_versions(attack.view) for attack in next(iter(attacks.by_game.values())).runs):
        raise AuditError(
            "an audit needs an attack on both versions, to lead and to compare with; leave --attack none or "
            f"--attack-model none out, or name one (unlearn-audit list attacks){_seen_in_labels(attacks)}"
        )
    rows = shadow.n_deletions
    if rows < FEWEST_ROWS:
        raise AuditError(
            f"the shadow side would have {rows:,} deleted records to fit attacks on, fewer than {FEWEST_ROWS}; "
            f"use more shadow worlds{'' if config.scenario.name == 'class' else ' or deletions'}"
        )
    return attacks


def _has_influence(task: AuditTask) -> bool:
    """Return whether the attacker can compute what deletions change, from records of the same data.

    For some models it takes one training, for any other one for each record: that is done for attacks asked for by
    name.
    """
    source, data = task.models["target"], task.records["target"].data
    suffices = one_training_suffices(source) and not passes_on(source, data)
    return task.same_data and (suffices or task.config.attacks is not None)


def _seen_in_labels(attacks: AttackPlan) -> str:
    """Return which attacks would be left where models give labels alone, as the end of a sentence."""
    if all(of.posteriors for of in attacks.available.values()):
        return ""
    return "; the model gives only labels, in which label-gap and the feature direct-diff can see something"
