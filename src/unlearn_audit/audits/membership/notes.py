"""What should be known of an audit's data, models and tables besides its figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unlearn_audit.data.rows import n_features
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.findings.notes import Note, as_note
from unlearn_audit.findings.result import Result, Selected, is_selected
from unlearn_audit.findings.sections import Spread
from unlearn_audit.findings.tables import NONE, RETRAINING
from unlearn_audit.metrics import common_values
from unlearn_audit.metrics.claims import GAP
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.observations import Observations
from unlearn_audit.observations.posteriors import rounding_note
from unlearn_audit.observations.table import READ_AS, ROLES, ROUNDED, group_values
from unlearn_audit.report.wording import attack_words, number
from unlearn_audit.unlearning.forgetting import WholeClassWarning
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds.prepare import Records

MOST_TEXTS = 20
"""How many different texts of warnings are kept a side."""

SMALLEST_GAP = 0.05
"""Difference of two AUCs below which it is not mentioned."""

MOST_GAPS = 5
"""How many attacks with such a difference are named."""

_GAP = (
    "the shadow side does not represent the target. Look for columns that mean something different there, such as ids, "
    "and for a different population; the attack chosen on shadow worlds may not be the strongest"
)

_LEARNED_NOTHING = (
    "learned nothing: an accuracy on the training records no better than a constant guess; try more epochs or steps, "
    "another learning rate, or standardised features"
)
"""What a neural network's own warning says, which quotes no record."""

_WHOLE_CLASS = "forgot every training record of a class, so none of that class was retained"

StatsByArm = Mapping[tuple[str, str], WorldStats]
"""What is known of the models besides their answers, by arm and side."""


def described(task: SideTask, table: Observations, stats: WorldStats) -> Observations:
    """Write into a table what a reader of its file would want to know of it."""
    metadata: dict[str, Any] = {
        "model": task.source.name,
        "regime": str(task.unlearner.regime),
        "overfitting": list(stats.overfitting),
    }
    if task.plan.sizes.canaries != "none":
        metadata["canaries"] = task.plan.sizes.canaries
    return replace(table, metadata=metadata)


def attach_groups(table: Observations, records: Records) -> Observations:
    """Write into a table what its records hold in the columns to group by; rare values are not named."""
    at = np.searchsorted(records.data.record_ids, table.rows["record"].to_numpy())
    holders = records.persons.codes
    groups = {name: common_values(group_values(of), holders)[at] for name, of in records.columns.items()}
    return replace(table, groups=groups)


def side_details(task: SideTask) -> dict[str, Any]:
    """Return what one side trained on and asked."""
    data, plan = task.data, task.plan
    return {
        "dataset": data.name,
        "records": len(data),
        **({} if data.persons is None else {"persons": len(np.unique(data.persons))}),
        "features": n_features(data.X),
        "classes": list(data.class_names),
        "model": task.source.name,
        "worlds": plan.n_worlds,
        "trainable": len(plan.pool.train),
        "unseen_pool": len(plan.unseen),
        "trainings": plan.n_trainings,
        "scenario": plan.scenario.model_dump(),
        **plan.sizes.model_dump(exclude={"shadow", "target"}),
    }


def notes_on(records: Mapping[str, Records], tables: Mapping[str, Observations], stats: StatsByArm) -> list[Note]:
    """Say what was done to the data, what repeats, and how often training warned.

    Notes are published, and the text of a warning can quote records or paths: only its category is given. The
    texts are in `warning_texts`.
    """
    notes = [
        as_note(note, of.data.name) for of in {id(r): r for r in records.values()}.values() for note in of.data.notes
    ]
    notes += repeats(tables)
    for (arm, side), of_side in stats.items():
        categories = Counter[str]()
        for text, count in of_side.warnings.items():
            categories[_category(text)] += count
        where = _where(arm, f"{side} side")
        if learned_nothing := categories.pop("TrainingWarning", 0):
            trainings = "1 training" if learned_nothing == 1 else f"{learned_nothing:,} trainings"
            notes.append(as_note(Caution(f"{where}: {trainings} {_LEARNED_NOTHING}")))
        if whole := categories.pop(WholeClassWarning.__name__, 0):
            requests = "1 request" if whole == 1 else f"{whole:,} requests"
            notes.append(as_note(f"{where}: {requests} {_WHOLE_CLASS}"))
        for category, count in sorted(categories.items()):
            times = "once" if count == 1 else f"{count:,} times"
            notes.append(as_note(f"{where}: training warned {times} ({category})"))
    return notes


def _where(arm: str, side: str) -> str:
    """Say in which models of a side something was seen.

    Examples
    --------
    >>> [_where(arm, "target side") for arm in ("none", "retraining", "dp-sgd:4")]
    ['target side', 'target side, exact retraining', 'target side under dp-sgd:4']
    """
    if arm == UNDEFENDED:
        return side
    words = {RETRAINING: "exact retraining", NONE: "no unlearning"}
    return f"{side}, {words[arm]}" if arm in words else f"{side} under {arm}"


def parameters_of(stats: StatsByArm) -> dict[str, Any]:
    """Return how many parameters the undefended originals of each side have, where that is known."""
    of_sides = {side: of.parameters for (arm, side), of in stats.items() if arm == UNDEFENDED}
    return {side: min_mean_max(counts).model_dump() for side, counts in of_sides.items() if counts}


def warning_texts(stats: StatsByArm) -> dict[str, dict[str, int]]:
    """Return, by arm and side, what training warned of most and how often, at most `MOST_TEXTS` texts each.

    Not for publication: the text of a warning can quote records or paths.
    """
    found = {}
    for (arm, side), of_side in stats.items():
        often = sorted(of_side.warnings.items(), key=lambda item: (-item[1], item[0]))
        if often:
            found[_where(arm, side)] = dict(often[:MOST_TEXTS])
    return found


def _category(text: str) -> str:
    """Return the class of a warning written as ``Category: message``."""
    category, colon, _ = text.partition(":")
    return category if colon and category.isidentifier() else "Warning"


def repeats(tables: Mapping[str, Observations]) -> list[Note]:
    """Say where unseen records were asked of several pairs."""
    notes = []
    for side, table in tables.items():
        asked = table.rows["record"].to_numpy()[table.in_roles("unseen")]
        times = np.unique(asked, return_counts=True)[1]
        if len(times) < len(asked):
            message = (
                f"{side} side: {len(times):,} unseen records were queried {len(asked):,} times, each of them at most "
                f"{times.max():,} times; they repeat across pairs"
            )
            notes.append(as_note(message))
    return notes


def roundings(tables: Mapping[str, Observations]) -> list[Note]:
    """Say how files were read that are not of the plain form, and where posteriors are rounded."""
    readings = [
        as_note(f"the {side} file was read as follows: {sentence}")
        for side, table in tables.items()
        for sentence in table.metadata.get(READ_AS, ())
    ]
    return readings + [
        as_note(f"{side} side: {rounding_note('the table', table.metadata[ROUNDED])}")
        for side, table in tables.items()
        if ROUNDED in table.metadata
    ]


def gaps(results: Sequence[Result], selected: Selected) -> list[Note]:
    """Warn, in one note, of attacks whose AUCs on shadow worlds and on the target differ more than errors explain.

    Compared are the selected attack, at a confidence of 99 %, and the others of its game on all rows, together at as
    much (Bonferroni); by Student's t with Welch's degrees of freedom. A difference of less than `SMALLEST_GAP` is of no
    consequence, however sure.
    """
    leading = next((r for r in results if is_selected(r, selected) and r.rows == "all"), None)
    others = [
        r
        for r in results
        if (r.game, r.rows, r.defense, r.adaptive) == (selected.game, "all", selected.defense, True)
        and not is_selected(r, selected)
    ]
    apart = [r for r in others if differs(r, (1 - GAP) / len(others))]
    apart.sort(key=lambda r: abs((r.shadow_auc or 0.0) - r.auc), reverse=True)
    named = ", ".join(
        f"{attack_words(r.attack, r.attack_model)} ({number(r.shadow_auc)}; {number(r.auc)})" for r in apart[:MOST_GAPS]
    )
    if len(apart) > MOST_GAPS:
        named += f" and {len(apart) - MOST_GAPS:,} more"
    if leading is not None and differs(leading, 1 - GAP):
        message = (
            f"the attack chosen, {attack_words(leading.attack, leading.attack_model)}, reached an AUC of "
            f"{number(leading.shadow_auc)} on shadow worlds and {number(leading.auc)} on the target, further apart "
            "than their standard errors explain"
        )
        message += f", as are those of {named}" if apart else ""
    elif apart:
        message = (
            f"AUCs on shadow worlds and on the target are further apart than their standard errors explain, of {named}"
        )
    else:
        return []
    return [as_note(Caution(f"{message}: {_GAP}"))]


def differs(result: Result, error_rate: float) -> bool:
    """Return whether an attack's two AUCs differ, by a two-sided test; False where an error is not known."""
    errors, freedoms = (result.shadow_auc_error, result.auc_error), (result.shadow_auc_freedom, result.auc_freedom)
    if result.shadow_auc is None or None in errors or None in freedoms:
        return False
    gap = abs(result.shadow_auc - result.auc)
    variances = np.square(np.array(errors, dtype=np.float64))
    if gap < SMALLEST_GAP or not variances.sum():
        return gap >= SMALLEST_GAP
    freedom = variances.sum() ** 2 / (variances**2 / np.array(freedoms, dtype=np.float64)).sum()
    return gap > t_quantile(float(freedom), 1 - error_rate) * math.sqrt(variances.sum())


def table_details(table: Observations) -> dict[str, Any]:
    """Return what a table holds."""
    roles = {role: int(table.in_roles(role).sum()) for role in sorted(ROLES)}
    return {
        "rows": len(table),
        "worlds": len(np.unique(table.worlds)),
        "versions": table.n_versions,
        "classes": list(table.classes),
        "partial": table.partial,
        **{f"rows_{role}": count for role, count in roles.items() if count},
    }


def min_mean_max(values: Sequence[float]) -> Spread:
    """Return minimum, mean and maximum."""
    return Spread(minimum=min(values), mean=sum(values) / len(values), maximum=max(values), n=len(values))


def note_on_classes(shadow: Sequence[str], target: Sequence[str]) -> str:
    """Say which class of the attacker's data stands for which of the target's."""
    pairs = ", ".join(f"{one} for {other}" for one, other in zip(shadow, target, strict=True))
    return f"the shadow data has different classes; in the attacks its classes take the place, in order, {pairs}"
