"""A rehearsal: stand-ins are deleted in place of the people who asked for it, before anything is erased.

A stand-in is kept in training and as like the person as can be: as many records of each kind, fitted as well by the
original model, and near in features. What the release tells of stand-ins is an estimate of what it will tell of the
people; once it is made, the people's data can be erased and need not be kept to look at the release.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from unlearn_audit.audits.release.comparable import counts_by_kind
from unlearn_audit.audits.release.examine import Examined, ReleaseSettings, examine
from unlearn_audit.audits.release.owner_data import OwnerData, TrialReleases
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.progress import Reporter
from unlearn_audit.utils.typing import Array, Positions

_OF_KIND = 1e3
"""What one record of another kind weighs, in standard deviations of a feature: more than any feature."""

_OF_MARGIN = 10.0
"""What the margin under the original model weighs, likewise."""


def stand_ins(releases: TrialReleases, deleted: Positions, repetitions: int) -> list[Positions]:
    """Return by repetition a stand-in for each of some persons; nobody stands in twice.

    Parameters
    ----------
    releases
        Records, of which those in training are looked at, and the original model.
    deleted
        (m,) persons who are to be deleted.
    repetitions
        How many sets of m stand-ins are wanted; as many are returned as there are people for.

    Raises
    ------
    AuditError
        If there are not even enough for one.
    """
    from sklearn.neighbors import NearestNeighbors

    owner = releases.owner
    people = np.unique(owner.persons.codes[owner.training])
    kept = people[~np.isin(people, deleted)]
    sets = min(repetitions, len(kept) // len(deleted))
    if not sets:
        raise AuditError(
            f"{len(deleted):,} persons are to be deleted and {len(kept):,} others are in training; a rehearsal needs "
            "at least as many others to stand in for them"
        )
    described = _described(releases, people)
    at = np.searchsorted(people, kept)
    # each person's nearest: enough that somebody is left whoever the others have taken
    near = NearestNeighbors(n_neighbors=min(len(kept), sets * len(deleted))).fit(described[at])
    nearest = near.kneighbors(described[np.searchsorted(people, deleted)], return_distance=False)
    taken = np.zeros(len(kept), dtype=bool)
    chosen = np.empty((sets, len(deleted)), dtype=np.int64)
    for repetition, person in np.ndindex(sets, len(deleted)):
        free = nearest[person][~taken[nearest[person]]][0]
        taken[free] = True
        chosen[repetition, person] = kept[free]
    return list(chosen)


def _described(releases: TrialReleases, people: Positions) -> Array:
    """Return (people, d + 1 + kinds) what makes people alike.

    The mean of each person's standardised features and of its margins under the original model, and how many records of
    each kind it has. Who is identified depends above all on how well the model fits a person.
    """
    owner = releases.owner
    rows = owner.persons.rows(people)
    phi = margin(releases.answers(releases.original.model, rows), owner.data.y[rows].astype(np.int64))
    X = np.asarray(owner.numbers[rows], dtype=np.float64).reshape(len(rows), -1)
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    X = np.hstack([X, _OF_MARGIN * phi[:, None] / max(float(phi.std()), 1e-12)])
    counts = np.eye(len(owner.kinds.names))[owner.kind[rows]]
    whose = np.repeat(np.arange(len(people)), owner.persons.sizes(people))
    by_person = pd.DataFrame(np.hstack([X, counts])).groupby(whose)
    means, sums = by_person.mean().to_numpy(), by_person.sum().to_numpy()
    return np.hstack([means[:, : X.shape[1]], _OF_KIND * sums[:, X.shape[1] :]])


def rehearse(
    releases: TrialReleases, deleted: Positions, repetitions: int, settings: ReleaseSettings, reporter: Reporter
) -> tuple[Sequence[Examined], tuple[str, ...]]:
    """Return what each repetition shows of its stand-ins, and notes.

    Everybody, the people who are to be deleted among them, is in the original's training data; each repetition
    retrains it without a set of stand-ins.

    Parameters
    ----------
    releases
        The original model and how it is retrained.
    deleted
        (m,) the persons who are to be deleted.
    repetitions
        How many sets of stand-ins are wanted.

    Raises
    ------
    AuditError
        If there are too few others, or too few references.
    """
    owner = releases.owner
    sets = stand_ins(releases, deleted, repetitions)
    references = np.unique(owner.persons.codes[owner.held_out])
    done = reporter.stage("Rehearsing", len(sets))
    found = []
    for i, (pair, _) in enumerate(releases.pairs(sets, [references] * len(sets))):
        found.append(examine(pair, settings, i))
        done(i + 1)
    notes = [releases.note] if releases.note else []
    notes += _unlike(owner, deleted, sets)
    if len(sets) < repetitions:
        notes.append(f"{len(sets):,} of {repetitions:,} rehearsals were made: no one stands in twice")
    return found, tuple(notes)


def _unlike(owner: OwnerData, deleted: Positions, sets: Sequence[Positions]) -> list[str]:
    """Return a note if some have records of other kinds than those whom they stand in for."""
    of_each = counts_by_kind(owner.persons.codes, owner.kind, len(owner.kinds.names))
    other = sum(int((of_each[one] != of_each[deleted]).any(axis=1).sum()) for one in sets)
    if not other:
        return []
    return [
        f"{other:,} of {len(sets) * len(deleted):,} stand-ins have records of a different "
        f"{' or '.join(owner.kinds.by)} than the person they stand in for: no one else was left"
    ]
