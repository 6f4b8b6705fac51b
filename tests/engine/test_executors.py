import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import EXECUTORS, executor_for
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.worlds import plan_worlds
from unlearn_audit.worlds.prepare import prepare_arrays

MODELS = """
import os, signal, time, warnings
from pathlib import Path
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).parent

class Mortal(DecisionTreeClassifier):
    "Kills its process once, in the middle of the run."
    def fit(self, X, y):
        time.sleep(0.02)
        (HERE / f"fit-{os.getpid()}-{time.monotonic_ns()}").touch()
        if len(list(HERE.glob("fit-*"))) > 12 and os.getpid() != int((HERE / "parent").read_text()):
            try:
                (HERE / "killed").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)

class Doomed(DecisionTreeClassifier):
    def fit(self, X, y):
        if os.getpid() == int((HERE / "parent").read_text()):
            raise AssertionError("not in a worker")
        os.kill(os.getpid(), signal.SIGKILL)

class Refuses(DecisionTreeClassifier):
    def fit(self, X, y):
        raise MemoryError("too large\\nby far")

class Chatty(DecisionTreeClassifier):
    def predict_proba(self, X):
        warnings.warn("I guess")
        return super().predict_proba(X)
"""


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5))
    return prepare_arrays(X, (X[:, 0] + rng.normal(size=600) > 0).astype(int), None, "made", 0)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a file of one's own models; returns how to name one."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.py").write_text(MODELS)
    (folder / "parent").write_text(str(os.getpid()))
    monkeypatch.chdir(folder)
    return lambda name: f"mine.py:{name}"


def observe(records, folder, name, model="random-forest-100", jobs=2, worlds=3):
    source = resolve_model(model)
    sizes = WorldsConfig(shadow=worlds, target=worlds, train_size=100, deletions=4)
    plans, _ = plan_worlds(records.split, records.units, sizes, ScenarioConfig(), 0, "made", ("shadow", "target"))
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    tasks = [SideTask(records.data, source, unlearner, plan) for plan in plans.values()]
    found = observe_worlds(tasks, Store(folder), executor_for(name, jobs), lambda done, total: None)
    return {task.plan.side: (table, stats) for task, table, stats in found}


def assert_same(one, two):
    for side in ("shadow", "target"):
        assert np.array_equal(one[side][0].posteriors, two[side][0].posteriors)
        pd.testing.assert_frame_equal(one[side][0].rows, two[side][0].rows)
        assert one[side][1] == two[side][1]


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_executors_give_the_same_bits(records, tmp_path, name, capfd):
    expected = observe(records, tmp_path / "serial", "serial", jobs=1)
    assert_same(observe(records, tmp_path / name, name), expected)
    # what comes from the store is what was made
    again = observe(records, tmp_path / name, "serial", jobs=1)
    assert again["target"][1].reused == 3
    assert np.array_equal(again["target"][0].posteriors, expected["target"][0].posteriors)
    pd.testing.assert_frame_equal(again["target"][0].rows, expected["target"][0].rows)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_a_killed_worker_changes_nothing(records, tmp_path, own, name, capfd):
    found = observe(records, tmp_path / name, name, own("Mortal"))
    assert Path("killed").exists()
    assert_same(found, observe(records, tmp_path / "serial", "serial", own("Mortal"), jobs=1))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_workers_that_always_die_are_told_in_one_sentence(records, tmp_path, own, name):
    with pytest.raises(AuditError, match=r"worker processes died 3 times in a row .*; 6 worlds are not made yet"):
        observe(records, tmp_path / name, name, own("Doomed"))


@pytest.mark.parametrize("name", EXECUTORS)
def test_what_a_worker_refuses_is_the_same_sentence(records, tmp_path, own, name):
    with pytest.raises(AuditError) as caught:
        observe(records, tmp_path / "store", name, own("Refuses"))
    assert str(caught.value) == "model mine.py:Refuses failed to fit 100 records of made: MemoryError: too large by far"


@pytest.mark.parametrize("name", EXECUTORS)
def test_what_queries_warn_of_is_counted_and_not_shown(records, tmp_path, own, name, capfd):
    found = observe(records, tmp_path / "store", name, own("Chatty"))
    assert found["target"][1].warnings == {"UserWarning: I guess": 3 * (4 * 2 + 2)}
    assert capfd.readouterr() == ("", "")
