"""How far unlearned models are from retrained ones: KLOM record by record, and a lower bound on epsilon."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

from unlearn_audit.findings.comparison import EpsilonMeasured, Klom
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import (
    FEWEST_MODELS,
    Clusters,
    best_threshold,
    clustered_epsilon_bound,
    histogram_klom,
    klom_noise,
    paired_klom,
)
from unlearn_audit.metrics.epsilon import EpsilonBound
from unlearn_audit.observations import Observations
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array, Integers, Mask

Role = Literal["deleted", "retained", "unseen"]

HIGH = 0.95
"""The share of records that the high figure of a distance holds for."""

FEWEST_CASES = 10
"""Deleted records of a side below which no epsilon is sought."""


def klom_by_role(unlearned: SideTables, retrained: SideTables) -> tuple[Klom, ...]:
    """Return, role by role, how far the margins of each record are apart under two kinds of models.

    Each world gives a record one model of either kind: that of the paper's row, which shares nothing with those of
    other worlds. Worlds of both sides count, since nothing is attacked. Records with fewer than `FEWEST_MODELS` are
    left out, and so is every record where worlds do not audit the same ones.

    Parameters
    ----------
    unlearned, retrained
        Tables of which the rows were asked the same.
    """
    found = []
    for role in get_args(Role):
        values: list[tuple[Integers, Array, Array]] = []
        for one, other in zip(unlearned, retrained, strict=True):
            rows = one.paper & one.in_roles(role)
            if _labelled(one, rows):
                values.append((one.records[rows], _margins(one, rows), _margins(other, rows)))
        if values and (of_role := _klom(role, *(np.concatenate(of) for of in zip(*values, strict=True)))):
            found.append(of_role)
    return tuple(found)


def _klom(role: Role, records: Integers, unlearned: Array, retrained: Array) -> Klom | None:
    _, codes, counts = np.unique(records, return_inverse=True, return_counts=True)
    often = counts >= FEWEST_MODELS
    if not often.any():
        return None
    # as many models of every record, so that records can be taken together
    models = int(counts[often].min())
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])[often]
    at = order[starts[:, None] + np.arange(models)]
    distances = paired_klom(unlearned[at], retrained[at])
    infinite = int(np.isinf(distances).sum())
    with np.errstate(invalid="ignore"):
        median, high = (_finite(float(np.quantile(distances, q, method="higher"))) for q in (0.5, HIGH))
    return Klom(
        role=role,
        records=int(often.sum()),
        models=models,
        mean=None if infinite else float(distances.mean()),
        median=median,
        high=high,
        infinite=infinite,
        noise=klom_noise(models),
        histogram=float(np.median(histogram_klom(unlearned[at], retrained[at]))),
    )


def epsilon_measured(
    unlearned: SideTables, retrained: SideTables, certified: tuple[float, float] | None = None
) -> EpsilonMeasured | None:
    """Return a lower bound on the epsilon by which unlearned models differ from retrained ones.

    (ε, δ)-unlearning says that the unlearned model alone is hardly distinguishable from one retrained without the
    record. The test is of two populations: is a model, of which a deleted record's margin is known, unlearned or
    retrained? Margins above a threshold are called, or those below, whichever is better on shadow worlds; the rule is
    judged on the target's. It sees one number of one model, so the true epsilon may be far larger.

    Parameters
    ----------
    unlearned, retrained
        Tables of which the rows were asked the same.
    certified
        The epsilon and the delta that the method states.

    Returns
    -------
    EpsilonMeasured or None
        None where labels are missing, few records are deleted, both answer alike, or nothing could have been shown.
    """
    delta = 0.0 if certified is None else certified[1]
    sides = [(one, one.in_roles("deleted") & one.clean, other) for one, other in zip(unlearned, retrained, strict=True)]
    if any(not _labelled(one, rows) or rows.sum() < FEWEST_CASES for one, rows, _ in sides):
        return None
    if all(np.array_equal(one.posteriors[:, -1], other.posteriors[:, -1]) for one, _, other in sides):
        return None
    shadow, target = (np.concatenate([_margins(one, rows), _margins(other, rows)]) for one, rows, other in sides)
    table, rows, _ = sides[1]
    n_shadow, n_target = len(shadow) // 2, len(target) // 2
    truths = [np.repeat([True, False], n) for n in (n_shadow, n_target)]
    clusters = Clusters(np.tile(table.worlds[rows], 2), np.tile(table.records[rows], 2))
    sign = max((1, -1), key=lambda way: _bound(way * shadow, truths[0], None, way * shadow, truths[0], delta).value)
    found = _bound(sign * target, truths[1], clusters, sign * shadow, truths[0], delta)
    if found.ceiling <= 0:
        return None
    return EpsilonMeasured(
        at_least=found.value,
        ceiling=found.ceiling,
        delta=delta,
        certified=None if certified is None else certified[0],
    )


def _bound(
    scores: Array, positive: Mask, clusters: Clusters | None, chosen_on: Array, truth: Mask, delta: float
) -> EpsilonBound:
    return clustered_epsilon_bound(scores, positive, clusters, best_threshold(chosen_on, truth), delta=delta)


def _margins(table: Observations, rows: Mask) -> Array:
    """Return (m,) the margins of some rows under the last version."""
    return margin(table.posteriors[rows, -1], table.rows["label"].to_numpy()[rows])


def _labelled(table: Observations, rows: Mask) -> bool:
    return bool(rows.any()) and bool((table.rows["label"].to_numpy()[rows] >= 0).all())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
