"""Whose deletion is told: the leading attack inside groups of records, and record by record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks import Game
from unlearn_audit.metrics import by_group, record_p_values, records_at_risk, tenths, worlds_needed
from unlearn_audit.observations import Observations
from unlearn_audit.probabilities import margin
from unlearn_audit.report.findings import GroupRisk, RecordRisk

LEVEL = 0.05
"""The expected share of wrong ones among the records that are told."""

Array = npt.NDArray[np.float64]


def shared_records(target: Observations, positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
    """Return (n,) whose each row is, where the same records come in both roles, as in per-record worlds; else None."""
    records: npt.NDArray[np.int64] = target.rows["record"].to_numpy()
    return records if np.isin(records[positive], records[~positive]).all() else None


def risk_of_groups(target: Observations, game: Game, scores: Array) -> tuple[GroupRisk, ...]:
    """Return what an attack reaches class by class, and from the least to the most certain record; none without labels.

    Parameters
    ----------
    target
        The rows of a game.
    game
        Which it is.
    scores
        (n,) of the attack.
    """
    labels = target.rows["label"].to_numpy()
    if not len(labels) or labels.min() < 0:
        return ()
    positive = target.roles == game.positive
    records = shared_records(target, positive)
    places = tenths(margin(target.posteriors[:, -1], labels))
    kinds: tuple[tuple[Literal["class", "difficulty"], npt.NDArray[np.int64], Callable[[int], str]], ...] = (
        ("class", labels, lambda code: target.classes[code]),
        ("difficulty", places, str),
    )
    return tuple(
        GroupRisk(
            by=by,
            group=name(of.group),
            n_positive=of.n_positive,
            n_negative=of.n_negative,
            auc=None if of.auc is None else of.auc.value,
            auc_ci=None if of.auc is None else of.auc.interval,
        )
        for by, groups, name in kinds
        for of in by_group(scores, positive, groups, target.worlds, records)
    )


def risk_of_records(target: Observations, game: Game, scores: Array) -> RecordRisk | None:
    """Return how many records stand out by themselves; None where worlds do not audit the same records.

    Each record's scores in worlds where it has the positive role are compared with those in worlds where it has the
    other, on the paper's rows, of which each world has one a record.
    """
    rows = target.paper
    positive = (target.roles == game.positive)[rows]
    records = shared_records(target.select(rows), positive)
    if records is None:
        return None
    _, p_values = record_p_values(scores[rows], positive, records)
    return RecordRisk(
        records=len(p_values),
        told=int(records_at_risk(p_values, LEVEL).sum()),
        level=LEVEL,
        control="by",
        worlds_needed=worlds_needed(len(p_values), LEVEL),
    )
