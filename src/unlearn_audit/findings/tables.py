"""What an audit reads: the attacker's table and the table under attack, of each way of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

RETRAINING = "retraining"
"""The name of the arm whose worlds are retrained exactly."""

NONE = "no-unlearning"
"""The name of the arm whose originals are published again, as if nothing had been asked; "none" means no defence."""


@dataclass(frozen=True)
class SideTables:
    """The observations of both sides.

    Attributes
    ----------
    shadow
        Of the attacker's own worlds, whose answers it knows.
    target
        Of the worlds under attack.
    """

    shadow: Observations
    target: Observations

    def __iter__(self) -> Iterator[Observations]:
        return iter((self.shadow, self.target))

    @property
    def by_side(self) -> dict[str, Observations]:
        """The same by the names of the sides."""
        return {"shadow": self.shadow, "target": self.target}


Tables = Mapping[str, SideTables]
"""By arm: `UNDEFENDED`, `RETRAINING`, `NONE`, or the text of a defence that changes the training."""


def check_agreement(tables: SideTables) -> None:
    """Raise unless an attack fitted on one table can read the other.

    Raises
    ------
    AuditError
        If classes, versions or kinds of the tables differ, or one table is given twice or as the other side.
    """
    shadow, target = tables
    _check_classes(shadow.classes, target.classes)
    if shadow.posteriors.shape == target.posteriors.shape and np.array_equal(shadow.posteriors, target.posteriors):
        raise AuditError(
            "shadow and target hold the same posteriors; an attack must not be scored on what it was fitted on, so "
            "give the attacker's own worlds as shadow"
        )
    for name, table, other in (("shadow", shadow, "target"), ("target", target, "shadow")):
        if set(table.rows["side"].unique()) == {other}:
            raise AuditError(f"the {name} file says that it is the {other} side; swap the files")
    if shadow.partial != target.partial:
        which = "shadow" if shadow.partial else "target"
        raise AuditError(f"only the {which} file is marked partial; an attack must read the same outputs on both sides")
    if shadow.canaries != target.canaries:
        which = "shadow" if shadow.canaries else "target"
        raise AuditError(
            f"only the {which} file is of mislabelled canaries; an attack learned on wrong labels does not apply to "
            "right ones, so give files of one kind"
        )
    if shadow.n_versions != target.n_versions:
        raise AuditError(
            f"shadow has {shadow.n_versions} versions of the model and target {target.n_versions}; both need the same"
        )


def _check_classes(shadow: tuple[str, ...], target: tuple[str, ...]) -> None:
    if len(shadow) != len(target):
        raise AuditError(
            f"shadow has {len(shadow)} classes and target {len(target)}; an attack learned on one cannot read the other"
        )
    if shadow != target and set(shadow) == set(target):
        raise AuditError(
            f"shadow and target list their classes in different orders ({_few(shadow)}; {_few(target)}); write both in "
            "the same order"
        )
    if shadow != target:
        raise AuditError(
            f"shadow and target have different classes ({_few(shadow)}; {_few(target)}); an attack learned on one "
            "cannot read the other"
        )


def _few(names: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
