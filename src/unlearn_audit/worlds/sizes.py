"""Fits the sizes asked for to the records there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Integers, Positions
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.plan import WorldPlan, n_deleted_by_chain
from unlearn_audit.worlds.split import SidePool, Split

if TYPE_CHECKING:
    from unlearn_audit.config import ScenarioConfig, WorldsConfig


def plan_worlds(
    split: Split,
    persons: Persons,
    sizes: WorldsConfig,
    scenario: ScenarioConfig,
    seed: int,
    where: str,
    sides: tuple[str, ...],
    classes: Integers | None = None,
) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Fit the sizes asked for to the records there are.

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
    sides
        The sides to plan on this dataset: both, or one of them under transfer.
    classes
        (n,) the class of each record; needed where every world is to have each.

    Returns
    -------
    plans, notes
        One plan a side, all of the same sizes; and a sentence for each size that had to give way.

    Raises
    ------
    AuditError
        If no sizes would work.
    """
    pools = [split.side(side) for side in sides]
    sizes, notes = at_most_half(pools, sizes, where)
    most = min(len(pool.train) for pool in pools) // 2
    if isinstance(scenario.size, str):
        share = float(scenario.size.removesuffix("%")) / 100
        size = max(1, round(share * sizes.train_size * len(persons.values) / len(persons.codes)))
        what = "records" if len(persons.values) == len(persons.codes) else "people"
        notes.append(f"{where}: {scenario.size} of {sizes.train_size:,} training records are {size:,} {what} an update")
        scenario = scenario.model_copy(update={"size": size})
    references, fitting, more = _share_unseen(split, pools, sizes, scenario, persons, seed, where)
    strata = classes if sizes.stratify else None
    plans = {s: WorldPlan(s, split.side(s), references, fitting, scenario, persons, seed, strata) for s in sides}
    notes += _check_deletions(plans.values(), most, where)
    return plans, (*notes, *more)


def at_most_half(pools: Collection[SidePool], sizes: WorldsConfig, where: str) -> tuple[WorldsConfig, list[str]]:
    """Return sizes whose worlds train on at most half of what a side may train on, and what to say of it."""
    most = min(len(pool.train) for pool in pools) // 2
    if sizes.train_size <= most:
        return sizes, []
    note = (
        f"{where}: {sizes.train_size:,} training records per world were requested; {most:,} are used, half of what a "
        "side may train on, so that the originals are not copies of each other"
    )
    return sizes.model_copy(update={"train_size": most}), [note]


def _check_deletions(plans: Collection[WorldPlan], largest: int, where: str) -> list[str]:
    """Raise unless every world keeps as many people as a chain deletes; say where chains share records.

    People differ in how many records they have, so how many a world has depends on whom it draws.
    """
    notes = []
    for plan in plans:
        sizes, width = plan.sizes, plan.n_deleted_by_chain
        fewest = _fewest_members(plan)
        plan.check_members(fewest, where, largest, _deletions_allowed(plans) if fewest < 2 * sizes.deletions else None)
        if fewest < width * sizes.deletions:
            notes.append(
                f"{where}: {sizes.deletions:,} chains of {width:,} deletions share records within a world of "
                f"{sizes.train_size:,}; each starts from the original"
            )
        if plan.scenario.name == "online" and len(plan.pool.replacement) < (most := plan.most_deleted()):
            raise AuditError(
                f"{where} keeps {len(plan.pool.replacement):,} records to add, fewer than the {most:,} that one chain "
                "of updates deletes; delete fewer or audit more records"
            )
    return notes[:1]


def _fewest_members(plan: WorldPlan) -> int:
    """Return the fewest people of any world."""
    return min(len(plan.members(index)) for index in range(1 if plan.persons.single else plan.n_worlds))


def _deletions_allowed(plans: Collection[WorldPlan]) -> int:
    """Return how many single deletions every world allows; whom it draws depends on how many are asked for."""
    allowed, asked = next(iter(plans)).sizes.deletions, -1
    while allowed != asked:
        asked = allowed
        sized = (replace(plan, sizes=plan.sizes.model_copy(update={"deletions": asked})) for plan in plans)
        allowed = min(asked, *(_fewest_members(plan) // 2 for plan in sized))
    return allowed


def _share_unseen(
    split: Split,
    pools: list[SidePool],
    sizes: WorldsConfig,
    scenario: ScenarioConfig,
    persons: Persons,
    seed: int,
    where: str,
) -> tuple[Positions, WorldsConfig, list[str]]:
    """Set reference records apart from the shadow side's unseen ones, leaving enough to ask about."""
    notes: list[str] = []
    asked = n_deleted_by_chain(scenario) + sizes.unseen
    available = len(split.shadow.unseen)
    # the attacker's own records: at most half of those that are never trained on
    most = available // 2
    rng = generator(seed, Kind.SPLIT, 1)
    people = rng.permutation(np.unique(persons.codes[split.shadow.unseen]))
    chosen = persons.take(people, min(sizes.references, most))
    references = np.sort(persons.rows(chosen))
    if len(references) < sizes.references:
        notes.append(f"{where}: {sizes.references:,} reference records were requested; {len(references):,} are there")
    left = min(len(np.setdiff1d(pool.unseen, references)) for pool in pools)
    if left < 1:
        raise AuditError(f"{where} leaves no unseen record to query; audit more records")
    if left < asked:
        notes.append(f"{where}: {asked:,} unseen records per pair were requested; {left:,} are available and are used")
    update = {"references": len(references), "unseen": min(sizes.unseen, max(left - (asked - sizes.unseen), 0))}
    return references, sizes.model_copy(update=update), notes
