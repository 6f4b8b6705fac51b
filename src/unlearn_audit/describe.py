"""What is worth saying of an audit's data, models and tables beside its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.metrics import common_values
from unlearn_audit.observations import Observations
from unlearn_audit.observations.table import group_values
from unlearn_audit.report.findings import Spread
from unlearn_audit.worlds.prepare import Records

MOST_TEXTS = 20
"""How many different texts of warnings are kept a side."""

_LEARNED_NOTHING = (
    "learned nothing: an accuracy on the training records no better than a constant guess; try more epochs or steps, "
    "another learning rate, or standardised features"
)
"""What a neural network's own warning says, which quotes no record."""


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


def grouped(table: Observations, records: Records) -> Observations:
    """Write into a table what its records hold in the columns by which risk is told; rare values are not named."""
    at = np.searchsorted(records.data.record_ids, table.rows["record"].to_numpy())
    holders = records.units.codes
    groups = {name: common_values(group_values(of), holders)[at] for name, of in records.columns.items()}
    return replace(table, groups=groups)


def side_details(task: SideTask) -> dict[str, Any]:
    """Return what one side trained on and asked."""
    data, plan = task.data, task.plan
    return {
        "dataset": data.name,
        "records": len(data),
        "features": int(data.X.shape[1]),
        "classes": list(data.class_names),
        "model": task.source.name,
        "worlds": plan.n_worlds,
        "trainable": len(plan.pool.train),
        "unseen_pool": len(plan.unseen),
        "trainings": plan.n_trainings,
        "scenario": plan.scenario.model_dump(),
        **plan.sizes.model_dump(exclude={"shadow", "target"}),
    }


def notes_on(
    records: Mapping[str, Records], tables: Mapping[str, Observations], stats: Mapping[str, WorldStats]
) -> list[str]:
    """Say what was done to the data, what repeats, and how often training warned.

    Notes are published, and the text of a warning can quote records or paths: only its category is told. The
    texts are in `warning_texts`.
    """
    notes = [
        f"{of.data.name}: {note}" for of in {id(r): r for r in records.values()}.values() for note in of.data.notes
    ]
    notes += repeats(tables)
    for side in stats:
        categories = Counter[str]()
        for text, count in stats[side].warnings.items():
            categories[_category(text)] += count
        if learned_nothing := categories.pop("TrainingWarning", 0):
            trainings = "1 training" if learned_nothing == 1 else f"{learned_nothing:,} trainings"
            notes.append(f"{side} side: {trainings} {_LEARNED_NOTHING}")
        for category, count in sorted(categories.items()):
            times = "once" if count == 1 else f"{count:,} times"
            notes.append(f"{side} side: training warned {times} ({category})")
    return notes


def warning_texts(stats: Mapping[str, WorldStats]) -> dict[str, dict[str, int]]:
    """Return, by side, what training warned of most and how often, at most `MOST_TEXTS` texts a side.

    Not for publication: the text of a warning can quote records or paths.
    """
    found = {}
    for side, of_side in stats.items():
        often = sorted(of_side.warnings.items(), key=lambda item: (-item[1], item[0]))
        if often:
            found[side] = dict(often[:MOST_TEXTS])
    return found


def _category(text: str) -> str:
    """Return the class of a warning told as ``Category: message``."""
    category, colon, _ = text.partition(":")
    return category if colon and category.isidentifier() else "Warning"


def repeats(tables: Mapping[str, Observations]) -> list[str]:
    """Say where unseen records were asked of several pairs."""
    notes = []
    for side, table in tables.items():
        asked = table.rows.loc[table.rows["role"] == "unseen", "record"]
        times = asked.value_counts()
        if len(times) < len(asked):
            notes.append(
                f"{side} side: {len(times):,} unseen records were asked {len(asked):,} times, each of them at most "
                f"{times.max():,} times; they repeat across pairs"
            )
    return notes


def table_details(table: Observations) -> dict[str, Any]:
    """Return what a table holds."""
    roles, counts = np.unique(table.roles, return_counts=True)
    return {
        "rows": len(table),
        "worlds": len(np.unique(table.worlds)),
        "versions": table.n_versions,
        "classes": list(table.classes),
        "partial": table.partial,
        **{f"rows_{role}": int(count) for role, count in zip(roles, counts, strict=True)},
    }


def spread(values: Sequence[float]) -> Spread:
    """Return minimum, mean and maximum."""
    return Spread(minimum=min(values), mean=sum(values) / len(values), maximum=max(values), n=len(values))


def said_of_classes(shadow: Sequence[str], target: Sequence[str]) -> str:
    """Say which class of the attacker's data stands for which of the target's."""
    pairs = ", ".join(f"{one} for {other}" for one, other in zip(shadow, target, strict=True))
    return f"the shadow data has other classes; in the attacks its classes stand, in their order, {pairs}"
