"""Mislabelled canaries: every record that is audited gets a wrong label, in training and in what attackers see.

A model can only know a wrong label by heart. So where it learns by heart, such records are given away about as much as
any can be, and few shadow worlds show it (Du et al., ICML 2025, arXiv 2406.13348). What is measured is a worst case,
not the risk of ordinary records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.plan import WorldPlan
from unlearn_audit.worlds.prepare import Records

MANY = 0.1
"""Share of wrong labels above which the model itself is no longer the one that was to be audited."""


def with_canaries(
    records: Mapping[str, Records], plans: Mapping[str, WorldPlan], seed: int
) -> tuple[dict[str, Records], tuple[str, ...]]:
    """Give every record that is audited in any world a wrong label.

    Parameters
    ----------
    records, plans
        By side. Where both sides are of the same records they stay so.
    seed
        The seed of the audit.

    Returns
    -------
    records, notes
        Copies with wrong labels, by side; and how many labels are wrong.
    """
    planted: dict[int, Records] = {}
    wrong: dict[int, Positions] = {}
    for side_records in records.values():
        if id(side_records) not in planted:
            sides = [side for side, other in records.items() if other is side_records]
            wrong[id(side_records)] = np.unique(np.concatenate([plans[side].audited_in_any() for side in sides]))
            planted[id(side_records)] = replace(
                side_records, data=mislabelled(side_records.data, wrong[id(side_records)], seed)
            )
    shares = {side: _share(plan, wrong[id(records[side])]) for side, plan in plans.items()}
    described = ", ".join(f"{share:.2%} on the {side} side" for side, share in shares.items())
    number = sum(len(positions) for positions in wrong.values())
    notes = [
        f"{number:,} records, all that are audited in any world, are mislabelled canaries; of a world's training "
        f"records they make up {described}"
    ]
    if max(shares.values()) > MANY:
        notes.append(
            f"more than {MANY:.0%} of the labels are wrong, which changes the model itself: audit fewer worlds or "
            "deletions, or use the layout per-record"
        )
    return {side: planted[id(side_records)] for side, side_records in records.items()}, tuple(notes)


def mislabelled(data: Dataset, positions: Positions, seed: int) -> Dataset:
    """Return a copy in which some records have another label, each other class being as likely.

    Which it is depends on the seed and the id of the record alone.

    Parameters
    ----------
    data
        Records with their own labels.
    positions
        (m,) which of them.
    seed
        The seed of the audit.
    """
    k = len(data.class_values)
    steps = [generator(seed, Kind.CANARY, int(record)).integers(1, k) for record in data.record_ids[positions]]
    codes = np.searchsorted(data.class_values, data.y[positions]) + np.asarray(steps, dtype=np.int64)
    y = data.y.copy()
    y[positions] = data.class_values[codes % k]
    return replace(data, y=y, true_y=data.y)


def _share(plan: WorldPlan, wrong: Positions) -> float:
    """Return the mean share of a world's training records that are mislabelled."""
    return float(np.mean([np.isin(plan.world(index).training, wrong).mean() for index in range(plan.n_worlds)]))
