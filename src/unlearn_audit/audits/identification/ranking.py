"""Who was deleted? Ranks a whole register by how well each candidate's deletion explains what changed.

The attacker asks a few reference records, known never to have been trained on, of both versions. For each candidate
of a register it knows by how much its deletion would move each answer (`unlearn_audit.attacks.influence`); the
candidates are ranked by the agreement. Where the truth is known, as in an audit, the ranks say how often a person is
found; conformal sets say among how many a person stays hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.influence import Influence, influence_for, one_training_suffices
from unlearn_audit.audits.identification.refused import refuse_unsupported
from unlearn_audit.audits.membership.execution import Execution, WorldMaker
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.defenses import Defense
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Estimate, share
from unlearn_audit.observations import Observations
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array, Positions

Precompute = Callable[[Influence, Positions, Positions], None]

COVERAGE = 0.95
"""Of the conformal sets: in how many cases the deleted person is to be in it."""

FEWEST_QUERIES = 5


@dataclass(frozen=True, eq=False)
class Found:
    """What the ranking of one side's pairs came to.

    Attributes
    ----------
    worlds
        (pairs,) the world of each pair.
    records
        (pairs,) who was deleted: record ids.
    ranks
        (pairs,) place of the deleted in the register, 1 for the first; those who score the same stand before.
    behind
        (pairs,) by how much the deleted scores less than the best.
    scores
        (pairs, candidates) of the whole register.

    Where several were deleted at once, the first four have one entry for each of them, and each has its place among
    those who were not deleted with it.
    """

    worlds: npt.NDArray[np.int64]
    records: npt.NDArray[np.int64]
    ranks: npt.NDArray[np.int64]
    behind: Array
    scores: Array


@dataclass(frozen=True)
class Naming:
    """How often the deleted are found in a register.

    Attributes
    ----------
    register, queries, deletions
        Candidates, reference records asked of each pair, and pairs.
    first, first_ten, first_percent
        Share of the deleted who rank first, among the first ten, in the first 1 %, with intervals over worlds.
    median_rank
        Half of the deleted rank as high or higher.
    set_size
        Median number of candidates in a conformal set; half of the deleted hide among as few or fewer.
    set_coverage
        Share of the deleted who are in their set, which is made for `COVERAGE`.
    unchanged
        Pairs of versions that gave every reference the same answer; their deleted records count as found last.
    notes
        What a reader should know of how it was found.
    regime, regime_note
        What the target side really ran, and what is to be known of it.
    """

    register: int
    queries: int
    deletions: int
    first: Estimate
    first_ten: Estimate
    first_percent: Estimate
    median_rank: float
    set_size: float
    set_coverage: Estimate
    unchanged: int
    notes: tuple[str, ...] = ()
    regime: str = "unknown"
    regime_note: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON; they name nobody."""
        shares = {name: getattr(self, name) for name in ("first", "first_ten", "first_percent", "set_coverage")}
        return {
            "register": self.register,
            "queries": self.queries,
            "deletions": self.deletions,
            **{name: estimate.value for name, estimate in shares.items()},
            **{f"{name}_ci": list(estimate.interval) for name, estimate in shares.items()},
            "median_rank": self.median_rank,
            "set_size": self.set_size,
            "set_made_for": COVERAGE,
            "unchanged": self.unchanged,
            "regime": self.regime,
            "regime_note": self.regime_note,
        }


def name_deleted(task: AuditTask, execution: Execution, queries: int = 60) -> tuple[Naming, Found]:
    """Make the worlds of an audit, and look for the deleted of the target side in its register.

    The register are all records of the target side, those of its models and those never trained on. The attacker's
    records are the shadow side's; a shadow world is ranked with an influence that leaves its own records out, so that
    the sets learned there hold on the target side.

    Raises
    ------
    AuditError
        If something is asked that it cannot do (`refuse_unsupported`), or there are too few references.
    """
    refuse_unsupported(task, "name")
    _check_queries(task, queries)
    with execution.around(task.config):
        return _name_deleted(task, execution, queries)


def _name_deleted(task: AuditTask, execution: Execution, queries: int) -> tuple[Naming, Found]:
    maker = WorldMaker.of(task.config, execution)
    notes = maker.reuse.notes(task.models.values())
    for note in notes:
        execution.reporter.say(note)
    plan = plan_audit(task, maker.claims())
    defense = next(iter(plan.attacks.defenses), None)
    arm = plan.undefended if defense is None else plan.arm(defense.training)
    shadow, target = arm.tasks["shadow"], arm.tasks["target"]
    observed = observe_defended([shadow, target], maker, defense)
    own = shadow.plan.candidates
    precompute = _precomputing(shadow, target, execution)
    show = execution.reporter.stage("Ranking registers", shadow.plan.n_worlds + 1)
    size = target.plan.sizes.train_size
    behind = []
    for world in range(shadow.plan.n_worlds):
        others = np.setdiff1d(own, shadow.plan.world(world).training)
        table = observed["shadow"]
        with one_thread():
            behind.append(rank(shadow, table.select(table.worlds == world), others, size, queries, precompute).behind)
        show(world + 1)
    with one_thread():
        found = rank(target, observed["target"], own, size, queries, precompute)
    show(shadow.plan.n_worlds + 1)
    naming = summarise(found, np.concatenate(behind), queries)
    regime, regime_note = str(target.unlearner.regime), arm.regime_notes["target"]
    return replace(naming, notes=notes, regime=regime, regime_note=regime_note), found


def observe_defended(tasks: Sequence[SideTask], maker: WorldMaker, defense: Defense | None) -> dict[str, Observations]:
    """Make the worlds of sides, and return for each side what its versions answer as they are released."""
    observed = {task.plan.side: table for task, table, _ in maker.observe(tasks)}
    return observed if defense is None else {side: defense.apply(table) for side, table in observed.items()}


def _check_queries(task: AuditTask, queries: int) -> None:
    if queries < FEWEST_QUERIES:
        raise AuditError(
            f"--queries {queries} says too little about a change; use at least {FEWEST_QUERIES} references"
        )
    references = task.config.worlds.references
    if queries > references:
        raise AuditError(
            f"--queries {queries} needs as many reference records, and each pair is queried on {references}; give "
            f"--references {queries}"
        )


def _precomputing(shadow: SideTask, target: SideTask, execution: Execution) -> Precompute | None:
    """Return what trains a model for each candidate, all registers in one stage; None where one training suffices."""
    if one_training_suffices(target.source):
        return None
    registers = shadow.plan.n_worlds * len(shadow.plan.candidates) + len(target.plan.candidates)
    show = execution.reporter.stage("Training the attacker's own models for each record", registers)
    before = 0

    def precompute(influence: Influence, register: Positions, references: Positions) -> None:
        nonlocal before
        influence.precompute(register, references, execution.jobs, lambda done: show(before + done))
        before += len(register)

    return precompute


def rank(
    task: SideTask,
    table: Observations,
    own: Positions,
    n_training: int,
    queries: int,
    precompute: Precompute | None = None,
) -> Found:
    """Rank the register of a side for each of its pairs.

    Parameters
    ----------
    task, table
        The side, and its observations.
    own
        Positions of the attacker's records.
    n_training
        Training records of a model under attack.
    queries
        How many of the references are looked at, the first ones.
    precompute
        Called with the influence, the register and the references before the influence is looked up.
    """
    register = task.plan.candidates
    influence = influence_for(task.source, task.data, own, n_training, task.plan.seed)
    place = {int(record): at for at, record in enumerate(task.data.record_ids)}
    records = table.rows["record"].to_numpy()
    asked = table.roles == "reference"
    deleted = (table.roles == "deleted") & table.paper
    pairs, counts = np.unique(table.pairs[asked], return_counts=True)
    if not len(pairs) or counts.min() < queries:
        fewest = int(counts.min(initial=0))
        raise AuditError(f"a pair was queried on {fewest} reference records, fewer than the {queries} of --queries")
    phi = margin(table.posteriors[asked][:, [0, -1]], table.rows["label"].to_numpy()[asked])
    phi = phi.reshape(len(pairs), counts[0], 2)[:, :queries]
    references = np.array([place[int(record)] for record in records[asked][: counts[0]][:queries]])
    truth = np.searchsorted(register, [place[int(record)] for record in records[deleted]])
    if precompute is not None:
        precompute(influence, register, references)
    scores = influence.explain(phi[..., 0] - phi[..., 1], phi[..., 0], register, references)
    pair = np.searchsorted(pairs, table.pairs[deleted])
    ranks = np.empty(len(truth), dtype=np.int64)
    for row, of_row in enumerate(scores):
        together = truth[pair == row]
        ranks[pair == row] = 1 + (np.delete(of_row, together) >= of_row[together, None]).sum(axis=1)
    return Found(
        worlds=table.worlds[deleted],
        records=records[deleted],
        ranks=ranks,
        behind=scores.max(axis=1)[pair] - scores[pair, truth],
        scores=scores,
    )


def summarise(found: Found, known: Array, queries: int) -> Naming:
    """Return how often the deleted were found, and how large sets are that hold them.

    Parameters
    ----------
    found
        The ranking of the target side.
    known
        (shadow pairs,) by how much the deleted scored less than the best on the shadow side: the sets are made of all
        who score at most the ⌈`COVERAGE` (n + 1)⌉-th smallest of these less than the best (split conformal prediction).
    queries
        References looked at.
    """
    register = found.scores.shape[1]
    at = int(np.ceil(COVERAGE * (len(known) + 1)))
    allowed = np.sort(known)[at - 1] if at <= len(known) else np.inf
    sizes = (found.scores >= found.scores.max(axis=1, keepdims=True) - allowed).sum(axis=1)
    return Naming(
        register=register,
        queries=queries,
        deletions=len(found.ranks),
        first=share(found.ranks == 1, found.worlds),
        first_ten=share(found.ranks <= 10, found.worlds),
        first_percent=share(found.ranks <= register / 100, found.worlds),
        median_rank=float(np.median(found.ranks)),
        set_size=float(np.median(sizes)),
        set_coverage=share(found.behind <= allowed, found.worlds),
        unchanged=int((~found.scores.any(axis=1)).sum()),
    )


def private_names(found: Found) -> Mapping[str, npt.NDArray[Any]]:
    """Return columns of who was deleted and on which place each was found; for the owner alone."""
    return {"world": found.worlds, "record": found.records, "rank": found.ranks}
