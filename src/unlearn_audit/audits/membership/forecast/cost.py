"""From measured times and bytes to what a whole audit takes: arithmetic, with the measuring handed in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from unlearn_audit.attacks.cross_validation import FOLDS
from unlearn_audit.attacks.influence import one_training_suffices
from unlearn_audit.audits.membership.arms import not_kept
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.forecast.figures import Cost, Forecast, SideCost
from unlearn_audit.audits.membership.forecast.originals import States, WorldState, states_of
from unlearn_audit.audits.membership.forecast.pilot import (
    AttackTimes,
    Clock,
    Pilot,
    kind_of_attack,
    measure_in_worker,
    start_worker,
    time_attacks,
)
from unlearn_audit.audits.membership.plan import SIDE_NAMES, AuditPlan, plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import FEWEST_WORLDS_UNTIL, AuditConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine import Store
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.temporary import temporary_data_in
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_plan import AttackPlan
from unlearn_audit.metrics import negatives_needed, power_of
from unlearn_audit.unlearning.none import NoUnlearning
from unlearn_audit.utils.memory import peak_memory
from unlearn_audit.worlds import WorldPlan

COPIES = 3
"""How often a table stands in the parent's memory while attacks run: whole, by game, and as attacks see it."""

FITS = 1 + FOLDS * (FOLDS - 1) / FOLDS
"""What an attack's fits cost, in fits on all shadow rows: the last one, and one a fold on what it does not hold out."""


def forecast(
    task: AuditTask,
    execution: Execution,
    pilot: Callable[[SideTask], Pilot] = measure_in_worker,
    attack_times: Callable[..., AttackTimes] = time_attacks,
    start: Callable[[], None] = start_worker,
    clock: Clock = time.perf_counter,
) -> Forecast:
    """Return what an audit would take; nothing is stored.

    Parameters
    ----------
    task, execution
        The audit, and how it would be run.
    pilot, attack_times, start, clock
        How worlds, attacks and the start of a worker are timed.

    Raises
    ------
    AuditError
        If the audit could not be run.
    """
    plan = plan_audit(task, planning_claims(task.config, execution))
    return forecast_of(plan, execution, pilot, attack_times, start, clock)


def planning_claims(config: AuditConfig, execution: Execution) -> Claims:
    """Return what finds out the regime that a model really runs, and keeps nothing."""
    store, reuse = _store_of(config, execution)
    return Claims(store, reuse, keep=False, reporter=execution.reporter)


def _store_of(config: AuditConfig, execution: Execution) -> tuple[Store | None, Reuse]:
    """Return the store of a run, and what may be taken from it; one that is not there is not made."""
    folder = execution.store_folder
    return Store(folder) if folder.is_dir() else None, execution.reusing(config)


def forecast_of(
    plan: AuditPlan,
    execution: Execution,
    pilot: Callable[[SideTask], Pilot] = measure_in_worker,
    attack_times: Callable[..., AttackTimes] = time_attacks,
    start: Callable[[], None] = start_worker,
    clock: Clock = time.perf_counter,
    spared: Collection[str] = (),
) -> Forecast:
    """Return what the worlds and attacks of a plan would take; see `forecast`.

    An arm among those spared whose pilot fails is a note, and the others go on.
    """
    config = plan.task.config
    store, reuse = _store_of(config, execution)
    plan = plan.noting(*reuse.notes(plan.task.models.values()))
    sizes = [config.worlds.target]
    if config.until is not None:
        sizes = [max(FEWEST_WORLDS_UNTIL, config.worlds.target), config.until.at_most]
    kinds = {_kind(side): side for arm in plan.arms for side in arm.tasks.values()}
    show = execution.reporter.stage("Timing a pilot", len(kinds) + 1)
    pilots: dict[str, Pilot] = {}
    failed: dict[str, str] = {}
    with temporary_data_in(execution.store_folder):
        began = clock()
        start()
        starting = clock() - began
        for done, (kind, side) in enumerate(kinds.items(), 1):
            try:
                pilots[kind] = pilot(side)
            except AuditError as error:
                failed |= _failing(plan, kind, spared, error)
            show(done)
    left = tuple(arm for arm in plan.arms if arm.name not in failed)
    plan = replace(plan, arms=left).noting(*(f"{name} would fail: {why}" for name, why in failed.items()))
    kinds = {kind: side for kind, side in kinds.items() if kind in pilots}
    times = _time_attacks(plan, pilots, attack_times)
    show(len(kinds) + 1)
    at_sizes = [plan.with_target_worlds(size) for size in sizes]
    stored = states_of(at_sizes[-1].arms, store, reuse)
    costs = [cost(of, pilots, times, stored, execution.jobs, peak_memory(), starting) for of in at_sizes]
    shows = _shows(at_sizes[-1].undefended.tasks["target"].plan)
    assumptions = (*_assumptions(kinds, pilots, costs[-1].trainings_influence), *not_kept(plan.arms))
    at_most = costs[1] if config.until else None
    return Forecast(costs[0], at_most, assumptions, plan.notes, shows, plan.regime, plan.regime_note)


def _failing(plan: AuditPlan, kind: str, spared: Collection[str], error: AuditError) -> dict[str, str]:
    """Return the arms with worlds of a kind that fails, and why; raise where one of them is not spared."""
    arms = [arm.name for arm in plan.arms if any(_kind(side) == kind for side in arm.tasks.values())]
    if not set(arms) <= set(spared):
        raise error
    return dict.fromkeys(arms, str(error))


def _time_attacks(
    plan: AuditPlan, pilots: Mapping[str, Pilot], attack_times: Callable[..., AttackTimes]
) -> AttackTimes:
    """Time the attacks of a plan on as many rows as they would read."""
    shadow, target = (plan.undefended.tasks[side] for side in SIDE_NAMES)
    of_shadow, of_target = pilots[_kind(shadow)], pilots[_kind(target)]
    return attack_times(
        [attack for attacks in plan.attacks.by_game.values() for attack in attacks.runs],
        {"paper": round(_chains(shadow) * of_shadow.fitted), "all": round(_chains(shadow) * of_shadow.scored)},
        round(_chains(target) * of_target.scored),
        len(plan.task.records["target"].data.class_names),
        plan.task.config.worlds.references,
    )


def cost(
    plan: AuditPlan,
    pilots: Mapping[str, Pilot],
    times: AttackTimes,
    stored: States,
    jobs: int,
    held: int | None,
    seconds_start: float,
) -> Cost:
    """Return what the worlds and attacks of an audit take.

    Parameters
    ----------
    plan
        The audit.
    pilots
        By kind of training.
    times
        Of the attacks.
    stored
        By arm and side, which worlds and originals are in the store, and with which arm an original counts.
    jobs
        Worker processes.
    held
        Bytes that this process holds before an audit.
    seconds_start
        Until workers are running.
    """
    sides = []
    tables = run_folder = 0.0
    scored = {"shadow": 0.0, "target": 0.0}
    for arm in plan.arms:
        for side, task in arm.tasks.items():
            pilot = pilots[_kind(task)]
            sides.append(_side_cost(arm.name, side, task, pilot, stored[arm.name, side][: task.plan.n_worlds]))
            tables += sides[-1].rows * pilot.memory_per_row
            run_folder += sides[-1].rows * pilot.bytes_per_row
            scored[side] = max(scored[side], _chains(task) * pilot.scored)
    made = sum(side.worlds - side.worlds_stored for side in sides)
    longest = max((side.seconds_per_world for side in sides if side.worlds > side.worlds_stored), default=0.0)
    n = plan.attacks.n_fits([arm.name for arm in plan.arms])
    scores = 8 * n * scored["target"]
    peaks = [pilot.peak_memory for pilot in pilots.values() if pilot.peak_memory is not None]
    without_influence = Cost(
        sides=tuple(sides),
        jobs=jobs,
        seconds_start=seconds_start if jobs > 1 else 0.0,
        seconds_worlds=max(sum(side.seconds for side in sides) / max(min(jobs, made), 1), longest),
        seconds_attacks=_seconds_of_attacks(plan, times, scored, jobs) + 2 * n * times.figures * scored["target"],
        memory_per_worker=max(peaks, default=None),
        memory_parent=None if held is None else round(held + COPIES * tables + scores),
        bytes_store=sum(side.bytes for side in sides),
        bytes_run_folder=round(run_folder + scores),
    )
    target = plan.undefended.tasks["target"]
    return _with_influence(without_influence, plan.attacks, target, pilots[_kind(target)])


def _seconds_of_attacks(plan: AuditPlan, times: AttackTimes, scored: Mapping[str, float], jobs: int) -> float:
    """Return what fitting and scoring all attacks takes, without their figures."""
    games = [Counter(kind_of_attack(attack) for attack in of.runs) for of in plan.attacks.by_game.values()]
    seconds = [
        sum(
            count * (FITS * times.fit[name] + (scored["shadow"] + scored["target"]) * times.score[name])
            for name, count in game.items()
        )
        / min(jobs, game.total())
        for game in games
    ]
    n = plan.attacks.n_fits([arm.name for arm in plan.arms])
    whole = n / sum(game.total() for game in games) * sum(seconds)
    # to choose the attack to watch, an audit that stops early runs every attack at the first look too
    return whole + seconds[0] if plan.task.config.until is not None else whole


def _with_influence(cost: Cost, attacks: AttackPlan, target: SideTask, pilot: Pilot) -> Cost:
    """Return a cost with what it takes to compute influences, where each record looked up needs a training."""
    looking = [attack for of in attacks.by_game.values() for attack in of.runs if "influence" in attack.needs]
    if not looking or one_training_suffices(target.source):
        return cost
    asked = sum(side.rows for side in cost.sides if side.arm == UNDEFENDED)
    different = len({attack.looks_up_others for attack in looking})
    trainings = min(asked * different, len(target.data))
    workers = max(min(cost.jobs, trainings), 1)
    return replace(cost, trainings_influence=trainings, seconds_influence=trainings * pilot.per_chain / workers)


def _side_cost(arm: str, side: str, task: SideTask, pilot: Pilot, states: Sequence[WorldState]) -> SideCost:
    plan, of_updates = task.plan, _n_updates(task)
    left = [state for state in states if not state.stored]
    counted, trained = (sum(getattr(of, f"{name}_original") for of in states) for name in ("counts", "trains"))
    whole = pilot.seconds(plan.sizes.deletions)
    seconds = len(left) * (whole - pilot.original) + trained * pilot.original
    rows = round(_chains(task) * pilot.rows)
    per_world = rows / plan.n_worlds * pilot.bytes_per_row + pilot.bytes_per_world
    return SideCost(
        arm=arm,
        side=side,
        worlds=plan.n_worlds,
        worlds_stored=plan.n_worlds - len(left),
        trainings=plan.n_worlds * of_updates + counted,
        trainings_stored=(plan.n_worlds - len(left)) * of_updates + counted - trained,
        rows=rows,
        seconds_per_world=whole if counted else whole - pilot.original,
        seconds=seconds,
        bytes=round(per_world * len(left)) + trained * pilot.bytes_per_original,
    )


def _n_updates(task: SideTask) -> int:
    """Return how many models of a world unlearning makes, counting every update as one; none where it makes none."""
    makes_none = isinstance(task.unlearner, NoUnlearning)
    return 0 if makes_none else task.plan.n_trainings // task.plan.n_worlds - 1


def _kind(task: SideTask) -> str:
    """Return what tells apart tasks whose worlds take different times: data, model and unlearning."""
    return digest({"data": id(task.data), "model": task.source.fingerprint, "unlearning": repr(task.unlearner)})


def _chains(task: SideTask) -> int:
    """Return how many chains a side has."""
    return task.plan.n_worlds * task.plan.sizes.deletions


def _shows(plan: WorldPlan) -> tuple[str, ...]:
    """Say what the target side of an audit can show in the game deleted-vs-unseen."""
    chains = plan.n_worlds * plan.sizes.deletions
    positives = plan.n_deletions
    negatives = chains * plan.n_unseen_asked
    power = power_of(positives, negatives, plan.n_worlds)
    given = f"a true-positive rate is given down to a false-positive rate of {100 * power.lowest_fpr:.2g} %"
    wanted = next((fpr for fpr in (0.01, 0.001, 0.0001) if fpr < power.lowest_fpr), None)
    more = "" if wanted is None else f"; {100 * wanted:g} % needs {negatives_needed(wanted):,} unseen"
    return (
        f"{positives:,} deleted and {negatives:,} unseen records in {plan.n_worlds:,} target worlds will at best show "
        f"an AUC of {power.auc:.2f} or more with a probability of 80 %, and an epsilon of at most {power.epsilon:.1f}",
        f"{given}{more}",
    )


def _assumptions(kinds: Mapping[str, SideTask], pilots: Mapping[str, Pilot], of_influence: int) -> tuple[str, ...]:
    """Say what the estimates rest on."""
    of_worlds = [
        f"{task.source.name}: a world of 1 original and {pilots[kind].chains:,} of {task.plan.sizes.deletions:,} "
        "deletions was timed; the time is assumed to grow linearly with the number of deletions"
        for kind, task in kinds.items()
    ]
    influences = (
        f"up to {of_influence:,} of the trainings compute influences, one for each record that attacks look "
        "up; each is assumed to cost as much as an update",
    )
    return (
        *dict.fromkeys(of_worlds),
        *(influences if of_influence else ()),
        "attacks: each kind was timed once on random posteriors, with as many rows and classes as it would read",
        "assumes that no other program is running on this machine; excludes start-up and writing the report",
    )
