"""Who is at risk, and when: inside groups of records, record by record, and in which update of a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks import Available, Game
from unlearn_audit.attacks.choose import FEWEST_REFERENCES
from unlearn_audit.attacks.formula.sequence import margin_drops, scaled_margin_drops
from unlearn_audit.findings.sections import DeletionTime, GroupRisk, RecordRisk
from unlearn_audit.metrics import (
    Clusters,
    by_group,
    categories,
    record_p_values,
    records_at_risk,
    share,
    tenths,
    worlds_needed,
)
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import View, attacker_view
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array

LEVEL = 0.05
"""The expected share of wrong ones among the records that are identified."""

Grouping = tuple[Literal["class", "difficulty", "column"], str | None, npt.NDArray[np.int64], tuple[str, ...]]
"""What rows are grouped by, the column if it is one, the group of each row, and the names of the groups."""


def risk_of_groups(target: Observations, game: Game, scores: Array) -> tuple[GroupRisk, ...]:
    """Return what an attack reaches class by class, from the least to the most certain record, and by columns.

    Without labels there are no classes and no difficulty.

    Parameters
    ----------
    target
        The rows of a game.
    game
        Which it is.
    scores
        (n,) of the attack.
    """
    positive = target.in_roles(game.positive)
    clusters = Clusters(target.worlds, target.records)
    return tuple(
        GroupRisk(
            by=by,
            column=column,
            group=names[of.group],
            n_positive=of.n_positive,
            n_negative=of.n_negative,
            auc=None if of.auc is None else of.auc.value,
            auc_ci=None if of.auc is None else of.auc.interval,
        )
        for by, column, groups, names in _groupings(target, positive)
        for of in by_group(scores, positive, groups, clusters)
    )


def _groupings(target: Observations, positive: npt.NDArray[np.bool_]) -> Iterator[Grouping]:
    """Yield kind, column, (n,) codes and their names of each way to group rows."""
    labels = target.rows["label"].to_numpy()
    if len(labels) and labels.min() >= 0:
        yield "class", None, labels, target.classes
        places = tenths(margin(target.posteriors[:, -1], labels))
        yield "difficulty", None, places, tuple(str(place) for place in range(places.max() + 1))
    for column, values in target.groups.items():
        yield "column", column, *categories(values, positive, target.rows["record"].to_numpy())


def risk_of_records(target: Observations, game: Game, scores: Array) -> RecordRisk | None:
    """Return how many records are identified individually; None where worlds do not audit the same records.

    Each record's scores in worlds where it has the positive role are compared with those in worlds where it has the
    other, on the paper's rows, of which each world has one a record.
    """
    rows = target.paper
    positive = target.in_roles(game.positive)[rows]
    records = target.unanswered.select(rows).shared_records(positive)
    if records is None:
        return None
    _, p_values = record_p_values(scores[rows], positive, records)
    return RecordRisk(
        records=len(p_values),
        identified=int(records_at_risk(p_values, LEVEL).sum()),
        level=LEVEL,
        control="by",
        worlds_needed=worlds_needed(len(p_values), LEVEL),
    )


def time_of_deletion(shadow: Observations, target: Observations, game: Game) -> DeletionTime | None:
    """Return how often the largest fall of a record's margin gives away the update that deleted it.

    None without a chain, and where nobody was deleted or labels or the versions of the deletions are not known.

    Falls are taken as they are or, where every pair was asked enough references, on the scale of their step:
    whichever says more on the shadow side.
    """
    tables = (shadow, target)
    deleted = [table.rows[_deleted(table)] for table in tables]
    known = all(len(rows) and bool((rows[["label", "deleted_at"]] >= 0).all(axis=None)) for rows in deleted)
    if target.n_versions < 3 or not known:
        return None
    ways = {"delta": margin_drops}
    if Available.in_tables(tables, game).references >= FEWEST_REFERENCES:
        ways["delta-scaled"] = scaled_margin_drops
    name = max(ways, key=lambda of: float(np.mean(_guessed(shadow, ways[of])[0])))
    right, apart, clusters = _guessed(target, ways[name])
    found = share(right, clusters)
    return DeletionTime(
        statistic=name,
        updates=target.n_versions - 1,
        n=len(right),
        right=found.value,
        right_ci=found.interval,
        mean_distance=float(apart.mean()),
    )


def _deleted(table: Observations) -> npt.NDArray[np.bool_]:
    """Return (n,) the clean queries of deleted records."""
    return np.asarray(table.in_roles("deleted") & table.clean)


def _guessed(
    table: Observations, steps: Callable[[View], Array]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], Clusters]:
    """Return, for each deleted record, whether its update is found, how many updates off, and what records share."""
    rows = _deleted(table)
    guessed = steps(attacker_view(table, "sequence", rows)).argmax(axis=1) + 1
    apart = np.abs(guessed - table.rows["deleted_at"].to_numpy()[rows])
    return apart == 0, apart, Clusters(table.worlds, table.records).take(rows)
