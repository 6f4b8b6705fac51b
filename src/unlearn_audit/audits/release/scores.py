"""How deleted each record looks, from one pair of versions and no shadow world.

A conformal p-value is exact only if references are scored by the rule that scores the deleted, and a rule that learns
from references must not learn from those that it is compared with. So a score that needs references learns from the
records of one half of the reference persons and is calibrated on those of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.formula import l_diff, pair_scale, score_change
from unlearn_audit.attacks.formula.statistic import Statistic
from unlearn_audit.audits.release.pair import Pair, Rows
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.typing import Array

DEFAULT = "margin-difference"
"""Within one pair it orders records as `pair-scale` does, whose scale is that of the pair."""

UNLABELLED = "largest-fall"

_LEARNED_FROM = 2000
"""The most reference records that a score learns from: more hardly sharpen a scale, and each is compared with all."""


def largest_drop(view: View) -> Array:
    """(n,) the largest Δφ over all classes: the margin's fall under the label that makes a record look most deleted.

    For records whose label is not known.
    """
    n, _, k = view.posteriors.shape
    drops = [np.subtract(*margin(view.posteriors, np.full(n, c, dtype=np.int64)).T) for c in range(k)]
    return np.asarray(np.max(drops, axis=0))


SCORES: Mapping[str, Statistic] = {
    attack.name: attack
    for attack in (
        *score_change.ATTACKS,
        *(attack for attack in pair_scale.ATTACKS if attack.name == "pair-scale-local"),
        *l_diff.ATTACKS,
        Statistic(UNLABELLED, "pair", largest_drop, {"deleted-vs-unseen": 1}, frozenset()),
    )
}
"""Name to formula; every one is large for the deleted."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of the deleted records, and of the references they are compared with.

    Attributes
    ----------
    name
        The score.
    deleted, references
        (n,) values, one a record.
    calibrating
        The references behind ``references``, in their order; persons numbered anew.
    """

    name: str
    deleted: Array
    references: Array
    calibrating: Rows


def score_looked_at(name: str | None, *, labelled: bool) -> str:
    """Return the score that is looked at: the one asked for, else the usual one for records with or without labels.

    Examples
    --------
    >>> score_looked_at(None, labelled=True), score_looked_at(None, labelled=False)
    ('margin-difference', 'largest-fall')
    """
    return name or (DEFAULT if labelled else UNLABELLED)


def score(pair: Pair, name: str | None, generator: np.random.Generator) -> Scored:
    """Score every deleted record and the references it is compared with.

    Parameters
    ----------
    pair
        The release.
    name
        A name of `SCORES`; for None see `score_looked_at`.
    generator
        Draws the half of the references that a score learns from.

    Raises
    ------
    AuditError
        If there is no such score, or it needs labels and some records have none.
    """
    name = score_looked_at(name, labelled=pair.labelled)
    if name not in SCORES:
        raise AuditError(f"no score '{name}'; use one of {', '.join(SCORES)}")
    formula = SCORES[name]
    if "labels" in formula.needs and not pair.labelled:
        raise AuditError(f"the score {name} needs the label of every record (column 'label'); add it, or leave it out")
    if "references" not in formula.needs:
        found = [formula.score(rows.view()) for rows in (pair.deleted, pair.references)]
        return Scored(name, found[0], found[1], pair.references)
    learns = _half(pair.references, generator)
    of_learning = np.flatnonzero(learns[pair.references.person])
    if not len(of_learning):
        raise AuditError(f"the score {name} needs at least 2 reference persons; give more, or choose another --score")
    calibrating = pair.references.take(~learns[pair.references.person])
    calibrating = replace(calibrating, person=_numbered(calibrating.person))
    if len(of_learning) > _LEARNED_FROM:
        of_learning = generator.choice(of_learning, _LEARNED_FROM, replace=False)
    beside = pair.references.take(of_learning)
    found = [formula.score(rows.view(beside)) for rows in (pair.deleted, calibrating)]
    return Scored(name, found[0], found[1], calibrating)


def _half(references: Rows, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return (persons,) a random half of the persons, and half of those of each kind, by their first record."""
    first = references.kind_of_each[np.unique(references.person, return_index=True)[1]]
    drawn = generator.permutation(len(first))
    half = np.zeros(len(first), dtype=bool)
    half[drawn[np.argsort(first[drawn], kind="stable")][1::2]] = True
    return half


def _numbered(person: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(person, return_inverse=True)[1].astype(np.int64)
