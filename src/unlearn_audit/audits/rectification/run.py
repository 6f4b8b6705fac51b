"""Makes worlds in which records are corrected, and measures what two versions tell of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from unlearn_audit.attacks.choose import FEWEST_REFERENCES
from unlearn_audit.audits.identification.ranking import observe_defended
from unlearn_audit.audits.identification.refused import refuse_unsupported
from unlearn_audit.audits.membership.arms import plan_arms
from unlearn_audit.audits.membership.execution import Execution, WorldMaker
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.rectification.corrections import RectificationPlan
from unlearn_audit.audits.rectification.evidence import Evidence, fitted_columns, fitted_records, right_first
from unlearn_audit.config import AuditConfig, ScenarioConfig
from unlearn_audit.defenses import UNDEFENDED, parse_defense
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Clusters, Estimate, auc_interval, share
from unlearn_audit.utils.seeds import Kind, integer_seed
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array
from unlearn_audit.worlds import WorldPlan, plan_worlds

_IGNORED = "rectify has its own queries and its own attacks, and --{flag} would change nothing; leave it out"

NOT_HERE = {
    **dict.fromkeys(("worlds.layout", "worlds.canaries", "worlds.probes", "worlds.unseen"), _IGNORED),
    **dict.fromkeys(("games", "views", "features", "attack_models", "attacks", "fit_rows", "groups"), _IGNORED),
    "unlearning_measures": _IGNORED,
    "retraining_arm": "rectify audits one unlearning method, without arms to compare it with; leave --{flag} out",
    "scenario": "rectify handles one record at a time, which each update corrects; leave --{flag} out",
    "until": "rectify needs a fixed number of target worlds; leave --{flag} out, give --target-worlds",
}
"""By key or block of a configuration, why a rectification has none of its options."""

FEWEST_CORRECTIONS = 20
"""Corrections on the shadow side that attacks are fitted on."""


@dataclass(frozen=True)
class Rectification:
    """What two versions tell of a corrected value.

    Attributes
    ----------
    null
        Whether each value was written anew as it was.
    corrections, unchanged, columns
        Corrected records and unchanged ones that were asked about, over all worlds, and columns in a line-up.
    column
        Share of corrections whose column was found; the chance level is 1 / ``columns``.
    value
        AUC of the old against the new value of the column that was corrected.
    record
        AUC of corrected against unchanged records.
    still
        Share of corrections at which no answer moved, at the old value nor at the new one.
    notes
        What a reader should know.
    regime, regime_note
        What the target side really ran, and what is to be known of it.
    """

    null: bool
    corrections: int
    unchanged: int
    columns: int
    column: Estimate
    value: Estimate
    record: Estimate
    still: float
    notes: tuple[str, ...] = ()
    regime: str = "unknown"
    regime_note: str | None = None

    @property
    def chance(self) -> float:
        """The share of columns that guessing tells."""
        return 1 / self.columns

    def figures(self) -> tuple[tuple[str, Estimate, float], ...]:
        """Return each figure in words, with its chance level."""
        return (
            ("column found, share", self.column, self.chance),
            ("old from new value, AUC", self.value, 0.5),
            ("corrected from unchanged records, AUC", self.record, 0.5),
        )

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON; they name nobody."""
        figures = {name: getattr(self, name) for name in ("column", "value", "record")}
        return {
            "null": self.null,
            "corrections": self.corrections,
            "unchanged": self.unchanged,
            "columns": self.columns,
            "chance": self.chance,
            **{name: of.value for name, of in figures.items()},
            **{f"{name}_ci": list(of.interval) for name, of in figures.items()},
            "still": self.still,
            "regime": self.regime,
            "regime_note": self.regime_note,
            "notes": list(self.notes),
        }


def rectify(task: AuditTask, execution: Execution, columns: int = 20, *, null: bool = False) -> Rectification:
    """Correct one value of each of some records, and measure what the two versions tell of it.

    The attacker knows a record as it was and, of up to ``columns`` of its columns, another value each: one of these
    corrections was made, each as likely as another. It queries both versions about the record and every correction,
    and learns from shadow worlds, whose corrections it made itself, what a correction looks like.

    Parameters
    ----------
    task
        The audit: its worlds correct the records that those of single deletions delete.
    execution
        How it is run.
    columns
        How many columns a line-up has at most.
    null
        Whether each value is written anew as it was, so that there is nothing to tell.

    Raises
    ------
    AuditError
        If something is asked that it cannot do, or there are too few records.
    """
    check(task, columns)
    with execution.around(task.config):
        return _rectify(task, execution, columns, null)


def check(task: AuditTask, columns: int) -> None:
    """Raise what `rectify` raises of what is asked, before anything is made.

    Raises
    ------
    AuditError
        If something is asked that it cannot do, or there are too few records.
    """
    refuse_unsupported(task, "rectify")
    usual = AuditConfig(target=task.config.target)
    for key, why in NOT_HERE.items():
        if _value(task.config, key) != _value(usual, key):
            raise AuditError(why.format(flag=_flag(key)))
    if columns < 2:
        raise AuditError(f"--columns {columns} leaves nothing to choose between; give at least 2")
    if task.config.target.data.encoding == "one-hot":
        raise AuditError(
            "rectify corrects one value of a record, and one-hot makes several columns of a category; leave the "
            "encoding out"
        )
    worlds = task.config.worlds
    if worlds.shadow * worlds.deletions < FEWEST_CORRECTIONS:
        raise AuditError(
            f"{worlds.shadow * worlds.deletions:,} corrections on the shadow side are too few to learn from; use "
            f"{FEWEST_CORRECTIONS} or more (--shadow-worlds, --deletions)"
        )
    _worlds(task)


def _value(config: AuditConfig, key: str) -> Any:
    """Return what a configuration holds under the names of a key, joined by dots."""
    return reduce(getattr, key.split("."), config)


def _flag(key: str) -> str:
    """Return the option that sets a key of a configuration, without its dashes."""
    *blocks, name = key.split(".")
    model: Any = AuditConfig
    for block in blocks:
        model = model.model_fields[block].annotation
    extra = model.model_fields[name].json_schema_extra or {}
    return str(extra.get("flag") or name.replace("_", "-"))


def _rectify(task: AuditTask, execution: Execution, columns: int, null: bool) -> Rectification:
    maker = WorldMaker.of(task.config, execution)
    notes = maker.reuse.notes(task.models.values())
    plans, more = _plans(task, columns, null=null)
    data = {side: replace(task.records[side], data=plan.line_ups.data) for side, plan in plans.items()}
    config = task.config.model_copy(update={"retraining_arm": False})
    given = [parse_defense(text) for text in config.defenses if text != UNDEFENDED]
    defense = next(iter(given), None)
    arms = plan_arms(replace(task, config=config, records=data), plans, given, maker.claims())
    arm = arms[0] if defense is None else next(of for of in arms if of.name == defense.training)
    notes = (*notes, *more, *arms[0].notes, *(arm.notes if arm is not arms[0] else ()))
    observed = observe_defended([arm.tasks["shadow"], arm.tasks["target"]], maker, defense)
    show = execution.reporter.stage("Fitting attacks", 1)
    with one_thread():
        shadow, target = (Evidence.of(plans[side], observed[side]) for side in ("shadow", "target"))
        seed = integer_seed(task.config.seed, Kind.CORRECTION)
        of_columns, of_records = fitted_columns(shadow, target, seed), fitted_records(shadow, target, seed)
    show(1)
    found = summarise(target, of_columns, of_records, null=null)
    regime, regime_note = str(arm.tasks["target"].unlearner.regime), arm.regime_notes["target"]
    return replace(found, notes=notes, regime=regime, regime_note=regime_note)


def _worlds(task: AuditTask) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Return the plan of each side, which deletes the records that are to be corrected, and what to say of it."""
    records, config = task.records["target"], task.config
    # a correction takes one record away and adds one, as online learning does
    scenario = ScenarioConfig(name="online")
    with records.duplicates_named():
        worlds, notes = plan_worlds(
            records.split,
            records.persons,
            config.worlds,
            scenario,
            config.seed,
            records.data.name,
            ("shadow", "target"),
            np.searchsorted(records.data.class_values, records.data.y),
        )
    references = len(worlds["target"].references)
    if references < FEWEST_REFERENCES:
        raise AuditError(
            f"{references} reference records say too little about a pair's scale; {FEWEST_REFERENCES} are needed; ask "
            "for more (--references) or audit more records"
        )
    return worlds, notes


def _plans(task: AuditTask, columns: int, *, null: bool) -> tuple[dict[str, RectificationPlan], tuple[str, ...]]:
    """Return the plan of each side, and what to say of it."""
    records = task.records["target"]
    worlds, notes = _worlds(task)
    # values are drawn as all records have them, so that both sides have the same columns to choose from
    everyone = np.concatenate([records.split.shadow.all, records.split.target.all])
    plans = {
        side: RectificationPlan.of(plan, records.data, everyone, columns, null=null) for side, plan in worlds.items()
    }
    return plans, notes


def summarise(target: Evidence, of_columns: Array, of_records: Array, *, null: bool) -> Rectification:
    """Return the figures of the target side.

    Parameters
    ----------
    target
        What its pairs show.
    of_columns
        (corrected, k) scores of each correction of a line-up.
    of_records
        (subjects,) scores of corrected and unchanged records.
    null
        Whether values were written anew as they were.
    """
    own = target.of_corrected()
    clusters = Clusters(own.worlds, own.records)
    apart = own.old_from_new
    twice = Clusters(np.tile(own.worlds, 2), np.tile(own.records, 2))
    return Rectification(
        null=null,
        corrections=len(own.true),
        unchanged=int((~target.corrected).sum()),
        columns=own.steps.shape[1],
        column=share(right_first(of_columns, own.true), clusters),
        value=auc_interval(np.concatenate([apart, -apart]), np.arange(2 * len(apart)) < len(apart), twice),
        record=auc_interval(of_records, target.corrected, Clusters(target.worlds, target.records)),
        still=own.still,
    )
