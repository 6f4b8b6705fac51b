import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.observations import Observations
from unlearn_audit.unlearning import Retrain
from unlearn_audit.worlds import plan_worlds
from unlearn_audit.worlds.from_arrays import prepare_arrays

SIDES = ("shadow", "target")


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5))
    return prepare_arrays(X, (X[:, 0] + rng.normal(size=600) > 0).astype(int), None, "made", 0)


def tasks(records, model="decision-tree", **sizes):
    source = resolve_model(model)
    wanted = WorldsConfig(**{"shadow": 2, "target": 3, "train_size": 100, "deletions": 4, **sizes})
    plans, _ = plan_worlds(records.split, records.persons, wanted, ScenarioConfig(), 0, "made", SIDES)
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    return [SideTask(records.data, source, unlearner, plans[side]) for side in SIDES]


def observe(records, folder, jobs=1, model="decision-tree", **sizes):
    seen = []
    found = observe_worlds(
        tasks(records, model, **sizes),
        Store(folder),
        executor_for(None, jobs),
        seen.append,
    )
    return {task.plan.side: (table, stats) for task, table, stats in found}, seen


def test_rows_are_those_of_the_plan_and_posteriors_those_of_the_models(records, tmp_path):
    found, _ = observe(records, tmp_path)
    table = found["target"][0]
    task = tasks(records)[1]
    world = task.plan.world(1)
    rows = table.rows[(table.rows["world"] == 1) & (table.rows["request"] == 2)]
    assert rows["record"].tolist() == records.data.record_ids[world.queries[2].positions].tolist()
    assert rows["role"].tolist() == world.queries[2].roles.tolist()
    assert (rows["label"].to_numpy() == records.data.y[world.queries[2].positions]).all()
    deleted = rows["role"] == "deleted"
    assert (rows["deleted_at"] == np.where(deleted, 1, -1)).all()
    rest = world.training[~np.isin(world.training, world.chains[2][0].deleted)]
    from unlearn_audit.utils.seeds import Kind, integer_seed

    model = task.source.make(integer_seed(0, Kind.ORIGINAL, 1, 1)).fit(records.data.X[rest], records.data.y[rest])
    expected = model.predict_proba(records.data.X[world.queries[2].positions])
    assert np.allclose(table.posteriors[rows.index, 1], expected, atol=1e-7)


@pytest.mark.parametrize("sizes", [{}, {"probes": 3}], ids=["clean", "probes"])
def test_a_table_that_is_not_checked_again_is_the_one_that_checks_would_make(records, tmp_path, sizes):
    made = observe(records, tmp_path, **sizes)[0]["target"][0]
    checked = Observations.create(
        {name: made.rows[name] for name in made.rows}, made.posteriors, made.classes, signals=made.signals
    )
    pd.testing.assert_frame_equal(made.rows, checked.rows)
    assert made.rows.dtypes.tolist() == checked.rows.dtypes.tolist()
    assert made.posteriors.dtype == checked.posteriors.dtype
    assert (made.posteriors == checked.posteriors).all()
    assert (made.classes, made.partial, made.signals.keys()) == (checked.classes, False, checked.signals.keys())


def test_results_do_not_depend_on_the_number_of_workers(records, tmp_path):
    one, two = (observe(records, tmp_path / str(jobs), jobs, "random-forest-100")[0] for jobs in (1, 2))
    for side in SIDES:
        assert np.array_equal(one[side][0].posteriors, two[side][0].posteriors)
        assert one[side][0].rows.equals(two[side][0].rows)
        assert one[side][1].overfitting == two[side][1].overfitting


def test_finished_worlds_are_reused_and_only_new_ones_trained(records, tmp_path, monkeypatch):
    # each model by its own fit, which is counted
    monkeypatch.setattr("unlearn_audit.unlearning.trainers.trees.is_installed", lambda: False)
    first, seen = observe(records, tmp_path)
    assert seen == list(range(6))
    fits = []
    fit = DecisionTreeClassifier.fit
    monkeypatch.setattr(DecisionTreeClassifier, "fit", lambda self, *a, **k: fits.append(1) or fit(self, *a, **k))
    again, seen = observe(records, tmp_path)
    assert fits == []
    assert seen == [5]
    assert again["target"][1].reused == 3
    more, _ = observe(records, tmp_path, target=4)
    assert len(fits) == 1 + 4
    old = more["target"][0].worlds < 3
    assert np.array_equal(more["target"][0].posteriors[old], first["target"][0].posteriors)


def test_other_settings_are_other_work(records, tmp_path):
    observe(records, tmp_path)
    _, seen = observe(records, tmp_path, deletions=5)
    assert seen[0] == 0


def test_what_is_reused_is_said_by_side_and_arm(records, tmp_path):
    said = []
    shadow, target = tasks(records)
    both = [replace(shadow, arm="dp-sgd:4"), target]
    list(observe_worlds(both, Store(tmp_path), executor_for(None, 1), lambda done: None, said.append))
    assert said[0] == "shadow side under dp-sgd:4: 0 of 2 worlds are reused"
    assert said[2] == "target side: 0 of 3 worlds are reused"


def test_a_damaged_world_is_made_again_and_one_that_vanishes_is_no_harm(records, tmp_path):
    first, _ = observe(records, tmp_path)
    sorted(tmp_path.glob("??/*.arrow"))[0].write_bytes(b"damaged")
    seen = []

    def progress(done):
        seen.append(done)
        for path in tmp_path.glob("??/*"):
            path.unlink()

    found = observe_worlds(tasks(records), Store(tmp_path), executor_for(None, 1), progress)
    for task, table, _ in found:
        assert np.array_equal(table.posteriors, first[task.plan.side][0].posteriors)
    assert seen == [4, 5]


def test_changed_notes_are_made_again_and_named(records, tmp_path):
    first, _ = observe(records, tmp_path)
    for mark in tmp_path.glob("??/*.json"):
        note = json.loads(mark.read_text())
        note["stats"] = {"overfit": 0.9} if note["document"]["side"] == "target" else note["stats"]
        if note["document"]["side"] == "shadow" and note["document"]["world"] == 1:
            del note["digest"]
        mark.write_text(json.dumps(note))
    said, of_side, reuse = [], {}, Reuse()
    for task, table, stats in observe_worlds(
        tasks(records), Store(tmp_path), executor_for(None, 1), lambda done: None, None, reuse, said.append
    ):
        side = of_side[task.plan.side] = stats
        assert np.array_equal(table.posteriors, first[task.plan.side][0].posteriors)
        assert side.overfitting == first[task.plan.side][1].overfitting
    assert said == [
        "shadow side: world 1 was stored by an earlier version, which recorded no digest of it, and is made again",
        "target side: worlds 0 to 2 can no longer be read completely and are made again",
    ]
    assert len(reuse.remade) == 4
    assert [of_side[side].reused for side in SIDES] == [1, 0]


def test_each_artefact_is_read_once(records, tmp_path, monkeypatch):
    observe(records, tmp_path)
    reads = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: reads.append(path.name) or read(path))
    observe(records, tmp_path)
    assert len([name for name in reads if name.endswith(".arrow")]) == 5


class Chatty(DecisionTreeClassifier):
    def fit(self, X, y):
        import warnings

        warnings.warn("I guess", UserWarning, stacklevel=1)
        return super().fit(X, y)


def test_what_training_warns_of_is_counted(records, tmp_path):
    found, _ = observe(records, tmp_path, model=Chatty(max_leaf_nodes=4))
    assert found["target"][1].warnings == {"UserWarning: I guess": 3 * 5}
