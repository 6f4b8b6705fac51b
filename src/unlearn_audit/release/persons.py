"""From scores of records to one p-value a person, whatever number of records each has.

The sum, or the largest, of many scores is larger than that of few, and records of one person move together. So a
person with n records is compared with reference persons who have at least n, each with n of its records drawn at
random: if the update gave nobody away, these would be like that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Control, conformal_p_values, references_needed

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Combine = Literal["sum", "max"]
"""What a person's score is of those of its records."""

_SIDES: tuple[Literal["right"], Literal["left"]] = ("right", "left")


@dataclass(frozen=True, eq=False)
class Persons:
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
    fewest
        (n,) the scores of those reference persons where they are fewest, descending.
    """

    rows: Integers
    counted: Integers
    scores: Array
    p_values: Array
    ranks: Array
    references: Integers
    fewest: Array

    def __len__(self) -> int:
        return len(self.rows)

    def above(self, rate: float) -> int:
        """Return how many reference persons score strictly above the k-th highest, k = ⌊rate · (n + 1)⌋."""
        k = int(rate * (len(self.fewest) + 1) * (1 + 1e-9))
        return 0 if k < 1 else int((self.fewest > self.fewest[k - 1]).sum())


def persons_of(
    deleted: Array,
    person: Integers,
    references: Array,
    subject: Integers,
    combine: Combine,
    needed: int,
    generator: np.random.Generator,
) -> Persons:
    """Return one p-value a person.

    Parameters
    ----------
    deleted, person
        (d,) scores of deleted records and whose each is: 0, 1, ...
    references, subject
        (r,) the same of reference records.
    combine
        ``sum`` or ``max``.
    needed
        With how many reference persons each has to be compared. Where fewer have as many records as a person, only
        so many of that person's records are counted, drawn at random, as enough of them have.
    generator
        Draws which records are taken.

    Raises
    ------
    AuditError
        If there are fewer reference persons than needed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> of = persons_of(np.array([3.0, 0.5]), np.array([0, 1]), np.arange(9.0), np.arange(9), "sum", 9, rng)
    >>> of.p_values.tolist(), of.ranks.tolist()
    ([0.7, 0.9], [6.5, 9.0])
    """
    own = np.bincount(subject)
    if len(own) < needed:
        raise AuditError(f"at least {needed:,} reference persons are needed, and there are {len(own):,}; give more")
    rows = np.bincount(person)
    most = np.sort(own)[::-1][needed - 1]
    counted = np.minimum(rows, most)
    order, place = _in_turn(person, generator)
    taken = order[place < counted[person[order]]]
    scores = _combined(deleted[taken], person[taken], len(rows), combine)
    order, place = _in_turn(subject, generator)
    p_values, ranks, compared = np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    fewest = references
    for n in np.unique(counted):
        taken = order[(place < n) & (own[subject[order]] >= n)]
        whose = np.unique(subject[taken], return_inverse=True)[1]
        known = _combined(references[taken], whose, int(whose.max()) + 1, combine)
        alike = counted == n
        p_values[alike] = conformal_p_values(scores[alike], known)
        higher, as_high = (len(known) - np.searchsorted(np.sort(known), scores[alike], side) for side in _SIDES)
        ranks[alike] = 1 + (higher + as_high) / 2
        compared[alike] = len(known)
        # reference persons with more records are among those with fewer, so the last are the fewest
        fewest = np.sort(known)[::-1]
    return Persons(rows, counted, scores, p_values, ranks, compared, fewest)


def persons_needed(persons: int, available: int, confidence: float, control: Control) -> int:
    """Return how many reference persons are needed for anybody to be told.

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
        who = "1 deleted person" if persons == 1 else f"{persons:,} deleted persons"
        other = references_needed(persons, 1 - confidence, "fdr")
        advice = f", or ask for --control fdr, which needs {other:,}" if other <= available else ""
        raise AuditError(
            f"to tell any of {who} at {100 * confidence:.6g} % at least {needed:,} reference persons are needed, and "
            f"there are {available:,} to compare with; give more{advice}"
        )
    return needed


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
