"""Unlearning of neural networks: who is told record ids, and what a deletion then changes."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.regimes import Regime, RowOrder, fixed_order, record_ids_option
from unlearn_audit.unlearning import Retrain, Sisa, train
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)).astype(np.float32)
    return prepare_arrays(X, (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5), None, "made", 0).data


def dropping(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, n_classes))


def network(**settings):
    return TorchClassifier(dropping, **{"epochs": 2, "batch_size": 10, "learning_rate": 0.01} | settings)


def request(*deleted):
    return Request(np.array(deleted, dtype=np.int64), np.array([], dtype=np.int64))


class Keyed(ClassifierMixin, BaseEstimator):
    """Someone's own class that keys its draws."""

    draws_by_record = True

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, record_ids=None):
        self.classes_ = np.unique(y)
        self.told_ = None if record_ids is None else list(record_ids)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class NotKeyed(Keyed):
    draws_by_record = False


@pytest.mark.parametrize(
    ("model", "order", "option"),
    [
        (network(), RowOrder.MINUS, "record_ids"),
        (make_pipeline(StandardScaler(), network()), RowOrder.MINUS, "torchclassifier__record_ids"),
        (resolve_model("torch-mlp").make(0), RowOrder.MINUS, "torchclassifier__record_ids"),
        (resolve_model("simple-cnn").make(0), RowOrder.MINUS, "record_ids"),
        (Keyed(), RowOrder.MINUS, "record_ids"),
        (make_pipeline(StandardScaler(), Keyed()), RowOrder.MINUS, "keyed__record_ids"),
        (NotKeyed(), None, None),
        # ids do not reach the network in these
        (OneVsRestClassifier(network()), None, None),
        (make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), network())), None, None),
    ],
)
def test_who_is_told_record_ids(model, order, option):
    assert fixed_order(model) is order
    assert record_ids_option(model) == option


def test_the_ids_told_are_those_of_the_records(data):
    rows = np.array([40, 3, 77])
    told = train(resolve_model(Keyed()), data, rows, 0, Regime.FIXED).model.told_
    assert told == data.record_ids[rows].tolist()
    for regime in (Regime.SAME_SEED, Regime.FRESH):
        assert train(resolve_model(Keyed()), data, rows, 0, regime).model.told_ is None


def answers(trained):
    return trained.model.predict_proba(trained.data.X)


@pytest.mark.parametrize(("regime", "same"), [(Regime.FIXED, True), (Regime.SAME_SEED, False), (Regime.FRESH, False)])
def test_in_the_regime_fixed_alone_the_order_of_records_does_not_matter(data, regime, same):
    source = resolve_model(network())
    retrain, note = Retrain.for_model(source, regime)
    assert (retrain.regime, note) == (regime, None)
    rows = np.arange(100)
    one, other = (retrain.learn(source, data, order, 5) for order in (rows, rows[::-1]))
    assert np.array_equal(answers(one), answers(other)) == same


def test_retraining_in_the_regime_fixed_changes_the_deleted_records_share_alone(data):
    """After one step, whoever was not in the first batch leaves no trace; in same-seed everyone does."""
    source = resolve_model(network(max_steps=1))
    traces = {}
    for regime in (Regime.FIXED, Regime.SAME_SEED):
        retrain, _ = Retrain.for_model(source, regime)
        original = retrain.learn(source, data, np.arange(30), 5)
        unlearned = retrain.unlearn_many(original, [request(i) for i in range(30)], [9] * 30)
        traces[regime] = sum(not np.array_equal(answers(original), answers(one)) for one in unlearned)
    assert traces[Regime.FIXED] == 10
    assert traces[Regime.SAME_SEED] > 20


def test_fresh_starts_anew(data):
    source = resolve_model(network(max_steps=1))
    for regime, seed in ((Regime.FIXED, 5), (Regime.FRESH, 9)):
        retrain, _ = Retrain.for_model(source, regime)
        assert retrain.unlearn(retrain.learn(source, data, np.arange(100), 5), request(3), 9).seed == seed


def test_shards_are_keyed_too(data):
    source = resolve_model(network(max_steps=1))
    rows = np.arange(90)
    for regime, changed in ((Regime.FIXED, 10), (Regime.SAME_SEED, 30)):
        retrain, _ = Retrain.for_model(source, regime)
        sisa = Sisa(retrain, shards=3)
        original = sisa.learn(source, data, rows, 5)
        of_shard = original.model.shards[1]
        before = of_shard.checkpoints[-1].predict_proba(data.X)
        traces = 0
        for row in of_shard.records:
            shards = sisa.unlearn(original, request(row), 9).model.shards
            assert [a is b for a, b in zip(shards, original.model.shards, strict=True)] == [True, False, True]
            traces += not np.array_equal(before, shards[1].checkpoints[-1].predict_proba(data.X))
        assert abs(traces - changed) <= (0 if regime is Regime.FIXED else 3)


def test_one_shard_is_retraining(data):
    source = resolve_model(network())
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    plain, sharded = (m.learn(source, data, np.arange(100), 5) for m in (retrain, Sisa(retrain, shards=1)))
    pairs = [
        (plain, sharded),
        (retrain.unlearn(plain, request(7), 9), Sisa(retrain, 1).unlearn(sharded, request(7), 9)),
    ]
    for one, other in pairs:
        assert np.allclose(answers(one), answers(other), atol=1e-6)


def test_a_training_that_learned_nothing_is_reported(data):
    source = resolve_model(network(learning_rate=1e-12))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained = train(source, data, np.arange(60), 0, Regime.FIXED)
    assert [text.partition(":")[0] for text in trained.warnings] == ["TrainingWarning"]


def test_a_network_of_skorch_runs_as_same_seed(data):
    from skorch import NeuralNetClassifier

    net = NeuralNetClassifier(
        nn.Linear,
        module__in_features=6,
        module__out_features=3,
        criterion=nn.CrossEntropyLoss,
        max_epochs=2,
        train_split=None,
        verbose=0,
    )
    source = resolve_model(make_pipeline(StandardScaler(), net))
    assert source.fingerprint == resolve_model(make_pipeline(StandardScaler(), net)).fingerprint
    retrain, note = Retrain.for_model(source, Regime.FIXED)
    assert retrain.regime is Regime.SAME_SEED
    assert "Pipeline cannot keep each draw with its record" in note
    state = torch.get_rng_state()
    one, again = (retrain.learn(source, data, np.arange(100), 5) for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(answers(one), answers(again))
