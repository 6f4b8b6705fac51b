"""Leak by difficulty: whether a method gives away more of the records that are harder to forget.

A record's difficulty is the same for every method: it is read off the references. Its margin under the retrained
models, which never saw it, says how unusual it is; where worlds audit the same records in every role, shadow worlds
also say how much better originals know it that were trained on it (memorisation), and how well the two kinds of
originals can be told apart by it (vulnerability).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unlearn_audit.audits.methods.findings import DifficultyGroup, DifficultyTrend
from unlearn_audit.findings.attack_figures import Played
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import by_group, tenths
from unlearn_audit.observations import Observations
from unlearn_audit.utils.probabilities import margin, probability
from unlearn_audit.utils.typing import Array, Integers

FEWEST_MODELS = 4
"""Originals with, and originals without, a record below which shadow worlds say nothing of it."""


def by_difficulty(
    played: tuple[Played, SideTables], retrained: tuple[Played, SideTables], none: tuple[Played, SideTables]
) -> tuple[tuple[DifficultyGroup, ...], tuple[DifficultyTrend, ...]]:
    """Return what the best attack on both versions reaches in each tenth of difficulty, by each kind of it.

    Parameters
    ----------
    played
        The method's arm.
    retrained, none
        The references; rows of all three stand in the same order.
    """
    of_method, rows = played[0], played[0].rows
    labels = rows.rows["label"].to_numpy()
    if not len(labels) or labels.min() < 0:
        return (), ()
    groups: list[DifficultyGroup] = []
    for by, difficulty in _difficulties(retrained[0].rows, none[1].shadow):
        known = np.isfinite(difficulty)
        places = tenths(difficulty[known])
        found = by_group(
            of_method.leading.scores[known], of_method.positive[known], places, of_method.clusters.take(known)
        )
        groups += [
            DifficultyGroup(
                by=by,
                tenth=of.group,
                n_positive=of.n_positive,
                auc=None if of.auc is None else of.auc.value,
                auc_ci=None if of.auc is None else of.auc.interval,
            )
            for of in found
        ]
    return tuple(groups), ()


def _difficulties(retrained: Observations, shadow: Observations) -> Iterator[tuple[str, Array]]:
    """Yield each kind of difficulty with (n,) its values, the larger the harder; not finite where not known."""
    labels = retrained.rows["label"].to_numpy()
    yield "margin-retrained", -margin(retrained.posteriors[:, -1], labels)
    known = _of_originals(shadow)
    if known is None:
        return
    records, memorisation, vulnerability = known
    at = np.minimum(np.searchsorted(records, retrained.records), len(records) - 1)
    there = records[at] == retrained.records
    for by, values in (("memorisation", memorisation), ("vulnerability", vulnerability)):
        yield by, np.where(there, values[at], np.nan)


def _of_originals(shadow: Observations) -> tuple[Integers, Array, Array] | None:
    """Return records, by how much their label is more probable with them, and how far apart their margins are.

    None where no record is in enough training sets and missing from enough others.
    """
    rows = shadow.paper & shadow.in_roles("deleted", "retained", "unseen")
    records, codes = np.unique(shadow.records[rows], return_inverse=True)
    answers, labels = shadow.posteriors[rows, 0], shadow.rows["label"].to_numpy()[rows]
    inside = ~shadow.in_roles("unseen")[rows]
    counts = [np.bincount(codes[of], minlength=len(records)) for of in (inside, ~inside)]
    enough = np.minimum(*counts) >= FEWEST_MODELS
    if not enough.any():
        return None

    def mean(values: Array, of: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Array:
        count = np.maximum(np.bincount(codes[of], minlength=len(records)), 1)
        return np.asarray(np.bincount(codes[of], values[of], minlength=len(records)) / count)

    p, phi = probability(answers, labels), margin(answers, labels)
    memorisation = mean(p, inside) - mean(p, ~inside)
    means = [mean(phi, of) for of in (inside, ~inside)]
    within = sum(mean((phi - m[codes]) ** 2, of) for m, of in zip(means, (inside, ~inside), strict=True))
    vulnerability = (means[0] - means[1]) / np.sqrt(np.maximum(np.asarray(within) / 2, 1e-8))
    return records[enough], memorisation[enough], vulnerability[enough]
