"""From scores of records to one p-value a person, whatever number of records each has.

The sum, or the largest, of many scores is larger than that of few, and records of one person move together. So a
person with n records is compared with reference persons who have at least n, each with n of its records drawn at
random: if the update gave nobody away, these would be like that person. Records count by kind (`kinds`): n of each.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.audits.release.comparable import Kinds, counts_by_kind
from unlearn_audit.audits.release.pair import Rows
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Control, conformal_p_values, references_needed
from unlearn_audit.utils.typing import Array, Integers

Combine = Literal["sum", "max"]
"""What a person's score is of those of its records."""

_NAMED = 5
"""The most kinds that a message names."""

_SIDES: tuple[Literal["right"], Literal["left"]] = ("right", "left")


@dataclass(frozen=True, eq=False)
class RecordScores:
    """The scores of some records.

    Attributes
    ----------
    values
        (n,) higher = looks more deleted.
    person
        (n,) the person of each: 0, 1, ...
    kind
        (n,) of what kind each record is: 0, 1, ...; None if all are alike.
    """

    values: Array
    person: Integers
    kind: Integers | None = None

    @property
    def kind_of_each(self) -> Integers:
        """(n,) of what kind each record is."""
        return np.zeros(len(self.person), np.int64) if self.kind is None else self.kind


@dataclass(frozen=True, eq=False)
class PersonRisks:
    """What is known of each deleted person.

    Attributes
    ----------
    rows, counted
        (m,) how many records each has, and how many of them were counted.
    scores
        (m,) higher = looks more deleted; not comparable between persons with other numbers of records.
    p_values
        (m,) conformal, valid for each person by itself.
    ranks
        (m,) the place of each among those it was compared with, 1 the most suspicious; of equals the middle one, since
        an observer must guess among them.
    references
        (m,) how many reference persons each was compared with.
    known
        The scores of those reference persons, descending; one array for each set of them.
    """

    rows: Integers
    counted: Integers
    scores: Array
    p_values: Array
    ranks: Array
    references: Integers
    known: tuple[Array, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def above(self, rate: float) -> tuple[int, ...]:
        """Return, for each set, how many persons score strictly above the k-th highest, k = ⌊rate · (n + 1)⌋."""
        places = [int(rate * (len(scores) + 1) * (1 + 1e-9)) for scores in self.known]
        pairs = zip(places, self.known, strict=True)
        return tuple(0 if k < 1 else int((scores > scores[k - 1]).sum()) for k, scores in pairs)


def persons_of(
    deleted: RecordScores, references: RecordScores, combine: Combine, needed: int, generator: np.random.Generator
) -> PersonRisks:
    """Return one p-value a person.

    Parameters
    ----------
    deleted, references
        Deleted records and those never in training. A person is compared with reference persons who have at least as
        many records of each kind, each with as many.
    combine
        ``sum`` or ``max``.
    needed
        With how many reference persons each is to be compared; where fewer have any record of its kinds, with all of
        them. Where fewer have as many records of each kind as a person, only so many of that person's records are
        counted, drawn at random, as enough of them have.
    generator
        Draws which records are taken.

    Raises
    ------
    AuditError
        If there are fewer reference persons than needed, or none of the kinds that a person's records have.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> deleted = RecordScores(np.array([3.0, 0.5]), np.array([0, 1]))
    >>> found = persons_of(deleted, RecordScores(np.arange(9.0), np.arange(9)), "sum", 9, rng)
    >>> found.p_values.tolist(), found.ranks.tolist()
    ([0.7, 0.9], [6.5, 9.0])
    """
    person, kind = deleted.person, deleted.kind_of_each
    n_kinds = int(max(kind.max(), references.kind_of_each.max(initial=0))) + 1
    own = counts_by_kind(references.person, references.kind_of_each, n_kinds)
    order, there = _in_turn(person, generator)[0], (own > 0).sum(axis=0)
    enough = np.minimum(_most_references(person, kind, own, there, needed), needed)
    taken = _comparable(order[there[kind[order]] >= enough[person[order]]], person, kind, own, enough)
    counted = counts_by_kind(person[taken], kind[taken], n_kinds)
    scores = _combined(deleted.values[taken], person[taken], len(counted), combine)
    known = _References(references, own, combine, generator)
    p_values, ranks, compared = np.empty(len(counted)), np.empty(len(counted)), np.empty(len(counted), dtype=np.int64)
    sets = []
    for profile in np.unique(counted, axis=0):
        others = known.scores(profile)
        alike = (counted == profile).all(axis=1)
        p_values[alike] = conformal_p_values(scores[alike], others)
        higher, as_high = (len(others) - np.searchsorted(others, scores[alike], side) for side in _SIDES)
        ranks[alike] = 1 + (higher + as_high) / 2
        compared[alike] = len(others)
        sets.append(others[::-1])
    return PersonRisks(np.bincount(person), counted.sum(axis=1), scores, p_values, ranks, compared, tuple(sets))


def _most_references(person: Integers, kind: Integers, own: Integers, there: Integers, needed: int) -> Integers:
    """Return (persons,) how many reference persons there are of the most frequent of each person's kinds."""
    if len(own) < needed:
        raise AuditError(f"at least {needed:,} reference persons are needed, and there are {len(own):,}; give more")
    largest = np.zeros(int(person.max()) + 1, dtype=np.int64)
    np.maximum.at(largest, person, there[kind])
    if not largest.all():
        raise AuditError(
            f"{int((largest == 0).sum()):,} deleted persons are of kinds that no reference belongs to; give more"
        )
    return largest


class _References:
    """The records of reference persons, in a random order within each person and kind."""

    def __init__(
        self, records: RecordScores, counts: Integers, combine: Combine, generator: np.random.Generator
    ) -> None:
        self.records, self.kind, self.counts, self.combine = records, records.kind_of_each, counts, combine
        self.order, self.place = _in_turn(records.person * counts.shape[1] + self.kind, generator)

    def scores(self, profile: Integers) -> Array:
        """Return, ascending, the scores of those with as many records of each kind, by as many records of each."""
        like: npt.NDArray[np.bool_] = np.asarray((self.counts >= profile).all(axis=1))
        order, values, person = self.order, self.records.values, self.records.person
        taken = order[(self.place < profile[self.kind[order]]) & like[person[order]]]
        whose = np.unique(person[taken], return_inverse=True)[1]
        return np.sort(_combined(values[taken], whose, int(like.sum()), self.combine))


def _comparable(
    order: npt.NDArray[np.intp], person: Integers, kind: Integers, own: Integers, enough: Integers
) -> npt.NDArray[np.intp]:
    """Return the records to count: of each person as many, in a given order, as enough reference persons have too."""
    counts = np.bincount(person[order], minlength=len(enough))
    starts = np.cumsum(counts) - counts
    most = np.ones(len(enough), dtype=np.int64)

    for i in np.flatnonzero(counts > 1):
        records = order[starts[i] : starts[i] + counts[i]]
        most[i] = _longest(kind[records], own, int(enough[i]))
    place = np.arange(len(order)) - np.repeat(starts, counts)
    return order[place < most[person[order]]]


def _longest(kind: Integers, own: Integers, enough: int) -> int:
    """Return how many leading records, of these kinds, enough reference persons have as many of each kind as."""

    def too_many(n: int) -> bool:
        profile = np.bincount(kind[: n + 1], minlength=own.shape[1])
        return int((own >= profile).all(axis=1).sum()) < enough

    # more records ask for more of everything, so that the last number that will do can be bisected
    return bisect_left(range(len(kind)), True, key=too_many)


def persons_needed(persons: int, available: int, confidence: float, control: Control) -> int:
    """Return how many reference persons are needed for anyone to be identified.

    Raises
    ------
    AuditError
        If fewer are available; it says how many are needed.

    Examples
    --------
    >>> persons_needed(10, 500, 0.95, "holm")
    199
    """
    needed = references_needed(persons, 1 - confidence, control)
    if available < needed:
        other = references_needed(persons, 1 - confidence, "fdr")
        advice = f", or use --control fdr, which needs {other:,}" if other <= available else ""
        raise AuditError(
            f"{_to_identify(persons, confidence)} at least {needed:,} reference persons are needed, and there are "
            f"{available:,} to compare with; give more{advice}"
        )
    return needed


def needed_of_kinds(deleted: Rows, references: Rows, kinds: Kinds, confidence: float, control: Control) -> int:
    """Return with how many reference persons of its kinds each person is to be compared for everybody to be identified.

    Each deleted person has 1 / (1 + references of its kind) as the least p-value. Under ``holm`` these together must
    not exceed the level; under ``fdr`` each must not. Where one kind has fewer than others, the others need more.

    Raises
    ------
    AuditError
        It says of which kinds there are too few, counts people by kind and names none.
    """
    own, there = (
        counts_by_kind(rows.person, rows.kind_of_each, len(kinds.names)) > 0 for rows in (deleted, references)
    )
    known = there.sum(axis=0)
    best = np.where(own, known, 0).max(axis=1)
    level = (1 - confidence) * (1 + 1e-9)
    needed, fewer = (references_needed(len(own), 1 - confidence, rule) for rule in (control, "fdr"))

    def enough(count: int) -> bool:
        least = 1 / (1 + np.minimum(best, count))
        return bool((least.sum() if control == "holm" else least.max()) <= level)

    if enough(int(best.max())):
        return bisect_left(range(int(best.max())), True, key=enough)
    lacking = own[best < needed].sum(axis=0)
    listed = [f"{kinds.names[k]!r} has {known[k]:,} ({lacking[k]:,} deleted)" for k in np.flatnonzero(lacking)]
    more = f" and {len(listed) - _NAMED:,} more" if len(listed) > _NAMED else ""
    advice = f", or use --control fdr, which needs {fewer:,}" if fewer < needed and best.min() >= fewer else ""
    raise AuditError(
        f"{_to_identify(len(own), confidence)} there are too few reference persons of the same "
        f"{' and '.join(kinds.by)}, and others may change differently: {', '.join(listed[:_NAMED])}{more}; {needed:,} "
        f"of each are enough: add such references, or leave these people out of --deleted{advice}"
    )


def _to_identify(persons: int, confidence: float) -> str:
    who = "1 deleted person" if persons == 1 else f"{persons:,} deleted persons"
    return f"to identify any of {who} at {100 * confidence:.6g} %"


def _in_turn(person: Integers, generator: np.random.Generator) -> tuple[npt.NDArray[np.intp], Integers]:
    """Return (n,) records in random order person by person, and the place of each within its person."""
    shuffled = generator.permutation(len(person))
    order = shuffled[np.argsort(person[shuffled], kind="stable")]
    counts = np.bincount(person)
    return order, np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)


def _combined(scores: Array, person: Integers, persons: int, combine: Combine) -> Array:
    """Return (persons,) the sum or the largest of each person's scores."""
    if combine == "sum":
        return np.bincount(person, weights=scores, minlength=persons).astype(np.float64)
    largest = np.full(persons, -np.inf)
    np.maximum.at(largest, person, scores)
    return largest
