"""What is measured of each pair, against its direct computation."""

import copy
import gc
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from shared_originals import counted, few_digits, network, observed, tasks_of
from unlearn_audit.config import ScenarioConfig
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.measures import MEASURES, USUAL, measures_of, measuring
from unlearn_audit.engine.measures.base import Took, figures_of
from unlearn_audit.engine.measures.measuring import MOST_ASKED
from unlearn_audit.engine.measures.relearning import STEPS
from unlearn_audit.engine.observe import learn_original, observe_world
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.models import resolve_model
from unlearn_audit.models.steps import before_last_step, last_step
from unlearn_audit.utils.leash import run_leashed
from unlearn_audit.utils.memory import peak_memory, rise_of_memory
from unlearn_audit.utils.seeds import SIDES, Kind, generator, integer_seed


@pytest.fixture(scope="module")
def records():
    return few_digits()


def measured(records, source, kind, names, index=0, **changes):
    """What is measured of one world, by request and name, with its task, its world and its original."""
    (task,) = tasks_of(records, source, [kind], measures=tuple(names), **changes)
    world = task.plan.world(index)
    original = learn_original(task, world)
    _, stats = observe_world(task, world, original)
    found = {(request, of): v for name in names for request, of, v in stats["measures"][name]["values"]}
    return found, task, world, original.trained


def unlearned(task, world, original):
    """The unlearned models of a world."""
    side = SIDES[world.side]
    seeds = [integer_seed(task.plan.seed, Kind.UNLEARNED, side, world.index, j, 0) for j in range(len(world.chains))]
    return list(task.unlearner.unlearn_many(original, [chain[0] for chain in world.chains], seeds))


def share_right(model, data, positions):
    return float((model.predict(data.X[positions]) == data.y[positions]).mean())


@pytest.mark.parametrize("model", ["decision-tree", "sklearn.naive_bayes:GaussianNB"])
def test_accuracy_and_distance_are_those_of_the_models(records, model):
    found, task, world, original = measured(records, resolve_model(model), "retrain", USUAL)
    data = task.data
    held_out = np.sort(task.plan.pool.unseen)
    assert len(held_out) <= MOST_ASKED
    for j, trained in enumerate(unlearned(task, world, original)):
        deleted = world.chains[j][0].deleted
        stay = world.training[~np.isin(world.training, deleted)]
        assert found[j, "accuracy.forget"] == share_right(trained.model, data, deleted)
        assert found[j, "accuracy.retain"] == pytest.approx(share_right(trained.model, data, stay))
        assert found[j, "accuracy.test"] == pytest.approx(share_right(trained.model, data, held_out))
        apart = np.abs(trained.model.predict_proba(data.X[held_out]) - original.model.predict_proba(data.X[held_out]))
        assert found[j, "moved.posteriors"] == pytest.approx(apart.sum(axis=1).mean() / 2, abs=1e-6)
        assert found[j, "moved.largest"] == pytest.approx(apart.max(), abs=1e-6)
        assert (j, "moved.weights") not in found


def test_many_records_are_asked_in_part_the_same_for_every_arm(records, monkeypatch):
    monkeypatch.setattr(measuring, "MOST_ASKED", 20)
    source = resolve_model("decision-tree")
    found, task, world, original = measured(records, source, "retrain", ["accuracy"])
    test = np.sort(generator(0, Kind.MEASURE, SIDES["target"]).permutation(np.sort(task.plan.pool.unseen))[:20])
    (first, *_) = unlearned(task, world, original)
    assert found[0, "accuracy.test"] == share_right(first.model, task.data, test)
    assert round(found[0, "accuracy.retain"] * 20) == pytest.approx(found[0, "accuracy.retain"] * 20)


def test_no_unlearning_moves_nothing(records):
    for source in (resolve_model("decision-tree"), network(records)):
        found, *_ = measured(records, source, "none", USUAL)
        moved = {name: value for (_, name), value in found.items() if name.startswith("moved.")}
        assert set(moved.values()) == {0.0}
    assert "moved.weights" in moved


def test_the_distance_of_weights_is_euclidean(records):
    source = network(records)
    found, task, world, original = measured(records, source, "ascent", ["moved"])
    before = np.concatenate([of.numpy().ravel() for of in last_step(original.model).module_.state_dict().values()])
    for j, trained in enumerate(unlearned(task, world, original)):
        state = last_step(trained.model).module_.state_dict().values()
        apart = np.concatenate([of.numpy().ravel() for of in state]).astype(float) - before
        assert found[j, "moved.weights"] == pytest.approx(math.sqrt((apart**2).sum()), rel=1e-6)
        share = math.sqrt((apart**2).sum()) / math.sqrt((before.astype(float) ** 2).sum())
        assert found[j, "moved.weights_relative"] == pytest.approx(share, rel=1e-6)


def test_cost_is_of_the_original_and_an_equal_share_for_each_pair(records):
    found, _, world, _ = measured(records, resolve_model("decision-tree"), "retrain", ["cost"])
    assert found[-1, "seconds"] > 0
    shares = {found[j, "seconds"] for j in range(len(world.chains))}
    assert len(shares) == 1
    assert shares.pop() > 0
    values = MEASURES["cost"].of_world(Took(1.0, 2.0, 30), Took(8.0, 4.0, None), 4)
    assert values == [
        (-1, "seconds", 1.0), (-1, "cpu_seconds", 2.0), (-1, "peak_memory", 30.0),
        *((j, name, value) for j in range(4) for name, value in (("seconds", 2.0), ("cpu_seconds", 1.0))),
    ]  # fmt: skip
    assert MEASURES["cost"].of_world(None, Took(1.0, 1.0), 1)[0][0] == 0


def test_memory_is_that_of_the_block_and_the_peak_of_the_process_stays_known():
    before = peak_memory()
    gc.collect()  # what other tests left is not freed in between
    with rise_of_memory() as rise:
        held = np.ones(10_000_000)  # more than an allocator keeps for the next who asks
        del held
    if rise.bytes is None:
        pytest.skip("this system does not tell")
    assert 60_000_000 < rise.bytes < 200_000_000
    with rise_of_memory() as nothing:
        pass
    assert nothing.bytes < 20_000_000
    assert peak_memory() >= before


BURNS = "held = bytes(range(256)) * 800_000\nwhile time.process_time() < 0.5: sum(held[:1000])"


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not tell")
def test_what_a_program_takes_counts_and_what_is_not_known_is_not_said(tmp_path):
    words = [sys.executable, "-S", "-c", f"import time\n{BURNS}"]
    leashed, alone, nothing = Took(), Took(), Took()
    with leashed.measured():
        assert run_leashed(words, tmp_path, 60).code == 0
    with leashed.measured():
        pass
    assert leashed.cpu_seconds > 0.5
    assert leashed.peak_memory is None or leashed.peak_memory > 200_000_000
    with alone.measured():
        subprocess.run(words, check=True)
    assert alone.cpu_seconds > 0.5
    assert alone.peak_memory is None
    with nothing.measured():
        pass
    assert nothing.cpu_seconds < 0.5
    assert {*alone.figures} == {"seconds", "cpu_seconds"}
    if leashed.peak_memory is None:
        assert nothing.peak_memory is None


def test_a_program_is_not_charged_with_what_this_process_holds(tmp_path):
    held = np.ones(40_000_000)
    took = Took()
    with took.measured():
        run_leashed([sys.executable, "-S", "-c", "pass"], tmp_path, 60)
    assert held.nbytes == 320_000_000
    assert took.peak_memory is None or took.peak_memory < 100_000_000


def quantised(model, bits, by_channel):
    """Weights rounded by a loop over them, as slow as it is plain."""
    rounded = copy.deepcopy(model)
    most = 2 ** (bits - 1) - 1
    for weights in last_step(rounded).module_.parameters():
        if weights.dim() < 2:
            continue
        values = weights.data.numpy()
        rows = [(row,) for row in values] if by_channel else [tuple(values)]
        for group in rows:
            scale = np.float32(max(float(np.abs(row).max()) for row in group)) / np.float32(most)
            for row in group:
                row[:] = np.round(row / scale) * scale if scale else row
    return rounded


def test_quantised_networks_answer_as_weights_rounded_one_by_one(records):
    source = network(records)
    found, task, world, original = measured(records, source, "ascent", ["quantisation"])
    data, j = task.data, 1
    trained, deleted = unlearned(task, world, original)[j], world.chains[j][0].deleted
    held_out = np.sort(task.plan.pool.unseen)
    for way, model in (
        ("full", trained.model),
        ("int8-tensor", quantised(trained.model, 8, False)),
        ("int8-channel", quantised(trained.model, 8, True)),
        ("int4-tensor", quantised(trained.model, 4, False)),
        ("int4-channel", quantised(trained.model, 4, True)),
    ):
        for role, positions in (("forget", deleted), ("test", held_out)):
            known = figures_of(model.predict_proba(data.X[positions]).astype(np.float32), data.y[positions], data)
            for name, value in known.items():
                assert found[j, f"quantisation.{way}.{role}.{name}"] == pytest.approx(value, abs=1e-5)
    assert found[j, "quantisation.int4-tensor.test.probability"] != found[j, "quantisation.full.test.probability"]


def test_relearning_starts_at_the_unlearned_model_and_brings_back_what_is_returned(records):
    source = network(records)
    scenario = ScenarioConfig(name="group", size=10)
    found, task, world, original = measured(records, source, "more", ["relearning"], scenario=scenario)
    data, deleted = task.data, world.chains[0][0].deleted
    assert len(deleted) == 10
    (first, *_) = unlearned(task, world, original)
    start = figures_of(first.model.predict_proba(data.X[deleted]).astype(np.float32), data.y[deleted], data)
    assert found[0, "relearning.retained.0.probability"] == pytest.approx(start["probability"], abs=1e-6)
    assert {name.split(".")[1] for _, name in found} == {"retained", "returned"}
    assert {int(name.split(".")[2]) for _, name in found} == set(STEPS)
    last = STEPS[-1]
    for kind in ("retained", "returned"):
        assert found[0, f"relearning.{kind}.{last}.probability"] > found[0, f"relearning.{kind}.0.probability"]
    rest = deleted[5:]
    start = figures_of(first.model.predict_proba(data.X[rest]).astype(np.float32), data.y[rest], data)
    assert found[0, "relearning.returned.0.accuracy"] == start["accuracy"]


def test_relearning_one_step_is_one_step_of_the_optimiser(records):
    torch = pytest.importorskip("torch")
    source = network(records)
    found, task, world, original = measured(records, source, "ascent", ["relearning"])
    trained, deleted = unlearned(task, world, original)[0], world.chains[0][0].deleted
    seed = integer_seed(0, Kind.MEASURE, SIDES["target"], 0, 1)
    stay = world.training[~np.isin(world.training, deleted)]
    order = np.random.default_rng(seed).permutation(stay)[:16]
    model = copy.deepcopy(trained.model)
    net = last_step(model)
    optimizer = torch.optim.Adam(net.module_.parameters(), lr=net.learning_rate)
    X = torch.from_numpy(before_last_step(model, task.data.X[order]).astype(np.float32))
    labels = torch.from_numpy(np.searchsorted(net.classes_, task.data.y[order]))
    torch.nn.functional.cross_entropy(net.module_.train()(X), labels).backward()
    optimizer.step()
    net.module_.eval()
    known = figures_of(model.predict_proba(task.data.X[deleted]), task.data.y[deleted], task.data)
    assert found[0, "relearning.retained.1.probability"] == pytest.approx(known["probability"], abs=1e-6)
    assert not any(name.startswith("relearning.returned") for _, name in found)


def test_measuring_changes_no_answer_and_draws_from_nothing_that_others_draw_from(records, tmp_path):
    source = network(records)
    plain, _ = observed(tasks_of(records, source, ["ascent", "retrain"]), tmp_path / "plain")
    tasks = tasks_of(records, source, ["ascent", "retrain"], measures=tuple(MEASURES))
    found, _ = observed(tasks, tmp_path / "measured")
    again, _ = observed(tasks, tmp_path / "again")
    for kind in ("ascent", "retrain"):
        assert np.array_equal(plain[kind][0].posteriors, found[kind][0].posteriors)
        assert plain[kind][1].warnings == found[kind][1].warnings
        one, two = (
            of[kind][1].measures.loc[lambda table: ~table["name"].isin(["seconds", "cpu_seconds", "peak_memory"])]
            for of in (found, again)
        )
        assert len(one) > 50
        assert one.equals(two)


def test_worlds_keep_what_was_measured_and_are_made_again_for_more(records, tmp_path, monkeypatch):
    source = resolve_model("decision-tree")
    asked = {names: tasks_of(records, source, ["retrain"], measures=names) for names in ((), ("accuracy",), USUAL)}
    calls = counted(monkeypatch)
    assert len(observed(asked[()], tmp_path)[0]["retrain"][1].measures) == 0
    said, seen = [], []
    (found,) = observe_worlds(
        asked[("accuracy",)], Store(tmp_path), executor_for(None, 1), seen.append, None, Reuse(), said.append
    )
    sentence = "worlds 0, 1 were computed without everything to be measured, and are made again"
    assert said == [f"target side under retrain: {sentence}"]
    assert len(calls) == 4
    assert found[2].measures.columns.tolist() == ["world", "request", "name", "value"]
    assert set(found[2].measures["world"]) == {0, 1}
    assert len(found[2].measures) == 2 * 3 * 3
    for names in ((), ("accuracy",)):
        table, stats = observed(asked[names], tmp_path)[0]["retrain"]
        assert stats.reused == 2
        assert np.array_equal(table.posteriors, found[1].posteriors)
    moved = tasks_of(records, source, ["retrain"], measures=("moved",))
    observed(moved, tmp_path)
    assert len(calls) == 6
    both = tasks_of(records, source, ["retrain"], measures=("accuracy", "moved"))
    stats = observed(both, tmp_path)[0]["retrain"][1]
    assert len(calls) == 6
    assert set(stats.measures["name"].str.partition(".")[0]) == {"accuracy", "moved"}


def test_a_measure_of_another_version_is_taken_anew(records, tmp_path, monkeypatch):
    (task,) = tasks_of(records, resolve_model("decision-tree"), ["retrain"], measures=("accuracy",))
    observed([task], tmp_path)
    calls = counted(monkeypatch)
    monkeypatch.setattr(type(MEASURES["accuracy"]), "version", 2)
    observed([task], tmp_path)
    assert len(calls) == 2


@pytest.mark.parametrize("name", ["relearning", "quantisation"])
def test_what_is_measured_of_networks_is_refused_of_others(records, name):
    measure = MEASURES[name]
    assert measure.why_not(resolve_model("decision-tree"), records.data) == "decision-tree is not a neural network"
    assert measure.why_not(network(records), records.data) is None
    assert list(measures_of([name, name])) == [name]
    found, *_ = measured(records, resolve_model("decision-tree"), "retrain", [name])
    assert found == {}
    assert replace(Took(), seconds=1.0).figures == {"seconds": 1.0, "cpu_seconds": 0.0}


def test_the_loss_of_each_deleted_record_is_that_along_the_training_of_its_original(records):
    pytest.importorskip("torch")
    source = resolve_model("torch-mlp", {"epochs": 60, "batch_size": 16})  # until not all gradients are clipped
    found, task, world, original = measured(records, source, "retrain", ["per-instance-loss"])
    deleted = np.sort(np.concatenate([chain[0].deleted for chain in world.chains]))
    from unlearn_audit.unlearning.networks.noisy_fine_tuning import loss_along_training

    losses = loss_along_training(original, deleted, task.unlearner.regime)
    ids = task.data.record_ids[deleted]
    assert found == {(-1, f"difficulty.per-instance-loss.{of}"): loss for of, loss in zip(ids, losses, strict=True)}
    assert len(set(found.values())) == len(deleted)
