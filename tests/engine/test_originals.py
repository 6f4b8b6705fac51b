"""Originals that several arms share: trained once, kept in the store, and the same bits as each arm alone."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from shared_originals import SIZES, counted, few_digits, network, observed, tasks_of
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.observe import Original, learn_original, original_seed
from unlearn_audit.engine.originals import kept_original, stored_original
from unlearn_audit.engine.store.prune import prune
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.models import resolve_model
from unlearn_audit.models.kept import why_not_kept
from unlearn_audit.models.regimes import Regime
from unlearn_audit.observations.piece import Packed
from unlearn_audit.unlearning import Retrain, train
from unlearn_audit.unlearning.none import NoUnlearning


@pytest.fixture(scope="module")
def records():
    return few_digits()


@pytest.mark.parametrize("model", ["logistic-regression", "decision-tree", "torch-mlp"])
def test_arms_together_give_the_bits_of_each_alone_and_train_each_original_once(records, tmp_path, model, monkeypatch):
    source = network(records) if model == "torch-mlp" else resolve_model(model)
    kinds = ["retrain", "none", *(["ascent", "fine-tune"] if model == "torch-mlp" else [])]
    alone = {kind: observed(tasks_of(records, source, [kind]), tmp_path / kind)[0][kind] for kind in kinds}
    calls = counted(monkeypatch)
    together, seen = observed(tasks_of(records, source, kinds), tmp_path / "together")
    assert len(calls) == SIZES["target"]
    assert seen == list(range(len(kinds) * SIZES["target"] + 1))
    for kind in kinds:
        assert np.array_equal(alone[kind][0].posteriors, together[kind][0].posteriors)
        assert alone[kind][0].rows.equals(together[kind][0].rows)
        assert alone[kind][1].overfitting == together[kind][1].overfitting
        assert alone[kind][1].warnings == together[kind][1].warnings


def test_a_method_that_learns_in_its_own_way_has_its_own_original(records, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    observed(tasks_of(records, resolve_model("decision-tree"), ["sisa", "retrain", "none"]), tmp_path)
    assert sorted(calls) == [("retrain", 0), ("retrain", 1), ("sisa", 0), ("sisa", 1)]


class LearnsOtherwise(NoUnlearning):
    def learn(self, source, data, training, seed):
        return super().learn(source, data, training[: len(training) // 2], seed)


def test_who_overrides_learning_shares_no_original(records):
    source = resolve_model("decision-tree")
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    same, other = NoUnlearning(retrain.regime, retrain), LearnsOtherwise(retrain.regime, retrain)
    assert retrain.learns_as(source, records.data) == same.learns_as(source, records.data) is not None
    assert other.learns_as(source, records.data) is None
    fresh, _ = Retrain.for_model(source, Regime.FRESH)
    assert fresh.learns_as(source, records.data) != retrain.learns_as(source, records.data)


def test_what_one_method_does_to_the_original_no_other_arm_sees(records, tmp_path):
    source = resolve_model(GaussianNB)
    kinds = ["spoiler", "none"]
    (alone, _), (both, _) = (
        observed(tasks_of(records, source, of), tmp_path / str(len(of))) for of in (["none"], kinds)
    )
    assert np.array_equal(alone["none"][0].posteriors, both["none"][0].posteriors)
    assert (both["none"][0].posteriors[:, 0] == both["none"][0].posteriors[:, 1]).all()


def test_workers_change_nothing(records, tmp_path):
    pytest.importorskip("safetensors")
    source = resolve_model(GaussianNB)
    kinds = ["retrain", "none"]
    one, two = (
        observed(
            tasks_of(records, source, kinds, keep_originals=True, measures=("accuracy", "moved")),
            tmp_path / str(jobs),
            jobs,
        )[0]
        for jobs in (1, 2)
    )
    for kind in kinds:
        assert np.array_equal(one[kind][0].posteriors, two[kind][0].posteriors)
        assert one[kind][1].measures.equals(two[kind][1].measures)
    kept = [sorted(path.name for path in (tmp_path / jobs).glob("??/*.safetensors")) for jobs in ("1", "2")]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 2
    for name in kept[0]:
        contents = [(tmp_path / jobs / name[:2] / name).read_bytes() for jobs in ("1", "2")]
        assert contents[0] == contents[1]


def test_a_second_run_with_one_more_method_trains_no_original(records, tmp_path, monkeypatch):
    source = network(records)
    observed(tasks_of(records, source, ["retrain", "ascent"], keep_originals=True), tmp_path / "kept")
    calls = counted(monkeypatch)
    kinds = ["retrain", "none", "ascent", "more"]
    again, seen = observed(tasks_of(records, source, kinds, keep_originals=True), tmp_path / "kept")
    assert calls == []
    assert seen == [4, 5, 6, 7, 8]
    anew, _ = observed(tasks_of(records, source, kinds), tmp_path / "anew")
    assert len(calls) == 2
    for kind in kinds:
        assert np.array_equal(again[kind][0].posteriors, anew[kind][0].posteriors)
        assert again[kind][1].warnings == anew[kind][1].warnings
    assert not (again["ascent"][0].posteriors == again["more"][0].posteriors).all()


def test_a_killed_run_goes_on_where_it_was_by_arm_and_world(records, tmp_path, monkeypatch):
    source = network(records)
    kinds = ["retrain", "none", "ascent"]
    whole, _ = observed(tasks_of(records, source, kinds), tmp_path / "whole")

    def killed(done):
        if done == 4:
            raise KeyboardInterrupt

    tasks = tasks_of(records, source, kinds, keep_originals=True)
    with pytest.raises(KeyboardInterrupt):
        list(observe_worlds(tasks, Store(tmp_path / "killed"), executor_for(None, 1), killed))
    calls = counted(monkeypatch)
    again, seen = observed(tasks, tmp_path / "killed")
    assert calls == []
    assert seen == [4, 5, 6]
    for kind in kinds:
        assert np.array_equal(whole[kind][0].posteriors, again[kind][0].posteriors)


def test_originals_are_kept_where_asked_for_alone_and_not_taken_where_reuse_is_off(records, tmp_path, monkeypatch):
    source = network(records)
    observed(tasks_of(records, source, ["retrain"]), tmp_path / "plain")
    assert list((tmp_path / "plain").glob("??/*.safetensors")) == []
    tasks = tasks_of(records, source, ["none"], keep_originals=True)
    observed(tasks, tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("??/*.safetensors"))) == 2
    for path in (tmp_path / "kept").glob("??/*.arrow"):
        path.with_suffix(".json").unlink()
    calls = counted(monkeypatch)
    observed(tasks, tmp_path / "kept", reuse=Reuse("never"))
    assert len(calls) == 2


def test_a_damaged_original_is_trained_again_and_named_by_verify(records, tmp_path, monkeypatch):
    source = network(records)
    observed(tasks_of(records, source, ["none"], keep_originals=True), tmp_path)
    store = Store(tmp_path)
    damaged, other = sorted(tmp_path.glob("??/*.safetensors"))
    damaged.write_bytes(damaged.read_bytes()[:-4])
    assert [store.state(path.stem) for path in (damaged, other)] == ["damaged", "whole"]
    calls = counted(monkeypatch)
    observed(tasks_of(records, source, ["none", "retrain"], keep_originals=True), tmp_path)
    assert len(calls) == 1
    assert store.state(damaged.stem) == "whole"


def test_modes_are_private_and_prune_removes_originals(records, tmp_path):
    observed(tasks_of(records, network(records), ["none"], keep_originals=True), tmp_path)
    kept = list(tmp_path.glob("??/*.safetensors"))
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    orphan = kept[0].with_suffix(".json")
    n_bytes = sum(path.stat().st_size for path in tmp_path.glob("??/*"))
    assert sum(artefact.n_bytes for artefact in Store(tmp_path).stored()) == n_bytes
    assert orphan.is_file()
    done = prune(Store(tmp_path), everything=True)
    assert (done.artefacts, done.n_bytes) == (4, n_bytes)
    assert list(tmp_path.glob("??/*.safetensors")) == []


MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=20, C=0.1),
    "scaled": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=50)),
    "bayes": GaussianNB,
}


@pytest.mark.parametrize("name", [*MODELS, "torch-mlp", "torch-mlp-pipeline"])
def test_a_kept_original_is_made_again_to_the_last_bit(records, tmp_path, name):
    pytest.importorskip("safetensors")
    source = network(records) if name.startswith("torch") else resolve_model(MODELS[name])
    if name == "torch-mlp-pipeline":
        pytest.importorskip("torch")
        from unlearn_audit.models.networks import TorchClassifier
        from unlearn_audit.models.networks.modules import mlp

        source = resolve_model(lambda: make_pipeline(StandardScaler(), TorchClassifier(mlp, batch_size=16, epochs=2)))
    (task,) = tasks_of(records, source, ["retrain"], keep_originals=True)
    world = task.plan.world(1)
    trained = train(source, records.data, world.training, 7, Regime.SAME_SEED)
    tensors, notes = kept_original(Original(trained))
    store, document = Store(tmp_path), {"stage": "original/0"}
    store.put(document, tensors, notes)
    assert b"pickle" not in (path := next(tmp_path.glob("??/*.safetensors"))).read_bytes()
    assert json.loads(path.with_suffix(".json").read_text())["stats"]["model"]
    again = stored_original(task, world, store, document)
    assert again.trained.training is world.training
    assert type(again.trained.model) is type(trained.model)
    for X in (records.data.X, records.data.X[:3], records.data.X[7:50]):
        assert np.array_equal(again.trained.model.predict_proba(X), trained.model.predict_proba(X))
    assert original_seed(task, world) == again.trained.seed


@pytest.mark.parametrize("name", ["decision-tree", "random-forest"])
def test_trees_are_not_kept(records, tmp_path, name):
    source = resolve_model(name)
    assert "only networks, linear models" in why_not_kept(source.make(seed=0))
    (task,) = tasks_of(records, source, ["none"], keep_originals=True)
    assert kept_original(learn_original(task, task.plan.world(0))) is None


def counting(n_features, n_classes):
    """A module with state that is no tensor."""
    from torch import nn

    class Counting(nn.Linear):
        def get_extra_state(self):
            return {"steps": 3}

        def set_extra_state(self, state):
            pass

    return Counting(n_features, n_classes)


def halved(n_features, n_classes):
    """A module with weights that NumPy has no type for."""
    import torch
    from torch import nn

    class Halved(nn.Linear):
        def forward(self, X):
            return super().forward(X.to(torch.bfloat16)).float()

    return Halved(n_features, n_classes).to(torch.bfloat16)


@pytest.mark.parametrize("module", [counting, halved])
def test_a_network_whose_state_is_no_arrays_is_not_kept_and_the_audit_goes_on(records, tmp_path, module):
    pytest.importorskip("torch")
    from unlearn_audit.models.networks import TorchClassifier

    source = resolve_model(lambda: TorchClassifier(module, batch_size=16, epochs=1))
    found, seen = observed(tasks_of(records, source, ["none"], keep_originals=True), tmp_path)
    assert len(found["none"][0].rows) > 0
    assert len(seen) == SIZES["target"] + 1
    assert list(tmp_path.glob("??/*.safetensors")) == []


class Remembers(LogisticRegression):
    """Answers by more than it was fitted with."""

    def predict_proba(self, X):
        return super().predict_proba(X) ** getattr(self, "sharpness", 1)


def test_what_is_not_made_again_to_the_last_bit_is_not_kept(records):
    pytest.importorskip("safetensors")
    source = resolve_model(lambda: GaussianNB())
    (task,) = tasks_of(records, source, ["none"], keep_originals=True)
    original = learn_original(task, task.plan.world(0))
    assert kept_original(original) is not None
    model = copy.deepcopy(original.trained.model)
    model.predict_proba = lambda X: np.full((len(X), 3), 1 / 3)
    assert kept_original(replace(original, trained=replace(original.trained, model=model))) is None
    assert why_not_kept(GaussianNB()) is None
    assert why_not_kept(Remembers()) == why_not_kept(DecisionTreeClassifier()) is not None


def test_documents_of_worlds_say_nothing_of_sharing_and_measures(records):
    source = resolve_model("decision-tree")
    plain, more = (
        tasks_of(records, source, ["retrain"], **changes)[0].documents("data")
        for changes in ({}, {"keep_originals": True, "measures": ("accuracy",)})
    )
    assert plain == more


def test_a_piece_is_packed_as_before(records, tmp_path):
    tasks = tasks_of(records, resolve_model("decision-tree"), ["retrain", "none"])
    observed(tasks, tmp_path / "both")
    observed(tasks[:1], tmp_path / "one")
    one = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("??/*.arrow")}
    both = {path.name: path.read_bytes() for path in (tmp_path / "both").glob("??/*.arrow")}
    assert one.items() <= both.items()
    assert all(isinstance(Packed(content), Packed) for content in one.values())
