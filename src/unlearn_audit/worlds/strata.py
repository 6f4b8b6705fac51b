"""Training sets in which every class is there, for ``worlds.stratify``."""

from __future__ import annotations

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.typing import Integers
from unlearn_audit.worlds.persons import Persons


def fewest_of_each(classes: Integers, trainable: Integers, gone: int, where: str) -> Integers:
    """Return (classes,) how many records of each class a training set needs: two more than leave, if there are.

    Of a class with one record some models, such as those that stop early, cannot be fitted.

    Parameters
    ----------
    classes
        (n,) class codes of all records.
    trainable
        Positions of those that may be trained on.
    gone
        How many people leave at once.
    where
        What messages call the records.

    Raises
    ------
    AuditError
        If a class has none.
    """
    there = np.bincount(classes[trainable], minlength=int(classes.max()) + 1)
    if not there.all():
        raise AuditError(
            f"{where} may train on no record of {int((there == 0).sum()):,} of {len(there):,} classes, so worlds "
            "cannot have each class; leave stratify out, or give more records of these classes"
        )
    return np.minimum(there, 2 + gone).astype(np.int64)


def with_each_class(
    members: Integers,
    others: Integers,
    persons: Persons,
    classes: Integers,
    fewest: Integers,
    n_rows: int,
    rng: np.random.Generator,
) -> Integers:
    """Return people who together have enough records of each class: some of the others in place of some members.

    Parameters
    ----------
    members, others
        People drawn for a training set, and those left over; both in random order.
    persons, classes
        Which records belong together, and (n,) the class of each.
    fewest
        (classes,) how many records of each class are needed.
    n_rows
        The most records of the training set.
    rng
        Draws who leaves, and the places of those who join.

    Raises
    ------
    AuditError
        If so many records cannot hold every class.
    """

    def held(people: Integers) -> Integers:
        return np.bincount(classes[persons.rows(people)], minlength=len(fewest)).astype(np.int64)

    have, joined = held(members), np.empty(0, dtype=np.int64)
    if (have >= fewest).all():
        return members
    for of in map(int, np.flatnonzero(have < fewest)):
        free = others[~np.isin(others, joined)]
        owners = free[np.isin(free, persons.codes[classes == of])]
        lacking = max(int(fewest[of] - have[of]), 0)
        enough = owners[: int(np.searchsorted(np.cumsum(_records(owners, persons, classes, of)), lacking)) + 1]
        joined = np.concatenate([joined, enough[: len(owners) if lacking else 0]])
        have = held(np.concatenate([members, joined]))
    stay = np.ones(len(members), dtype=bool)
    surplus = int(persons.sizes(members).sum() + persons.sizes(joined).sum()) - n_rows
    for place in rng.permutation(len(members)):
        own = held(members[[place]])
        if surplus > 0 and (have - own >= np.minimum(fewest, have)).all():
            stay[place], have, surplus = False, have - own, surplus - int(own.sum())
    if surplus > 0 or (have < fewest).any():
        raise AuditError(
            f"worlds of {n_rows:,} training records cannot hold {int(fewest.max()):,} of each of {len(fewest):,} "
            "classes (stratify); use larger ones (--train-size)"
        )
    places = rng.integers(0, int(stay.sum()) + 1, len(joined))
    return np.insert(members[stay], places, joined)


def _records(people: Integers, persons: Persons, classes: Integers, of: int) -> Integers:
    """(m,) how many records of a class each of some people has."""
    own = persons.codes[classes == of]
    values, counts = np.unique(own, return_counts=True)
    return np.asarray(counts[np.searchsorted(values, people)], dtype=np.int64)
