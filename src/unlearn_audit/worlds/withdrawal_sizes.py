"""Fits the sizes asked for to the records there are, where a whole class or a list of records is deleted at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.suggest import check_known
from unlearn_audit.utils.typing import Array, Integers, Positions
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.sizes import at_most_half
from unlearn_audit.worlds.split import SidePool, Split
from unlearn_audit.worlds.withdrawal import MOST_ASKED, WithdrawalPlan, counts_of

if TYPE_CHECKING:
    from unlearn_audit.config import ScenarioConfig, WorldsConfig

FEWEST = 5
"""Unseen records of the classes of the deleted that each side needs to ask about."""

FEWEST_REFERENCES = 10
"""Reference records of the same classes that are needed unless fewer are asked for; attacks use no fewer."""


@dataclass(frozen=True)
class Withdrawn:
    """Whom an update deletes.

    Attributes
    ----------
    labels
        (n,) the class of each record of the dataset.
    class_names
        The classes.
    of_class
        The class that is deleted; None where a list is.
    listed
        (m,) positions of the records on the list.
    """

    labels: Integers
    class_names: Sequence[str]
    of_class: int | None
    listed: Positions

    @classmethod
    def of(
        cls, scenario: ScenarioConfig, labels: Integers, class_names: Sequence[str], listed: Positions | None
    ) -> Withdrawn:
        """Return what a scenario deletes.

        Raises
        ------
        AuditError
            If there is no such class.
        """
        if listed is not None:
            return cls(labels, class_names, None, listed)
        assert scenario.delete_class is not None
        check_known("class", [scenario.delete_class], class_names)
        return cls(labels, class_names, list(class_names).index(scenario.delete_class), np.empty(0, dtype=np.int64))

    @property
    def shares(self) -> Array:
        """(classes,) the share of each class among the deleted."""
        if self.of_class is not None:
            return np.asarray(np.eye(len(self.class_names))[self.of_class])
        counts = counts_of(self.labels, self.listed, len(self.class_names))
        return np.asarray(counts / counts.sum())


def plan_withdrawals(
    split: Split,
    persons: Persons,
    sizes: WorldsConfig,
    scenario: ScenarioConfig,
    seed: int,
    where: str,
    withdrawn: Withdrawn,
) -> tuple[dict[str, WithdrawalPlan], tuple[str, ...]]:
    """Return the plan of each side, and what to say of it.

    Parameters
    ----------
    split, persons
        The sides, and which records belong together.
    sizes, scenario
        What was asked for.
    seed
        The seed of the audit.
    where
        The dataset's name, for messages.
    withdrawn
        Whom an update deletes.

    Raises
    ------
    AuditError
        If the list is everything or too much for a world, or too few records of the same classes are left to compare
        with.
    """
    listed = np.unique(persons.codes[withdrawn.listed])
    split, moved = _with_list_in_target(split, persons.rows(listed)) if len(listed) else (split, 0)
    pools = {"shadow": split.shadow, "target": split.target}
    ignored = sizes.deletions not in (1, type(sizes).model_fields["deletions"].default)
    more = [Caution(f"--deletions {sizes.deletions:,} is ignored: each world has one update")] if ignored else []
    sizes, notes = at_most_half(list(pools.values()), sizes.model_copy(update={"deletions": 1}), where)
    if len(listed):
        _check_list(persons, listed, sizes, where)
    references = _references(split.shadow, sizes, withdrawn, seed, where)
    if len(references) < sizes.references:
        notes.append(
            f"{where}: {sizes.references:,} reference records of the classes of the deleted were requested; "
            f"{len(references):,} are there"
        )
    sizes = sizes.model_copy(update={"references": len(references)})
    strata = withdrawn.labels if sizes.stratify else None
    # where the list was read stands in the configuration; what it holds decides the worlds
    scenario = scenario.model_copy(update={"delete_ids": None})
    plans = {
        side: WithdrawalPlan(
            side,
            pool,
            references,
            sizes,
            scenario,
            persons,
            seed,
            strata,
            labels=withdrawn.labels,
            of_class=withdrawn.of_class,
            listed=listed,
        )
        for side, pool in pools.items()
    }
    for plan in plans.values():
        _check(plan, withdrawn, where)
    return plans, (*more, *notes, *_notes(plans, persons, withdrawn, where, moved))


def _with_list_in_target(split: Split, rows: Positions) -> tuple[Split, int]:
    """Return the sides with all listed records among those that the target may train on, and how many were not."""
    moved = int(np.count_nonzero(~np.isin(rows, split.target.train)))
    shadow, target = (
        SidePool(*(np.setdiff1d(of, rows) for of in (pool.train, pool.unseen, pool.replacement)))
        for pool in (split.shadow, split.target)
    )
    return Split(shadow, SidePool(np.union1d(target.train, rows), target.unseen, target.replacement)), moved


def _check_list(persons: Persons, listed: Integers, sizes: WorldsConfig, where: str) -> None:
    """Raise where a list leaves nothing, or less than it takes."""
    rows = int(persons.sizes(listed).sum())
    if rows == len(persons.codes):
        raise AuditError(
            f"the list holds all {rows:,} records of {where}, and nothing would be left to train on; list fewer, or "
            "withdraw the model"
        )
    if 2 * rows > sizes.train_size:
        raise AuditError(
            f"the list holds {rows:,} records, and worlds of {sizes.train_size:,} training records keep at least as "
            "many as they delete; list fewer, use larger worlds (--train-size), or audit more records"
        )


def _references(shadow: SidePool, sizes: WorldsConfig, withdrawn: Withdrawn, seed: int, where: str) -> Positions:
    """Return the reference records: of the classes of the deleted, about in their proportions, from the shadow side.

    Raises
    ------
    AuditError
        If there are too few.
    """
    shares, there = withdrawn.shares, counts_of(withdrawn.labels, shadow.unseen, len(withdrawn.class_names))
    of_each = np.flatnonzero(shares)
    asked = min(sizes.references, FEWEST_REFERENCES)
    least = {int(of): _least(asked, float(shares[of])) if asked else 0 for of in of_each}
    for of in map(int, of_each):
        needed = _needed(asked, float(shares[of]))
        if there[of] < needed:
            also = f", {least[of]:,} of them as references" if least[of] else ""
            fewer = (n for n in range(asked - 1, -1, -1) if all(_needed(n, shares[k]) <= there[k] for k in of_each))
            raise _too_few(where, withdrawn, of, "shadow", int(there[of]), needed, also, next(fewer, None))
    total = min(sizes.references, *(int(there[of] // 2 / shares[of]) for of in of_each))
    rng = generator(seed, Kind.SPLIT, 1)
    chosen = []
    for of in map(int, of_each) if sizes.references else ():
        own = rng.permutation(shadow.unseen[withdrawn.labels[shadow.unseen] == of])
        chosen.append(own[: max(int(total * shares[of]), least[of])])
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def _needed(references: int, share: float) -> int:
    """Return how many unseen records the shadow side needs of a class, so many references of all classes among them."""
    least = _least(references, share) if references else 0
    # at most half of the unseen records are references
    return max(2 * least, least + _least(FEWEST, share))


def _least(fewest: int, share: float) -> int:
    """Return how many records of a class are needed that is such a share of the deleted."""
    return max(1, round(fewest * share))


def _too_few(
    where: str,
    withdrawn: Withdrawn,
    of: int,
    side: str,
    there: int,
    needed: int,
    also: str = "",
    references: int | None = None,
) -> AuditError:
    """Say what is too little, and what helps: so many references where given, or else other records."""
    if references is not None:
        help_ = f"give --references {references}"
    elif withdrawn.of_class is None:
        help_ = "list none of this class (--delete-ids), or use data with more of it"
    else:
        help_ = "delete another class (--delete-class), or use data with more of it"
    return AuditError(
        f"{where} has {there:,} unseen records of the class {withdrawn.class_names[of]!r} on the {side} side, and "
        f"{needed:,} are needed to compare the deleted with{also}, since unseen records of other classes would only "
        f"show the class; {help_}"
    )


def _check(plan: WithdrawalPlan, withdrawn: Withdrawn, where: str) -> None:
    """Raise unless every world deletes somebody, keeps somebody, and has unseen records to ask about."""
    for of, there, needed in plan.list_shortfalls() if plan.side == "shadow" else ():
        people = "records" if plan.persons.single else "people"
        raise AuditError(
            f"a shadow world deletes a list like the owner's, and of the class {withdrawn.class_names[of]!r} the "
            f"shadow side may train on {there:,} {people}, fewer than the {needed:,} of the list; list fewer, or audit "
            "more records"
        )
    for of in map(int, np.flatnonzero(withdrawn.shares)):
        needed, there = _least(FEWEST, float(withdrawn.shares[of])), int(plan.unseen_of_each[of])
        if there < needed:
            raise _too_few(where, withdrawn, of, plan.side, there, needed)
    for index in range(plan.n_worlds):
        world = plan.world(index)
        gone = len(world.chains[0][0].deleted)
        if not 0 < gone < len(world.training):
            which = "no record" if gone == 0 else "only records"
            raise AuditError(
                f"world {index} of the {plan.side} side would train on {which} of what is deleted; use larger worlds "
                "(--train-size), or for some records of each class in every world (--stratify)"
            )


def _notes(
    plans: Mapping[str, WithdrawalPlan], persons: Persons, withdrawn: Withdrawn, where: str, moved: int
) -> Iterator[str]:
    """Say what the worlds delete and ask."""
    target = plans["target"]
    gone = [len(target.world(index).chains[0][0].deleted) for index in range(target.n_worlds)]
    records = f"{gone[0]:,}" if min(gone) == max(gone) else f"{min(gone):,} to {max(gone):,}"
    if withdrawn.of_class is not None:
        what = f"its {records} training records of the class {withdrawn.class_names[withdrawn.of_class]!r}"
    else:
        what = f"the {records} listed records, and on the shadow side the same number of drawn ones of the same classes"
    yield (
        f"{where}: each world has one update, whatever --deletions says; it deletes {what} at once, and queries up to "
        f"{MOST_ASKED:,} of them and the same number of unseen records of each class"
    )
    if withdrawn.of_class is None:
        yield Caution(
            f"{where}: listed records may differ from unseen records of their classes by more than having been trained "
            "on, and attacks may use that difference"
        )
    if moved:
        yield (
            f"{where}: {moved:,} listed records were not among those that the target side may train on, and were moved "
            "there"
        )
    if withdrawn.of_class is not None and not persons.single:
        yield f"{where}: of people with records of several classes, the records of other classes stay"
    if withdrawn.of_class is not None and len(withdrawn.class_names) == 2:
        yield f"{where}: what remains has only one class, to which every retrained model gives probability 1"
