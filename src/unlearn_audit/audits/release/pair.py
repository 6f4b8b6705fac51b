"""Two versions side by side: the deleted and the reference records, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.audits.release.comparable import Kinds
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.one_version import Answers
from unlearn_audit.observations.posteriors import rounding_note
from unlearn_audit.observations.views import View
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.probabilities import moved
from unlearn_audit.utils.typing import Integers

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some records as both versions answered them.

    Attributes
    ----------
    posteriors
        (n, 2, classes) float32, before and after.
    labels
        (n,) class index, -1 where not known.
    person
        (n,) 0, 1, ...: whose record it is.
    kind
        (n,) of what kind it is, a place in `Pair.kinds`; None: of its class.
    """

    posteriors: npt.NDArray[np.float32]
    labels: Integers
    person: Integers
    kind: Integers | None = None

    def __len__(self) -> int:
        return len(self.posteriors)

    @property
    def kind_of_each(self) -> Integers:
        """(n,) of what kind each record is."""
        return self.labels + 1 if self.kind is None else self.kind

    @property
    def persons(self) -> int:
        """How many persons there are."""
        return int(self.person.max(initial=-1)) + 1

    def take(self, mask: npt.NDArray[Any]) -> Rows:
        """Return the rows that ``mask`` picks; persons keep their numbers."""
        kind = None if self.kind is None else self.kind[mask]
        return Rows(self.posteriors[mask], self.labels[mask], self.person[mask], kind)

    def view(self, references: Rows | None = None) -> View:
        """Return what an attacker sees of them."""
        beside = None if references is None else references.view()
        return View(self.posteriors, self.labels, np.zeros(len(self), dtype=np.int64), {}, beside)


@dataclass(frozen=True, eq=False)
class Pair:
    """One release, as an observer sees it who knows which records were never trained on.

    Attributes
    ----------
    deleted
        The records of those who were deleted.
    references
        Records that neither version was trained on.
    classes
        (classes,) names.
    names
        (persons,) what identifies each deleted person: private.
    changed
        The share of all records queried that the two versions answer differently.
    notes
        What should be known of how the pair was made, one sentence each.
    kinds
        The kinds of records; None: their classes.
    """

    deleted: Rows
    references: Rows
    classes: tuple[str, ...]
    names: Texts
    changed: float
    notes: tuple[str, ...] = ()
    kinds: Kinds | None = None

    @property
    def kinds_of_records(self) -> Kinds:
        """The kinds that `Rows.kind_of_each` counts in."""
        return self.kinds or Kinds.of(self.deleted.labels, self.classes)[0]

    @property
    def compared_by(self) -> tuple[str, ...]:
        """What a person and those it is compared with have in common; ``class`` if each deleted record has a label."""
        known = bool((self.deleted.labels >= 0).all())
        return tuple(name for name in self.kinds_of_records.by if known or name != "class")

    @property
    def labelled(self) -> bool:
        """Whether the label of every record is known."""
        return bool((self.deleted.labels >= 0).all() and (self.references.labels >= 0).all())


def pair_of(before: Answers, after: Answers, deleted: Texts, references: Texts) -> Pair:
    """Put the answers of two versions side by side.

    Parameters
    ----------
    before, after
        What each version answered, in any order of records.
    deleted, references
        Record ids.

    Raises
    ------
    AuditError
        If the versions were asked other records or know other classes, ids are not among them, references overlap
        the deleted (or are of the same people), or nothing changed between the versions.
    """
    order = _same_records(before, after)
    columns = _same_classes(before, after)
    both = np.stack([before.posteriors, after.posteriors[order][:, columns]], axis=1)
    changed = moved(both)
    if not changed.any():
        raise AuditError(
            f"{before.where} and {after.where} answer all {len(both):,} records identically: nothing changed between "
            "the versions, so a comparison shows nothing; check that the second is the version after the deletion"
        )
    gone, known = (_positions(before, ids, what) for ids, what in ((deleted, "deleted"), (references, "reference")))
    twice = np.intersect1d(gone, known)
    if len(twice):
        raise AuditError(
            f"{len(twice):,} records are both deleted and reference, such as {before.ids[twice[0]]}; references must "
            "never have been trained on"
        )
    labels = np.where(before.labels >= 0, before.labels, _labels_of(after, order, columns))
    whose = before.persons
    if whose is None and after.persons is not None:
        whose = after.persons[order]
    groups = {**{name: values[order] for name, values in after.groups.items()}, **before.groups}
    kinds, kind = Kinds.of(labels, before.classes, groups)
    rows, names = [], []
    for positions in (gone, known):
        own = np.asarray(before.ids[positions] if whose is None else whose[positions], dtype=object)
        codes, found = pd.factorize(own)
        rows.append(Rows(both[positions], labels[positions], codes.astype(np.int64), kind[positions]))
        names.append(np.asarray(found, dtype=object))
    notes: tuple[str, ...] = ()
    if whose is not None:
        shared = np.intersect1d(names[0].astype(str), names[1].astype(str))
        if len(shared):
            raise AuditError(
                f"{len(shared):,} people have deleted and reference records, such as {shared[0]}; references must be "
                "people on whose data no version was trained"
            )
        notes = _kept_rows(whose, gone, names[0])
    notes += tuple(rounding_note(of.where, of.rounded) for of in (before, after) if of.rounded is not None)
    notes += tuple(f"{of.where} was read as follows: {sentence}" for of in (before, after) for sentence in of.notes)
    return Pair(rows[0], rows[1], before.classes, names[0], float(changed.mean()), notes, kinds)


def _same_records(before: Answers, after: Answers) -> npt.NDArray[np.intp]:
    """Return (n,) where the second version has each record of the first."""
    order = after.ids.get_indexer(before.ids)
    lacking = order < 0
    more = len(after.ids) - int((~lacking).sum())
    if lacking.any() or more:
        example = before.ids[lacking][0] if lacking.any() else after.ids[before.ids.get_indexer(after.ids) < 0][0]
        raise AuditError(
            f"the versions were queried on different records: {int(lacking.sum()):,} are in {before.where} only and "
            f"{more:,} in {after.where} only, such as {example}; query both versions on the same records"
        )
    return np.asarray(order)


def _same_classes(before: Answers, after: Answers) -> npt.NDArray[np.intp]:
    """Return (classes,) where the second version has each class of the first."""
    if set(before.classes) != set(after.classes) or before.partial != after.partial:
        if before.partial != after.partial:
            raise AuditError(f"only one of {before.where} and {after.where} is partial; export both in the same way")
        raise AuditError(
            f"{before.where} has the classes {shortened(list(before.classes))} and {after.where} has "
            f"{shortened(list(after.classes))}; both versions need the same"
        )
    return np.array([after.classes.index(name) for name in before.classes], dtype=np.intp)


def _labels_of(after: Answers, order: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Integers:
    """Return (n,) the labels that the second version's file holds, in the terms of the first."""
    place = np.append(np.argsort(columns), -1)
    return np.asarray(place[after.labels[order]], dtype=np.int64)


def _positions(answers: Answers, ids: Texts, what: str) -> npt.NDArray[np.intp]:
    found = answers.ids.get_indexer(pd.Index(ids, dtype=object))
    if (found < 0).any():
        missing = ids[found < 0]
        of_persons = answers.persons is not None and missing[0] in set(answers.persons.astype(str).tolist())
        raise AuditError(
            f"{len(missing):,} of {len(ids):,} {what} ids are not in {answers.where}, such as {missing[0]}"
            + (
                ", which is the id of a person; give the ids of the person's records, as in the column record"
                if of_persons
                else "; query both versions on every deleted and every reference record"
            )
        )
    return np.asarray(found)


def _kept_rows(whose: Texts, gone: npt.NDArray[np.intp], names: Texts) -> tuple[str, ...]:
    """Return a note if deleted people have other rows, which are not named as deleted."""
    others = np.ones(len(whose), dtype=bool)
    others[gone] = False
    count = int(np.isin(names.astype(str), whose[others].astype(str)).sum())
    if not count:
        return ()
    who = "1 deleted person has" if count == 1 else f"{count:,} deleted persons have"
    return (f"{who} other records in the file that are not listed as deleted; only the deleted ones are considered",)
