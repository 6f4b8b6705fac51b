"""From a subject to the arms of its audit: which worlds each side trains, or why they cannot be had."""

from __future__ import annotations

from collections.abc import Mapping

from unlearn_audit.attacks.influence import one_training_suffices
from unlearn_audit.attacks.run import FEWEST_ROWS
from unlearn_audit.audits.membership.arms import Arm, plan_arms
from unlearn_audit.audits.membership.task import Subject
from unlearn_audit.config import AuditConfig
from unlearn_audit.defenses.base import check_defenses
from unlearn_audit.engine.probes import check_probes
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.evaluate import expected_attacks
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds import WorldPlan, per_record_plans, plan_worlds
from unlearn_audit.worlds.canaries import with_canaries
from unlearn_audit.worlds.prepare import Records

SIDE_NAMES = ("shadow", "target")


def plan_audit(subject: Subject, claims: Claims | None = None) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Return the arms of an audit with their worlds, the undefended one first, and notes on what was adjusted.

    Parameters
    ----------
    subject
        The audit.
    claims
        Finds out which regime a model really runs; by default anew.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, or the attacks could not be run on them.
    """
    config, records, models = subject.config, subject.records, subject.models
    if len(records["shadow"].data.class_names) != len(records["target"].data.class_names):
        raise AuditError(
            f"shadow data {records['shadow'].data.name} has {len(records['shadow'].data.class_names)} classes and "
            f"target data {records['target'].data.name} {len(records['target'].data.class_names)}; an attack on "
            "posteriors of one width cannot read another, so choose data with as many classes"
        )
    plans, notes = _plan(config, records)
    _refuse_before_training(subject, plans)
    if config.worlds.canaries == "mislabelled":
        records, said = with_canaries(records, plans, config.seed)
        notes = (*notes, *said)
    arms = plan_arms(config, records, models, plans, claims or Claims())
    notes = (*notes, *(note for arm in arms for note in arm.notes))
    regime_notes = arms[0].regime_notes
    if regime_notes["shadow"] and regime_notes["shadow"] != regime_notes["target"]:
        notes = (*notes, Caution(f"shadow side: {regime_notes['shadow']}"))
    return arms, notes


def _plan(config: AuditConfig, records: Mapping[str, Records]) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Plan both sides, on one dataset or, under transfer, on two."""
    if records["shadow"] is records["target"]:
        both = records["target"]
        plans, said = plan_worlds(
            both.split, both.units, config.worlds, config.scenario, config.seed, both.data.name, SIDE_NAMES
        )
        return (per_record_plans(plans, both.data.name) if config.worlds.layout == "per-record" else plans), said
    if config.worlds.layout == "per-record":
        raise AuditError("per-record worlds audit the same records on both sides; leave the shadow dataset out")
    plans = {}
    notes: list[str] = []
    for side in SIDE_NAMES:
        of = records[side]
        more, said = plan_worlds(of.split, of.units, config.worlds, config.scenario, config.seed, of.data.name, (side,))
        plans |= more
        notes += said
    return plans, tuple(notes)


def _refuse_before_training(subject: Subject, plans: Mapping[str, WorldPlan]) -> None:
    """Raise where the attacks could not be run on what would be trained."""
    config, shadow = subject.config, plans["shadow"]
    if config.worlds.probes:
        for side, plan in plans.items():
            check_probes(subject.records[side].data, plan.references)
    check_defenses(config.defenses, len(subject.records["target"].data.class_names))
    expected_attacks(config, influence=has_influence(subject))
    rows = shadow.n_worlds * shadow.sizes.deletions * int(shadow.scenario.size) * shadow.scenario.versions
    if rows < FEWEST_ROWS:
        raise AuditError(
            f"the shadow side would have {rows:,} deleted records to fit attacks on, fewer than {FEWEST_ROWS}; "
            "use more shadow worlds or deletions"
        )


def has_influence(subject: Subject) -> bool:
    """Return whether the attacker can compute the influence of records, from records of the same data.

    Of some models it takes one training, of any other one for each record: that is done for attacks asked for by name.
    """
    same_data = subject.records["shadow"] is subject.records["target"]
    return same_data and (one_training_suffices(subject.models["target"]) or subject.config.attacks is not None)
