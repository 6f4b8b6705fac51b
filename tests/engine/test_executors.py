import importlib.util
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.engine import Store, observe_worlds, work
from unlearn_audit.engine.executors import EXECUTORS, cluster, executor_for, split_cores
from unlearn_audit.engine.executors.base import FRUITLESS, WorkersDied, until_done
from unlearn_audit.engine.executors.shared import dump, load
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.models import ModelSource, resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain, train
from unlearn_audit.utils.threads import several_threads, threads_for_trees
from unlearn_audit.worlds import plan_worlds
from unlearn_audit.worlds.from_arrays import prepare_arrays

MODELS = """
import os, signal, time, warnings
from pathlib import Path
import numpy as np
from sklearn.tree import DecisionTreeClassifier

HERE, KEPT = Path(__file__).parent, []

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

class Growing(DecisionTreeClassifier):
    "Lets its process grow by more than a pool puts up with, which then replaces it."
    def fit(self, X, y):
        if not KEPT and os.getpid() != int((HERE / "parent").read_text()):
            KEPT.append(np.ones(45_000_000))
        (HERE / f"grown-{os.getpid()}").touch()
        time.sleep(0.1)
        return super().fit(X, y)

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


def tasks_of(records, model, worlds=3):
    source = model if isinstance(model, ModelSource) else resolve_model(model)
    sizes = WorldsConfig(shadow=worlds, target=worlds, train_size=100, deletions=4)
    plans, _ = plan_worlds(records.split, records.persons, sizes, ScenarioConfig(), 0, "made", ("shadow", "target"))
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    return [SideTask(records.data, source, unlearner, plan) for plan in plans.values()]


def observe(records, folder, executor, model="random-forest-100", jobs=2, worlds=3):
    executor = executor_for(executor, jobs) if isinstance(executor, str) else executor
    found = observe_worlds(tasks_of(records, model, worlds), Store(folder), executor, lambda done: None)
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


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("name", ["processes", "dask"])
@pytest.mark.parametrize("model", ["logistic-regression", "torch-mlp", "random-forest-accelerated"])
def test_models_with_threads_of_their_own_give_the_same_bits(records, tmp_path, name, model):
    source = resolve_model(model, {"epochs": 2} if model == "torch-mlp" else None)
    expected = observe(records, tmp_path / "serial", "serial", source, jobs=1)
    assert_same(observe(records, tmp_path / name, name, source), expected)


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_a_killed_worker_changes_nothing(records, tmp_path, own, name, capfd):
    found = observe(records, tmp_path / name, name, own("Mortal"))
    assert Path("killed").exists()
    assert_same(found, observe(records, tmp_path / "serial", "serial", own("Mortal"), jobs=1))
    assert capfd.readouterr() == ("", "")


def test_workers_that_grew_are_replaced_in_silence(records, tmp_path, own, capfd):
    found = observe(records, tmp_path / "processes", "processes", own("Growing"), worlds=6)
    assert len(list(Path().glob("grown-*"))) > 2
    assert_same(found, observe(records, tmp_path / "serial", "serial", own("Growing"), jobs=1, worlds=6))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_workers_that_always_die_are_told_in_one_sentence(records, tmp_path, own, name):
    with pytest.raises(AuditError, match=r"worker processes died 3 times in a row .*; 6 worlds are not computed yet"):
        observe(records, tmp_path / name, name, own("Doomed"))


@pytest.mark.parametrize("name", EXECUTORS)
def test_what_a_worker_refuses_is_the_same_sentence(records, tmp_path, own, name):
    with pytest.raises(AuditError) as caught:
        observe(records, tmp_path / "store", name, own("Refuses"))
    line = next(number for number, text in enumerate(MODELS.splitlines(), 1) if "MemoryError" in text)
    said = f"model mine.py:Refuses failed to fit 100 records of made: MemoryError: too large by far, at mine.py:{line}"
    assert str(caught.value) == said


@pytest.mark.parametrize("name", EXECUTORS)
def test_what_queries_warn_of_is_counted_and_not_shown(records, tmp_path, own, name, capfd):
    found = observe(records, tmp_path / "store", name, own("Chatty"))
    assert found["target"][1].warnings == {"UserWarning: I guess": 3 * (4 * 2 + 2)}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_a_users_file_travels_to_the_workers(records, tmp_path, own, name):
    source = resolve_model(own("Refuses"))
    Path("mine.py").unlink()
    with pytest.raises(AuditError, match=r"model mine\.py:Refuses failed to fit"):
        observe(records, tmp_path / "store", name, source)


def test_what_cannot_be_sent_to_a_worker_is_told(records, tmp_path):
    lock = threading.Lock()

    def make():
        assert lock is not None
        return DecisionTreeClassifier()

    with pytest.raises(AuditError, match=r"the model cannot be sent to a worker process .*use the executor serial"):
        observe(records, tmp_path / "store", "processes", make)
    assert observe(records, tmp_path / "store", "serial", make)["target"][1].reused == 0


def test_a_worker_that_computes_otherwise_is_refused(records, tmp_path, monkeypatch):
    (task,) = tasks_of(records, "decision-tree")[:1]
    computing = {**task.computing(), "scikit-learn": "1.0"}
    with pytest.raises(AuditError, match=r"computes with scikit-learn \S+ and this process with 1\.0; results may"):
        work.make_worlds(work.Work((task,), (computing,), ((0,),), ((0, 0),), {}, frozenset(), tmp_path), (0, 0))


def test_a_scheduler_that_does_not_answer_is_told(records, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_TO_WAIT", 2)
    with pytest.raises(AuditError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        observe(records, tmp_path / "store", executor_for(None, 1, "tcp://127.0.0.1:9"))


def test_a_running_cluster_is_used_and_left_running(records, tmp_path, own):
    from distributed import LocalCluster

    options = {"n_workers": 1, "processes": True, "dashboard_address": ":0", "silence_logs": 50}
    expected = observe(records, tmp_path / "serial", "serial", jobs=1)
    with LocalCluster(threads_per_worker=1, **options) as running:
        for model in ("random-forest-100", own("Refuses")):
            executor = executor_for(None, 1, running.scheduler_address)
            if model == "random-forest-100":
                assert_same(observe(records, tmp_path / "dask", executor), expected)
            else:
                with pytest.raises(AuditError, match="failed to fit"):
                    observe(records, tmp_path / "refused", executor, model)
    with LocalCluster(threads_per_worker=3, **options) as running:
        executor = executor_for("dask", 1, running.scheduler_address)
        with pytest.raises(AuditError, match=r"has 3 threads, .*; start workers with --nthreads 1"):
            observe(records, tmp_path / "threads", executor)


@pytest.mark.parametrize(
    ("name", "jobs", "scheduler", "said"),
    [
        ("threads", 2, None, "no executor 'threads'; use one of serial, processes, dask"),
        ("processes", 2, "tcp://node:8786", "a scheduler was given, but the executor processes has none"),
    ],
)
def test_executors_that_do_not_exist(name, jobs, scheduler, said):
    with pytest.raises(AuditError, match=said):
        executor_for(name, jobs, scheduler)


def test_dask_is_named_where_it_is_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "distributed" else find(name, *rest)
    )
    with pytest.raises(AuditError, match=r"executor dask needs Dask.*pip install 'unlearn-audit\[dask\]'"):
        executor_for("dask", 2)


@given(st.integers(1, 256), st.integers(0, 500))
def test_cores_are_split_without_any_being_promised_twice(jobs, worlds):
    processes, threads = split_cores(jobs, worlds)
    assert 1 <= processes <= max(worlds, 1)
    assert threads >= 1
    assert processes * threads <= jobs
    # whole worlds come first, and no world could have one more thread
    assert processes == min(jobs, max(worlds, 1))
    assert processes * (threads + 1) > jobs


def test_items_are_tried_again_as_long_as_that_leads_anywhere():
    tried = []

    def attempt(left):
        tried.append(list(left))
        if len(tried) % FRUITLESS == 0:
            yield left[0], "done"
        raise WorkersDied("killed")

    items = [(0, i) for i in range(4)]
    assert list(until_done(attempt, items)) == [(item, "done") for item in items]
    assert tried[-1] == [(0, 3)]

    def never(left):
        tried.append(list(left))
        raise WorkersDied("killed")
        yield

    tried.clear()
    with pytest.raises(AuditError, match=r"died 3 times in a row \(killed\).*4 worlds are not computed yet"):
        list(until_done(never, items))
    assert len(tried) == FRUITLESS


@pytest.mark.parametrize("X", [np.arange(12.0).reshape(4, 3), np.arange(12.0).reshape(3, 4).T, np.empty((0, 3))])
def test_shared_arrays_are_mapped_and_not_copied(tmp_path, X):
    shared = {"X": X, "again": X, "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "make": lambda: 3}
    loaded = load(dump(shared, tmp_path))
    assert np.array_equal(loaded["X"], X)
    assert loaded["X"] is loaded["again"]
    pd.testing.assert_frame_equal(loaded["frame"], shared["frame"])
    assert loaded["make"]() == 3
    assert not loaded["X"].size or not loaded["X"].flags.writeable


def test_nothing_shared_is_no_file_to_map(tmp_path):
    assert load(dump(("no", "arrays"), tmp_path)) == ("no", "arrays")


@pytest.mark.parametrize("model", [RandomForestClassifier, ExtraTreesClassifier])
def test_threads_change_no_bit_of_a_forest_nor_its_key(records, model):
    data = records.data
    pipeline = make_pipeline(StandardScaler(), model(n_estimators=20, n_jobs=3))
    source = resolve_model(pipeline)
    answers = []
    for threads in (1, 3):
        with several_threads(threads):
            grown = train(source, data, np.arange(200), seed=1).model
            assert resolve_model(pipeline).fingerprint == source.fingerprint
        assert grown[-1].n_jobs == 1
        answers.append(grown.predict_proba(data.X))
    assert np.array_equal(*answers)
    assert threads_for_trees() == 1
    plain = source.make(1).set_params(**{f"{pipeline.steps[-1][0]}__n_jobs": 1}).fit(data.X[:200], data.y[:200])
    assert np.array_equal(plain.predict_proba(data.X), answers[0])


def test_only_trees_that_are_the_model_itself_get_threads(records):
    seen = []

    class Watched(RandomForestClassifier):
        def fit(self, X, y):
            seen.append(self.n_jobs)
            return super().fit(X, y)

    with several_threads(4):
        for model in (Watched(n_estimators=2), OneVsRestClassifier(Watched(n_estimators=2, n_jobs=-1))):
            train(resolve_model(model), records.data, np.arange(50), seed=1)
    assert seen == [4, 1]


def test_no_other_machine_reaches_a_cluster_of_this_one(monkeypatch):
    pytest.importorskip("distributed")
    psutil = pytest.importorskip("psutil")
    listening = []

    def looked(client, work, packed, items, threads):
        here = psutil.Process()
        for process in (here, *here.children(recursive=True)):
            listening.extend(of.laddr for of in process.net_connections() if of.status == psutil.CONN_LISTEN)
        return ((item, None) for item in items)

    monkeypatch.setattr(cluster, "_submit", looked)
    list(cluster.DaskCluster(1).run(None, None, [(0, 0)]))
    assert listening
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert 8787 not in {address.port for address in listening}
