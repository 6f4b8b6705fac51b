import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.cart import CartModel
from unlearn_audit.models.cart.check import is_installed
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain, Sisa
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

TRAINING = np.random.default_rng(5).permutation(200)[:120]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return prepare_arrays(X, (X[:, 0] + rng.normal(size=300) > 0).astype(int) + (X[:, 1] > 1), None, "made", 0).data


def request(*deleted, added=()):
    return Request(np.array(deleted, dtype=np.int64), np.array(added, dtype=np.int64))


def methods(model, regime=Regime.FIXED, **options):
    source = resolve_model(model)
    retrain, _ = Retrain.for_model(source, regime)
    return source, retrain, Sisa(retrain, **options)


def aligned(shard, data):
    return query(shard.checkpoints[-1], data.X, data.class_values, "shard")


@pytest.mark.parametrize("model", ["decision-tree", "logistic-regression", "random-forest-100", "mlp", GaussianNB()])
def test_one_shard_and_one_slice_is_retraining(data, model):
    source, retrain, sisa = methods(model, shards=1, slices=1)
    plain, sharded = (m.learn(source, data, TRAINING, 3) for m in (retrain, sisa))
    gone = request(TRAINING[7], TRAINING[50], added=(250, 260))
    for one, two in ((plain, sharded), (retrain.unlearn(plain, gone, 9), sisa.unlearn(sharded, gone, 9))):
        assert np.array_equal(one.training, two.training)
        assert np.allclose(one.model.predict_proba(data.X), two.model.predict_proba(data.X), atol=1e-7)


@pytest.mark.parametrize("slices", [1, 4])
def test_a_deletion_changes_its_shards_model_alone(data, slices):
    source, _, sisa = methods("decision-tree", shards=5, slices=slices)
    original = sisa.learn(source, data, TRAINING, 3)
    shards = original.model.shards
    victim = next(i for i, shard in enumerate(shards) if TRAINING[11] in shard.records)
    before = [aligned(shard, data) for shard in shards]
    unlearned = sisa.unlearn(original, request(TRAINING[11]), 9)
    for i, shard in enumerate(unlearned.model.shards):
        same = shard.checkpoints[-1] is shards[i].checkpoints[-1]
        assert same == (i != victim)
        assert np.array_equal(aligned(shards[i], data), before[i])
    assert TRAINING[11] not in unlearned.model.shards[victim].records
    again = original.model.predict_proba(data.X)
    assert np.allclose(again, np.mean(before, axis=0), atol=1e-6)


@pytest.mark.parametrize("regime", Regime)
@pytest.mark.parametrize(
    "model",
    [DecisionTreeClassifier(), RandomForestClassifier(n_estimators=9, min_samples_leaf=2)],
    ids=["tree", "forest"],
)
def test_shards_of_trees_are_retrained_together_with_the_bits_of_their_own_fit(data, monkeypatch, model, regime):
    source, _, sisa = methods(model, regime, shards=4, slices=2)
    # one, several of a shard, several shards, replacements, and a shard of which one class is left
    original = sisa.learn(source, data, TRAINING, 3)
    shard = original.model.shards[2].records
    rest = shard[data.y[shard] != data.y[shard[0]]]
    requests = [
        request(TRAINING[7]),
        request(*shard[[1, 5, 9]]),
        request(*TRAINING[:6], added=(250, 260)),
        request(TRAINING[7], added=(251,)),
        request(*rest),
    ]
    seeds = range(10, 15)
    found = [original, *sisa.unlearn_many(original, requests, seeds)]
    assert isinstance(original.model.shards[0].checkpoints[-1], CartModel) == is_installed()
    monkeypatch.setattr("unlearn_audit.unlearning.trainers.trees.is_installed", lambda: False)
    original = sisa.learn(source, data, TRAINING, 3)
    expected = [original, *(sisa.unlearn(original, *of) for of in zip(requests, seeds, strict=True))]
    for one, two in zip(found, expected, strict=True):
        assert np.array_equal(one.training, two.training)
        assert np.array_equal(one.model.predict_proba(data.X), two.model.predict_proba(data.X))


def test_shards_and_slices_share_no_record_and_lose_none(data):
    source, _, sisa = methods("decision-tree", shards=7, slices=3)
    original = sisa.learn(source, data, TRAINING, 3)
    parts = [part for shard in original.model.shards for part in shard.slices]
    assert len(parts) == 21
    assert sorted(np.concatenate(parts)) == sorted(TRAINING)
    assert max(map(len, parts)) - min(map(len, parts)) <= 2


def test_trainings_are_counted(data, monkeypatch):
    calls = []
    fit = DecisionTreeClassifier.fit
    monkeypatch.setattr(
        DecisionTreeClassifier, "fit", lambda self, X, y, **k: calls.append(len(y)) or fit(self, X, y, **k)
    )
    source, _, sisa = methods("decision-tree", shards=6)
    original = sisa.learn(source, data, TRAINING, 3)
    assert calls == [20] * 6
    calls.clear()
    sisa.unlearn(original, request(TRAINING[0]), 1)
    assert calls == [19]
    calls.clear()
    sisa.unlearn(original, request(TRAINING[0], TRAINING[6], TRAINING[1]), 1)
    assert sorted(calls) == [18, 19]


def test_slices_go_on_from_the_last_checkpoint_before_the_record(data, monkeypatch):
    calls = []
    partial_fit = BernoulliNB.partial_fit
    monkeypatch.setattr(
        BernoulliNB, "partial_fit", lambda self, X, y, **k: calls.append(len(y)) or partial_fit(self, X, y, **k)
    )
    source, _, sisa = methods(BernoulliNB(), shards=2, slices=4)
    original = sisa.learn(source, data, TRAINING, 3)
    assert calls == [15] * 8
    shard = original.model.shards[1]
    calls.clear()
    unlearned = sisa.unlearn(original, request(shard.slices[2][5]), 1)
    assert calls == [14, 15]
    again = unlearned.model.shards[1].checkpoints
    assert again[:2] == shard.checkpoints[:2]
    whole = BernoulliNB().fit(data.X[unlearned.model.shards[1].records], data.y[unlearned.model.shards[1].records])
    assert np.allclose(again[-1].feature_log_prob_, whole.feature_log_prob_)
    # the checkpoint itself stays as it was: another request starts from it again
    assert np.allclose(shard.checkpoints[1].class_count_.sum(), 30)


def test_votes_are_shares_of_shards(data):
    source, _, sisa = methods("decision-tree", shards=8, aggregation="vote")
    votes = sisa.learn(source, data, TRAINING, 3).model.predict_proba(data.X) * 8
    assert np.allclose(votes, np.round(votes))
    assert np.allclose(votes.sum(axis=1), 8)


def test_a_class_that_a_shard_never_saw_gets_nothing_from_it(data):
    source, _, sisa = methods("logistic-regression", shards=40)
    original = sisa.learn(source, data, TRAINING, 3)
    posteriors = original.model.predict_proba(data.X)
    assert posteriors.shape == (len(data), 3)
    assert np.allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert sum(len(s.records) for s in original.model.shards) == 120


def test_forests_keep_their_bootstraps_within_a_shard(data):
    source, _, sisa = methods(RandomForestClassifier(n_estimators=20), shards=3)
    original = sisa.learn(source, data, TRAINING, 3)
    shard = original.model.shards[0]
    unlearned = sisa.unlearn(original, request(shard.records[4]), 1).model.shards[0]
    assert unlearned.records[4] == shard.records[-1]


def test_more_parts_than_records_are_refused(data):
    source, _, sisa = methods("decision-tree", shards=121)
    with pytest.raises(AuditError, match="121 shards of 1 slices need at least 121 training records"):
        sisa.learn(source, data, TRAINING, 3)


def test_deleting_a_whole_shard_leaves_the_others(data):
    source, _, sisa = methods("decision-tree", shards=4)
    original = sisa.learn(source, data, TRAINING, 3)
    unlearned = sisa.unlearn(original, request(*original.model.shards[0].records), 1)
    others = [aligned(shard, data) for shard in original.model.shards[1:]]
    assert np.allclose(unlearned.model.predict_proba(data.X), np.mean(others, axis=0), atol=1e-6)
    with pytest.raises(AuditError, match=r"deletes all [0-9]+ training records"):
        sisa.unlearn(original, request(*TRAINING), 1)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(n_estimators=20),
        SGDClassifier(loss="log_loss"),
        GaussianNB(),
        MLPClassifier((8,), solver="sgd", max_iter=20, tol=0, n_iter_no_change=20),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_slices_change_nothing_where_they_are_fitted_at_once(data, model):
    gone = request(TRAINING[3], TRAINING[70], TRAINING[71], added=(250,))
    answers = []
    for slices in (1, 2, 5):
        source, _, sisa = methods(model, shards=1, slices=slices)
        original = sisa.learn(source, data, TRAINING, 3)
        unlearned = sisa.unlearn(original, gone, 9)
        # and from what was unlearned, whose slices were cut anew
        again = sisa.unlearn(unlearned, request(TRAINING[30]), 9)
        answers.append([m.model.predict_proba(data.X) for m in (original, unlearned, again)])
        lost = [
            len(a) - len(b) for a, b in zip(*(m.model.shards[0].slices for m in (original, unlearned)), strict=True)
        ]
        assert sum(lost) == 2
    assert all(np.array_equal(a, b) for other in answers[1:] for a, b in zip(answers[0], other, strict=True))


@pytest.mark.parametrize("model", [MultinomialNB(), ComplementNB(), BernoulliNB(), CategoricalNB()])
def test_naive_bayes_in_slices_is_naive_bayes_at_once(model):
    X = np.random.default_rng(0).integers(0, 3, size=(200, 12)).astype(float)
    y = (X[:, 0] > 1).astype(int) + (X[:, 1] > 1)
    counts = prepare_arrays(X, y, None, "counts", 0).data
    gone = request(TRAINING[3], TRAINING[70])
    answers = []
    for slices in (1, 4):
        source, _, sisa = methods(model, shards=2, slices=slices)
        original = sisa.learn(source, counts, TRAINING, 3)
        assert [len(shard.checkpoints) for shard in original.model.shards] == [slices] * 2
        answers.append(sisa.unlearn(original, gone, 9).model.predict_proba(counts.X))
    assert np.allclose(*answers, atol=1e-7)


def test_a_class_without_records_in_a_shard_gets_nothing_in_slices_either():
    X = np.random.default_rng(0).integers(0, 3, size=(200, 12)).astype(float)
    y = np.r_[0, 1, np.random.default_rng(1).integers(2, 4, 198)]
    counts = prepare_arrays(X, y, None, "counts", 0).data
    for model in (ComplementNB(), MultinomialNB(fit_prior=False)):
        answers = []
        for slices in (1, 3):
            source, _, sisa = methods(model, shards=2, slices=slices)
            answers.append(sisa.learn(source, counts, np.arange(200), 3).model.predict_proba(counts.X))
        assert np.array_equal(*answers)


class Stepwise(ClassifierMixin, BaseEstimator):
    """Draws one number a training step from its own generator, and warns at the first."""

    partial_fit_is_exact = True

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        return self.partial_fit(X, y, np.unique(y))

    def partial_fit(self, X, y, classes=None):
        if not hasattr(self, "classes_"):
            self.classes_, self.generator_, self.steps_ = classes, np.random.RandomState(self.random_state), []
        warnings.warn(f"step {len(self.steps_)} of {len(y)} records", UserWarning, stacklevel=2)
        self.steps_ = [*self.steps_, self.generator_.random()]
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_fresh_starts_without_a_checkpoint_of_the_original(data):
    for regime, kept in ((Regime.FRESH, 0), (Regime.SAME_SEED, 2)):
        source, _, sisa = methods(Stepwise(), regime, shards=1, slices=3)
        original = sisa.learn(source, data, TRAINING, 3)
        shard = original.model.shards[0]
        unlearned = sisa.unlearn(original, request(shard.slices[2][0]), 9).model.shards[0]
        before, after = (s.checkpoints[-1].steps_ for s in (shard, unlearned))
        assert [a == b for a, b in zip(before, after, strict=True)] == ([True] * 3 if kept else [False] * 3)
        assert sum(a is b for a, b in zip(shard.checkpoints, unlearned.checkpoints, strict=True)) == kept
        assert unlearned.seed == (9 if regime is Regime.FRESH else 3)


def test_an_unlearned_ensemble_reports_what_its_own_training_warned_of(data):
    source, _, sisa = methods(Stepwise(), Regime.SAME_SEED, shards=2, slices=3)
    original = sisa.learn(source, data, TRAINING, 3)
    assert sorted(original.warnings) == [f"UserWarning: step {i} of 20 records" for i in (0, 1, 2) for _ in range(2)]
    shard = original.model.shards[1]
    unlearned = sisa.unlearn(original, request(shard.slices[1][0]), 9)
    assert unlearned.warnings == ("UserWarning: step 1 of 19 records", "UserWarning: step 2 of 20 records")
    other = sisa.unlearn(unlearned, request(unlearned.model.shards[0].slices[2][0]), 9)
    assert other.warnings == ("UserWarning: step 2 of 19 records",)
