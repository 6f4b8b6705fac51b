"""Retraining of several networks at once: the same models as the plain loop, in every regime, for every request."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from unlearn_audit import Execution, run
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier, modules
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain, Sisa, train
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")

REGIMES = pytest.mark.parametrize("regime", list(Regime))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)) * [1, 5, 1, 1, 1, 1] + 3
    return prepare_arrays(X, (X[:, 0] > 3).astype(int) + (X[:, 2] > 3.5), None, "made", 0).data


ROWS = np.arange(90)
# so small a rate keeps apart rounding, which training in single precision carries on, from another order of records
SETTINGS = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu"}


def dropping(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, n_classes))


def convolving(n_features, n_classes):
    return nn.Sequential(
        nn.Unflatten(1, (1, n_features)), nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(2 * n_features - 4, n_classes)
    )


def source(module=modules.mlp, **settings):
    return resolve_model(make_pipeline(StandardScaler(), TorchClassifier(module, **SETTINGS | settings)))


def request(deleted, added=()):
    return Request(np.array(deleted, dtype=np.int64), np.array(added, dtype=np.int64))


REQUESTS = [request([3]), request([4, 9, 30]), request([7]), request([5], [120]), request([1, 2], range(100, 110))]


def retrained(source, data, regime, requests=REQUESTS, *, plain=False):
    """The original and the unlearned models."""
    retrain = replace(Retrain.for_model(source, regime)[0], plain=plain)
    original = retrain.learn(source, data, ROWS, 5)
    return [original, *retrain.unlearn_many(original, requests, range(len(requests)))]


def answers(trained):
    return trained.model.predict_proba(trained.data.X)


@REGIMES
@pytest.mark.parametrize("module", [modules.mlp, modules.logistic_regression, dropping])
def test_it_retrains_as_the_plain_loop_does(data, regime, module):
    at_once, alone = (retrained(source(module), data, regime, plain=plain) for plain in (False, True))
    for one, other in zip(at_once, alone, strict=True):
        assert np.abs(answers(one) - answers(other)).max() < 1e-5
        assert np.array_equal(one.training, other.training)
        assert (one.seed, one.model[-1].n_steps_, one.spent) == (other.seed, other.model[-1].n_steps_, None)
        assert one.model.n_features_in_ == 6
        assert np.array_equal(one.model.classes_, other.model.classes_)
        assert np.array_equal(one.model[0].mean_, other.model[0].mean_)


@pytest.mark.parametrize("model", [source(), TorchClassifier(modules.mlp, **SETTINGS)], ids=["scaled", "as it is"])
def test_retraining_on_unchanged_records_gives_the_original_to_the_last_bit(data, model):
    model = resolve_model(model) if isinstance(model, TorchClassifier) else model
    for regime in (Regime.FIXED, Regime.SAME_SEED):
        unchanged = Request(ROWS[-1:], ROWS[-1:])
        original, *others = retrained(model, data, regime, [request([8]), unchanged, unchanged])
        assert [np.array_equal(answers(original), answers(one)) for one in others] == [False, True, True]


@REGIMES
def test_a_retrained_model_does_not_depend_on_the_other_requests(data, regime):
    _, *many = retrained(source(), data, regime, [request([i]) for i in range(12)])
    retrain, _ = Retrain.for_model(source(), regime)
    original = retrain.learn(source(), data, ROWS, 5)
    for i in (0, 7, 11):
        assert np.array_equal(answers(retrain.unlearn(original, request([i]), i)), answers(many[i]))


def test_frames_and_texts_as_labels(data):
    import pandas as pd

    frame = pd.DataFrame(data.X, columns=list("abcdef"))
    named = prepare_arrays(frame, np.array(["no", "yes"])[(data.y > 0).astype(int)], None, "named", 0).data
    one, other = (retrained(source(), named, Regime.FIXED, plain=plain)[1] for plain in (False, True))
    assert list(one.model.feature_names_in_) == list("abcdef")
    assert np.abs(one.model.predict_proba(named.X) - other.model.predict_proba(named.X)).max() < 1e-4


def test_a_training_set_that_lacks_a_class_is_left_to_the_plain_loop(data):
    of_class = np.flatnonzero(data.y[ROWS] == 2)
    _, one, other = retrained(source(), data, Regime.FIXED, [request(ROWS[of_class]), request([3])])
    plain = train(source(), data, np.delete(ROWS, of_class), 5, Regime.FIXED)
    assert np.array_equal(answers(one), answers(plain))
    assert one.model.classes_.tolist() == [0, 1]
    assert other.model.classes_.tolist() == [0, 1, 2]


def test_warnings_are_those_of_the_plain_loop(data):
    idle = source(learning_rate=1e-12)
    at_once, alone = (retrained(idle, data, Regime.FIXED, plain=plain) for plain in (False, True))
    assert [one.warnings for one in at_once] == [one.warnings for one in alone]
    assert sum(len(one.warnings) for one in at_once) >= 3


def test_errors_are_those_of_the_plain_loop(data):
    for settings in ({"learning_rate": 1e30, "optimizer": "sgd"}, {"batch_size": 89}):
        said = []
        for plain in (False, True):
            with pytest.raises(AuditError) as caught:
                retrained(source(**settings), data, Regime.FIXED, plain=plain)
            said.append(str(caught.value))
        assert said[0] == said[1]


@pytest.mark.parametrize(
    ("model", "regime", "why"),
    [
        (source(dropping), Regime.SAME_SEED, "its dropout draws from one generator"),
        (source(convolving), Regime.FIXED, "on a CPU only perceptrons"),
        (source(lambda n_features: n_features), Regime.FIXED, "it cannot be made"),
        (
            resolve_model(make_pipeline(StandardScaler(), StandardScaler(), TorchClassifier(dropping))),
            Regime.FIXED,
            "more before it than a StandardScaler",
        ),
        (resolve_model("decision-tree"), Regime.FIXED, None),
        (resolve_model("logistic-regression"), Regime.FIXED, None),
    ],
    ids=["dropout", "images", "broken", "two scalers", "tree", "logistic regression"],
)
def test_what_stays_plain_keeps_its_key_and_says_why(data, model, regime, why):
    retrain, _ = Retrain.for_model(model, regime)
    key = retrain.trainer(model, data)
    assert key is None or key.startswith(("logistic/", "trees/"))
    said = retrain.why_plain(model, data)
    assert said is None if why is None else why in said


def test_what_is_batched_has_a_key_of_its_own(data):
    retrain, _ = Retrain.for_model(source(), Regime.FIXED)
    plain = replace(retrain, plain=True)
    assert retrain.trainer(source(), data) == "network-batch/2"
    assert (plain.trainer(source(), data), plain.why_plain(source(), data)) == (None, None)
    assert repr(plain) == repr(retrain)


def test_shards_are_trained_by_the_plain_loop(data):
    retrain, _ = Retrain.for_model(source(), Regime.FIXED)
    shard = Sisa(retrain, shards=2).learn(source(), data, ROWS, 5).model.shards[0]
    plain = train(source(), data, shard.records, 5, Regime.FIXED)
    assert np.array_equal(shard.checkpoints[-1].predict_proba(data.X), answers(plain))


FACTORIES = """
from torch import nn


def convolving(n_features, n_classes):
    return nn.Sequential(nn.Unflatten(1, (1, n_features)), nn.Conv1d(1, 1, 3), nn.Flatten(), nn.Linear(59, n_classes))


def linear(n_features, n_classes):
    return nn.Linear(n_features, n_classes)
"""


def test_an_audit_says_why_networks_were_trained_one_at_a_time(tmp_path):
    (tmp_path / "mine.py").write_text(FACTORIES)
    small = {"shadow": 2, "target": 2, "train_size": 100, "deletions": 5, "unseen": 2, "references": 2}
    for factory, told in (("convolving", 1), ("linear", 0)):
        network = {"max_steps": 2, "device": "cpu"}
        config = build_config(
            {
                "target": {"model": f"{tmp_path}/mine.py:{factory}", "data": "digits", "network": network},
                "worlds": small,
                "features": ["sorted-diff"],
                "attack_models": ["logistic-regression"],
            }
        )
        notes = run(config, Execution(jobs=1, store=tmp_path / factory)).findings.notes
        assert (
            sum(f"networks of mine.py:{factory} were trained one at a time: on a CPU" in n.text for n in notes) == told
        )


@pytest.mark.parametrize(
    ("factory", "method", "retraining", "said"),
    [
        ("convolving", "retrain", False, ["networks of {} were trained one at a time: on a CPU"]),
        ("convolving", "fine-tune", False, ["requests to networks of {} were met one after another: on a CPU"]),
        ("convolving", "fine-tune", True, ["requests to networks of", "networks of {} were trained one at a time:"]),
        ("linear", "fine-tune", True, []),
        (
            "linear",
            "noisy-fine-tuning:steps=per-instance,noise=0.1,weight_decay=0.1",
            False,
            ["requests to networks of {} were met one after an"],
        ),
    ],
)
def test_a_note_says_what_of_a_method_runs_singly(tmp_path, factory, method, retraining, said):
    (tmp_path / "mine.py").write_text(FACTORIES)
    network = {"max_steps": 2, "device": "cpu"}
    target = {"model": f"{tmp_path}/mine.py:{factory}", "data": "digits", "network": network}
    worlds = {"shadow": 2, "target": 2, "train_size": 100, "deletions": 5, "unseen": 2, "references": 2}
    own = {"unlearning": method, "retraining_arm": retraining}
    notes = plan_audit(AuditTask.load(build_config({"target": target, "worlds": worlds, **own}))).notes
    singly = [note for note in notes if "one at a time" in note or "one after another" in note]
    assert len(singly) == len(said)
    for note, start in zip(singly, said, strict=True):
        assert note.startswith(start.format(f"mine.py:{factory}"))
