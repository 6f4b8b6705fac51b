"""What is worth saying of an audit's data, models and tables beside its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unlearn_audit.engine import WorldStats
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.observations import Observations
from unlearn_audit.report.findings import Spread
from unlearn_audit.worlds.prepare import Records


def described(task: SideTask, table: Observations, stats: WorldStats) -> Observations:
    """Write into a table what a reader of its file would want to know of it."""
    metadata = {
        "model": task.source.name,
        "regime": str(task.unlearner.regime),
        "overfitting": list(stats.overfitting),
    }
    return replace(table, metadata=metadata)


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
    """Say what was done to the data, what repeats, and what training warned of."""
    notes = [
        f"{of.data.name}: {note}" for of in {id(r): r for r in records.values()}.values() for note in of.data.notes
    ]
    notes += repeats(tables)
    for side in tables:
        for text, count in sorted(stats[side].warnings.items()):
            notes.append(f"{side} side: training warned {count:,} times: {text}")
    return notes


def repeats(tables: Mapping[str, Observations]) -> list[str]:
    """Say where unseen records were asked of several pairs."""
    notes = []
    for side, table in tables.items():
        asked = table.rows.loc[table.rows["role"] == "unseen", "record"]
        if asked.nunique() < len(asked):
            notes.append(
                f"{side} side: {asked.nunique():,} unseen records were asked {len(asked):,} times; they repeat across "
                "pairs"
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
