"""Of what kind a record is: its class, and the groups by which its owner tells people apart.

A p-value holds only where a deleted person and the references are exchangeable. References of another class can move in
another way without anybody having been deleted, so each person is compared with references of the same kind alone:
p-values hold within each kind (Mondrian conformal prediction; Vovk et al., "Algorithmic Learning in a Random World",
2005, section 4.5), and so over any mixture of kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.utils.typing import Integers

Texts = npt.NDArray[np.object_]

UNLABELLED = "no label"


@dataclass(frozen=True)
class Kinds:
    """The kinds that records are of.

    Attributes
    ----------
    names
        (kinds,) such as ``yes``, or ``yes, sex=F``.
    by
        What they are made of: ``class`` and names of groups.
    """

    names: tuple[str, ...]
    by: tuple[str, ...] = ("class",)

    @classmethod
    def of(
        cls, labels: Integers, classes: Sequence[str], groups: Mapping[str, Texts] | None = None
    ) -> tuple[Kinds, Integers]:
        """Return the kinds of some records, and (n,) the kind of each.

        Parameters
        ----------
        labels
            (n,) class index, -1 where not known; records without a label form a separate kind.
        classes
            (classes,) names.
        groups
            (n,) values by the name of a group.

        Examples
        --------
        >>> kinds, of = Kinds.of(np.array([1, -1]), ("no", "yes"))
        >>> kinds.names, of.tolist()
        (('no label', 'no', 'yes'), [2, 0])
        >>> kinds, of = Kinds.of(np.array([1, 0]), ("no", "yes"), {"sex": np.array(["F", "M"], dtype=object)})
        >>> kinds.names, of.tolist()
        (('yes, sex=F', 'no, sex=M'), [0, 1])
        """
        names = (UNLABELLED, *classes)
        if not groups:
            return cls(names), np.asarray(labels + 1, dtype=np.int64)
        texts = pd.Series(np.array(names, dtype=object)[labels + 1])
        for name, values in groups.items():
            texts = texts + f", {name}=" + pd.Series(values).astype(str)
        code, found = pd.factorize(texts)
        return cls(tuple(found), ("class", *groups)), code.astype(np.int64)


def counts_by_kind(person: Integers, kind: Integers, kinds: int) -> Integers:
    """Return (persons, kinds) how many records of each kind each person has.

    Examples
    --------
    >>> counts_by_kind(np.array([0, 0, 1]), np.array([1, 1, 0]), 2).tolist()
    [[0, 2], [1, 0]]
    """
    persons = int(person.max(initial=-1)) + 1
    return np.bincount(person * kinds + kind, minlength=persons * kinds).reshape(persons, kinds)
