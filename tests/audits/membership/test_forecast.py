"""What a run would take: the counting, the line through the pilot's times, and the arithmetic on given times."""

from dataclasses import asdict, replace

import pytest

from unlearn_audit import AuditConfig, Execution
from unlearn_audit.attacks import CATALOGUE, GAMES, Available, attacks_of
from unlearn_audit.audits.membership.forecast import AttackTimes, Pilot, forecast, measure, time_attacks
from unlearn_audit.audits.membership.forecast.pilot import measure_in_worker
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.observe import observe_world
from unlearn_audit.utils.memory import peak_memory

SMALL = {
    "attacks": [],
    "target": {"data": "breast-cancer", "model": "decision-tree"},
    "worlds": {"shadow": 4, "target": 3, "deletions": 8, "unseen": 4, "references": 5},
    "features": ["sorted-diff", "direct-diff"],
    "attack_models": ["logistic-regression", "decision-tree"],
}
PILOT = Pilot(
    fixed=1.0, per_chain=0.5, chains=4, rows=11.0, scored=6.0, fitted=2.0, bytes_per_row=10.0, bytes_per_world=100,
    memory_per_row=200.0, peak_memory=10**8,
)  # fmt: skip
TIMES = AttackTimes(fit={"logistic-regression": 0.1, "decision-tree": 0.3, "change-field": 0.0}, score=dict.fromkeys(
    ("logistic-regression", "decision-tree", "change-field"), 0.001), figures=0.0001)  # fmt: skip


class Clock:
    """Stands still but where it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def subject(**changes):
    return AuditTask.load(AuditConfig.model_validate({**SMALL, **changes}))


def given(**changes):
    """A forecast in which nothing is timed: a start takes 2 seconds, a world what `PILOT` says."""
    clock = Clock()
    piloted = []

    def pilot(task):
        piloted.append(task)
        return PILOT

    def start():
        clock.now += 2.0

    execution = changes.pop("execution", Execution(jobs=2))
    found = forecast(subject(**changes), execution, pilot, lambda *_: TIMES, start, clock)
    return found, piloted


def test_it_says_what_so_many_rows_can_show():
    shown = given()[0].shows
    assert shown[0].startswith("24 deleted and 120 unseen records in 3 target worlds will at best show an AUC of 0.85")
    assert "needs 1,000 unseen" in shown[1]


def test_a_training_for_each_record_is_counted_where_the_change_field_is_asked_for():
    model = {"data": "breast-cancer", "model": "sklearn.naive_bayes:GaussianNB"}
    found, _ = given(target=model, attacks=["change-field"], worlds={**SMALL["worlds"], "references": 10})
    plain, _ = given(target=model, worlds={**SMALL["worlds"], "references": 10})
    assert plain.cost.trainings_influence == 0
    assert found.cost.trainings_influence == min(7 * 8 * 11, 569) == found.cost.trainings - plain.cost.trainings
    assert found.cost.seconds_influence == pytest.approx(569 * 0.5 / 2)
    assert "one for each record" in found.assumptions[1]
    assert "the time is assumed to grow linearly with the number of deletions" in found.assumptions[0]
    tree, _ = given(attacks=["change-field"], worlds={**SMALL["worlds"], "references": 10})
    assert tree.cost.trainings_influence == 0


def test_the_control_looks_up_other_records_which_take_trainings_of_their_own():
    model = {"data": "breast-cancer", "model": "sklearn.naive_bayes:GaussianNB"}
    worlds = {**SMALL["worlds"], "shadow": 2, "target": 1, "references": 10}
    execution = Execution(jobs=2)
    one, both = (
        forecast(subject(target=model, attacks=names, worlds=worlds), execution, lambda _: PILOT, start=lambda: None)
        for names in (["change-field"], ["change-field", "change-field-shuffled"])
    )
    assert (one.cost.trainings_influence, both.cost.trainings_influence) == (3 * 8 * 11, 2 * 3 * 8 * 11)


SEQUENCE = {"scenario": {"name": "multi-version", "versions": 2}, "views": ["pair", "sequence"]}
WORLDS = {"shadow": 6, "target": 2, "deletions": 3, "unseen": 2, "references": 10, "probes": 2}


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_audit_with_any_attack_asked_for_by_name_can_be_forecast(name):
    needs = CATALOGUE[name].needs
    changes = SEQUENCE if "sequence" in needs else {}
    worlds = WORLDS | ({"layout": "per-record"} if "records" in needs else {})
    task = subject(attacks=[name], features=["direct-diff"], attack_models=["decision-tree"], worlds=worlds, **changes)
    found = forecast(task, Execution(jobs=1), lambda _: PILOT, start=lambda: None)
    assert found.cost.seconds_attacks > 0


def test_trainings_are_counted_and_seconds_added_up(tmp_path):
    found, piloted = given()
    cost = found.cost
    assert found.at_most is None
    assert len(piloted) == 1
    assert [(s.arm, s.side, s.worlds, s.trainings, s.rows) for s in cost.sides] == [
        ("none", "shadow", 4, 4 * 9, 4 * 8 * 11),
        ("none", "target", 3, 3 * 9, 3 * 8 * 11),
    ]
    assert (cost.trainings, cost.trainings_stored) == (63, 0)
    assert cost.seconds_start == 2.0
    assert cost.seconds_worlds == pytest.approx(7 * (1.0 + 8 * 0.5) / 2)
    # four features, two of them classical; each fits once on all shadow rows, and five times on four fifths
    rows = {"shadow": 4 * 8 * 6, "target": 3 * 8 * 6}
    each = 5 * (0.1 + 0.3) + 2 * sum(rows.values()) * 0.001
    assert cost.seconds_attacks == pytest.approx(4 * each / 2 + 2 * 8 * 0.0001 * rows["target"])
    assert cost.seconds == pytest.approx(cost.seconds_start + cost.seconds_worlds + cost.seconds_attacks)
    assert cost.bytes_store == 7 * (8 * 11 * 10 + 100)
    assert cost.bytes_run_folder == 7 * 8 * 11 * 10 + 8 * 8 * rows["target"]
    assert cost.memory_per_worker == 10**8
    assert cost.memory_parent > 3 * 7 * 8 * 11 * 200


def test_one_job_starts_no_worker_and_does_all_itself():
    one, two = (given(execution=Execution(jobs=jobs))[0].cost for jobs in (1, 2))
    assert one.seconds_start == 0
    assert one.seconds_worlds == 2 * two.seconds_worlds


def test_more_workers_than_worlds_wait_for_the_longest():
    assert given(execution=Execution(jobs=50))[0].cost.seconds_worlds == 5.0


def test_defences_add_rounds_of_attacks_and_arms_add_worlds():
    pytest.importorskip("opacus")
    plain = given()[0].cost
    assert given(defenses=["label-only"])[0].cost.seconds_attacks == pytest.approx(2 * plain.seconds_attacks)
    network = {"data": "breast-cancer", "model": "torch-logistic-regression", "network": {"epochs": 1}}
    found, piloted = given(target=network, regime="fresh", defenses=["dp-sgd:8"])
    assert [(s.arm, s.side) for s in found.cost.sides] == [
        (arm, side) for arm in ("none", "dp-sgd:8") for side in ("shadow", "target")
    ]
    assert found.cost.trainings == 2 * plain.trainings
    assert len(piloted) == 2


def test_the_arms_beside_a_method_add_worlds_and_all_attacks_again():
    (found, piloted), (alone, _) = (given(unlearning="sisa", retraining_arm=arm) for arm in (True, False))
    assert [(s.arm, s.side, s.trainings) for s in found.cost.sides] == [
        (arm, side, worlds * n)
        for arm, n in (("none", 9), ("retraining", 9), ("no-unlearning", 0))
        for side, worlds in (("shadow", 4), ("target", 3))
    ]
    # what is published again is the original of retraining, which is trained once for both
    assert found.cost.trainings == 2 * alone.cost.trainings
    assert len(piloted) == 3
    # every attack is fitted on each arm's worlds
    assert found.cost.seconds_attacks == pytest.approx(3 * alone.cost.seconds_attacks)


def test_another_shadow_model_has_a_pilot_of_its_own():
    assert len(given(shadow={"model": "logistic-regression"})[1]) == 2


def test_an_audit_that_stops_early_has_two_estimates():
    found, _ = given(until={"auc": 0.03, "at_most": 50})
    assert [cost.sides[1].worlds for cost in (found.cost, found.at_most)] == [20, 50]
    assert [cost.sides[0].worlds for cost in (found.cost, found.at_most)] == [4, 4]
    plain = given(worlds={**SMALL["worlds"], "target": 20})[0].cost
    figures = 2 * 8 * 0.0001 * 20 * 8 * 6
    assert found.cost.seconds_attacks - figures == pytest.approx(2 * (plain.seconds_attacks - figures))


def test_what_is_stored_is_not_counted_again_and_the_store_stays_as_it_was(tmp_path):
    store = tmp_path / "shared"
    execution = Execution(jobs=2, store=store)
    given(execution=execution)
    assert not store.exists()
    run_audit(subject(), execution)
    before = sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*"))
    whole = given(execution=execution)[0].cost
    assert whole.trainings_stored == whole.trainings == 63
    assert (whole.seconds_worlds, whole.bytes_store) == (0, 0)
    more = given(execution=execution, worlds={**SMALL["worlds"], "target": 5})[0].cost
    assert [side.worlds_stored for side in more.sides] == [4, 3]
    assert more.seconds_worlds == 5.0
    assert sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*")) == before


def a_task(**changes):
    return plan_audit(subject(**changes)).undefended.tasks["target"]


def timed(task, fixed, per_chain, warm_up=0.0):
    """Measure a world that takes as long as it is told to; return the pilot, and the chains of each run."""
    clock, runs = Clock(), []

    def observe(*arguments):
        world = arguments[1]
        runs.append(len(world.chains))
        clock.now += fixed + per_chain * len(world.chains) + (warm_up if len(runs) == 1 else 0)
        return observe_world(*arguments)

    return measure(task, clock, observe), runs


@pytest.mark.parametrize(
    ("fixed", "per_chain", "warm_up", "runs"),
    [
        (0.01, 0.01, 0.5, [1, 1, 2, 4, 8]),
        (0.5, 0.2, 0.1, [1, 1, 2]),
        (4.0, 1.0, 0.5, [1, 1]),
        (8.0, 4.0, 0.0, [1]),
    ],
)
def test_the_pilot_doubles_its_chains_until_it_took_long_enough(fixed, per_chain, warm_up, runs):
    pilot, chains = timed(a_task(), fixed, per_chain, warm_up)
    assert chains == runs
    assert pilot.chains == runs[-1]
    if runs[-1] > 1:
        assert (pilot.fixed, pilot.per_chain) == (pytest.approx(fixed), pytest.approx(per_chain))
    else:
        assert pilot.fixed == pilot.per_chain == pytest.approx((fixed + per_chain) / 2)


def test_the_pilot_of_an_audit_of_one_deletion_is_run_again_once_warm():
    worlds = {**SMALL["worlds"], "shadow": 12, "deletions": 1}
    assert timed(a_task(worlds=worlds), 0.1, 0.1, 5.0)[1] == [1, 1]


def test_the_pilot_counts_rows_and_bytes_as_a_run_does(tmp_path):
    task = a_task()
    pilot = measure(task)
    assert (pilot.rows, pilot.scored, pilot.fitted) == (1 + 5 + 1 + 5, 1 + 5 + 1, 2)
    execution = Execution(store=tmp_path / "shared")
    run_audit(subject(), execution)
    # of worlds; scores of attacks lie beside them
    worlds = list((tmp_path / "shared").glob("*/*.arrow"))
    written = sum(path.stat().st_size + path.with_suffix(".json").stat().st_size for path in worlds)
    cost = forecast(subject(), Execution(store=tmp_path / "none"), lambda _: pilot, lambda *_: TIMES).cost
    assert cost.bytes_store == pytest.approx(written, rel=0.1)


def test_a_pilot_in_a_worker_measures_the_same_but_for_time():
    task = a_task()
    here, there = measure(task), measure_in_worker(task)
    apart = {"fixed": 0, "per_chain": 0, "peak_memory": 0, "chains": 0, "bytes_per_row": 0, "bytes_per_world": 0,
             "original": 0}  # fmt: skip
    assert asdict(replace(here, **apart)) == pytest.approx(asdict(replace(there, **apart)), rel=0.01)
    assert there.peak_memory is None or there.peak_memory > 10**7
    assert peak_memory() is None or peak_memory() > 10**7


def test_attacks_are_timed_a_row_and_a_fit():
    clock = Clock()

    def ticking():
        clock.now += 1.0
        return clock.now

    offered = Available(labels=True, references=20, influence=True, records=True, probes=True, versions=3)
    attacks = attacks_of(AuditConfig(), GAMES["deleted-vs-unseen"], offered).runs
    models = [a for a in attacks if a.attack_model in (None, "decision-tree")]
    times = time_attacks(models, {"paper": 8000, "all": 12000}, 100, 3, 20, ticking)
    plays = {name: of for name, of in CATALOGUE.items() if of.for_game("deleted-vs-unseen") is not None}
    kinds = [*(name for name, attack in plays.items() if attack.by_default), "decision-tree"]
    on_all = [name for name, attack in plays.items() if attack.training_rows == "all"]
    assert times.fit == dict.fromkeys(kinds, 2.0) | dict.fromkeys(on_all, 3.0)
    assert times.score == dict.fromkeys(kinds, 1 / 4000)
    assert times.figures == 1 / 100
