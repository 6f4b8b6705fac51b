"""Leak by difficulty: whether a method gives away more of the records that are harder to forget.

A record's difficulty is the same for every method: it is read off the references. Its margin under the retrained
models, which never saw it, says how unusual it is. It is read in other worlds than the one that is attacked, where its
record is asked about in others; else in that world, whose noise moves leak as well, which is marked. What is measured
of originals, such as the per-instance loss along their training, is always of the attacked world, and so marked. Where
worlds audit the same records in every role, the originals of shadow worlds also say how far they memorise it, and how
surely their margins tell that they were trained on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pandas as pd

from unlearn_audit.audits.methods.findings import DifficultyGroup, DifficultyTrend
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_figures import Played
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics.difficulty import leak_by_tenth, memorisation, rank_correlation, vulnerability
from unlearn_audit.metrics.roc import delong_components
from unlearn_audit.observations import Observations
from unlearn_audit.utils.codes import codes_of_rows
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array, Integers


def by_difficulty(
    played: Played, retrained: Played, none: SideTables, measures: pd.DataFrame | None = None
) -> tuple[tuple[DifficultyGroup, ...], tuple[DifficultyTrend, ...]]:
    """Return what the best attack on both versions reaches in each tenth of each difficulty, and how the two go along.

    Parameters
    ----------
    played
        The game on the method's arm.
    retrained
        The same on the arm of retraining; rows stand in the same order.
    none
        The tables of the originals that are published again.
    measures
        What was measured on the arm of retraining, see `unlearn_audit.engine.WorldStats`.

    Returns
    -------
    groups, trends
        Nothing without labels.
    """
    groups: list[DifficultyGroup] = []
    trends: list[DifficultyTrend] = []
    scores, positive = played.leading.scores, played.positive
    for by, difficulty, coupled in _difficulties(retrained, none.shadow, measures):
        # a positive without a difficulty belongs to no tenth
        rows = ~(positive & np.isnan(difficulty))
        if not 0 < positive[rows].sum() < rows.sum():
            continue
        found = leak_by_tenth(scores[rows], positive[rows], difficulty[rows], played.clusters.take(rows))
        groups += [
            DifficultyGroup(
                by=by,
                coupled=coupled,
                tenth=of.of.group,
                n_positive=of.of.n_positive,
                auc=None if of.of.auc is None else of.of.auc.value,
                auc_ci=None if of.of.auc is None else of.of.auc.interval,
            )
            for of in found
        ]
        _, components = delong_components(scores[rows], positive[rows])
        asked = positive[rows]
        # too few worlds, or all records alike: nothing to rank
        with suppress(AuditError):
            along = rank_correlation(
                difficulty[rows][asked], components[asked], played.rows.worlds[rows][asked], draws=DRAWS
            )
            trends.append(
                DifficultyTrend(
                    by=by, coupled=coupled, rank_correlation=along.value, rank_correlation_ci=along.interval
                )
            )
    return tuple(groups), tuple(trends)


MARGIN = "margin-retrained"
"""What the difficulty is called that is a record's margin under retrained models, turned round."""

PER_INSTANCE = "per-instance-loss"
"""What the difficulty is called that is a record's per-instance loss along the training of its original."""

NAMED = r"^difficulty\.(?P<by>.+)\.(?P<record>-?\d+)$"
"""What a measure is called that is the difficulty of a record along the training of a world's original."""

DRAWS = 300
"""Bootstrap samples of a rank correlation."""


def _difficulties(
    retrained: Played, shadow: Observations, measures: pd.DataFrame | None
) -> Iterator[tuple[str, Array, bool]]:
    """Yield each kind of difficulty, (n,) its values, the larger the harder, and whether noise couples it with leak.

    A value is NaN where it is not known.
    """
    rows = retrained.rows
    labels = rows.rows["label"].to_numpy()
    if not len(labels) or labels.min() < 0:
        return
    own = -margin(rows.posteriors[:, -1], labels)
    elsewhere = in_other_worlds(own, rows.records, rows.worlds)
    coupled = bool(np.isnan(elsewhere[retrained.positive]).any())
    yield MARGIN, own if coupled else elsewhere, coupled
    known = shadow.paper & shadow.in_roles("deleted", "retained", "unseen")
    codes, trained = shadow.rows["label"].to_numpy()[known], ~shadow.in_roles("unseen")[known]
    answers, records = shadow.posteriors[known, 0], shadow.records[known]
    # where no record is trained on in one world and left out in another there is neither
    with suppress(AuditError):
        yield "memorisation", _looked_up(rows, *memorisation(answers.argmax(axis=1) == codes, trained, records)), False
        yield "vulnerability", _looked_up(rows, *vulnerability(margin(answers, codes), trained, records)), False
    yield from ((by, difficulty, True) for by, difficulty in _of_originals(rows, measures))


def in_other_worlds(values: Array, records: Integers, worlds: Integers) -> Array:
    """Return (n,) the mean of each row's record over the rows of other worlds; NaN where it has none there.

    Parameters
    ----------
    values, records, worlds
        (n,) of each row.

    Examples
    --------
    >>> in_other_worlds(np.array([1.0, 2, 4, 8]), np.array([7, 7, 7, 9]), np.array([0, 0, 1, 1])).tolist()
    [4.0, 4.0, 1.5, nan]
    """
    _, of_record = np.unique(records, return_inverse=True)
    of_both = codes_of_rows(np.column_stack([records, worlds]))
    sums, counts = (
        np.bincount(of_record, weights)[of_record] - np.bincount(of_both, weights)[of_both]
        for weights in (values, np.ones(len(values)))
    )
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0))


def _looked_up(rows: Observations, records: Array, values: Array) -> Array:
    """Return (n,) the value of each row's record; NaN where there is none."""
    at = np.minimum(np.searchsorted(records, rows.records), len(records) - 1)
    return np.where(records[at] == rows.records, values[at], np.nan)


def _of_originals(rows: Observations, measures: pd.DataFrame | None) -> Iterator[tuple[str, Array]]:
    """Yield each difficulty that was measured of originals, (n,) of each row's record in its world; NaN if it was not.

    A figure under the name ``difficulty.<kind>.<record>`` is one.
    """
    if measures is None or not len(measures):
        return
    known = measures["name"].str.extract(NAMED).assign(world=measures["world"], value=measures["value"]).dropna()
    where = pd.MultiIndex.from_arrays([rows.worlds, rows.records])
    for by, of in known.groupby("by"):
        of_record = pd.Series(of["value"].to_numpy(), [of["world"], of["record"].astype(np.int64)])
        yield str(by), of_record.reindex(where).to_numpy(dtype=np.float64)
