import random
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer

from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain, train
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return prepare_arrays(X, (X[:, 0] > 0).astype(int), None, "made", 0).data


def request(*deleted, added=()):
    return Request(np.array(deleted, dtype=np.int64), np.array(added, dtype=np.int64))


def test_retraining_fits_what_remains_and_what_was_added(data):
    source = resolve_model("decision-tree")
    unlearner, note = Retrain.for_model(source, Regime.FIXED)
    assert note is None
    original = train(source, data, np.arange(50), seed=1)
    unlearned = unlearner.unlearn(original, request(3, 4, added=(60,)), seed=9)
    assert unlearned.training.tolist() == [i for i in range(50) if i not in (3, 4)] + [60]
    assert unlearned.seed == original.seed
    plain = source.make(1).fit(data.X[unlearned.training], data.y[unlearned.training])
    assert np.array_equal(plain.predict_proba(data.X), unlearned.model.predict_proba(data.X))


def test_fresh_uses_another_seed(data):
    source = resolve_model("mlp")
    unlearner, _ = Retrain.for_model(source, Regime.FRESH)
    original = train(source, data, np.arange(80), seed=1)
    unlearned = unlearner.unlearn(original, request(3), seed=9)
    assert unlearned.seed == 9
    plain = source.make(9).fit(data.X[unlearned.training], data.y[unlearned.training])
    assert np.array_equal(plain.predict_proba(data.X), unlearned.model.predict_proba(data.X))


def test_a_model_that_cannot_do_fixed_says_so():
    unlearner, note = Retrain.for_model(resolve_model("mlp"), Regime.FIXED)
    assert unlearner.regime is Regime.SAME_SEED
    assert "ran as same-seed" in note


def test_unlearn_many_is_the_loop(data):
    source = resolve_model("random-forest-100")
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    original = train(source, data, np.arange(50), seed=1)
    requests = [request(1), request(2)]
    many = list(unlearner.unlearn_many(original, requests, [5, 6]))
    for one, asked, seed in zip(many, requests, (5, 6), strict=True):
        alone = unlearner.unlearn(original, asked, seed)
        assert np.array_equal(one.model.predict_proba(data.X), alone.model.predict_proba(data.X))


@pytest.mark.parametrize("name", ["logistic-regression", "decision-tree", "random-forest-100"])
def test_chains_are_updates_one_after_another(data, name):
    source = resolve_model(name)
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    original = unlearner.learn(source, data, np.arange(50), seed=1)
    chains = [(request(1), request(2, added=(60,))), (request(3, 4), request(5))]
    seen = list(unlearner.unlearn_chains(original, chains, lambda j, t: 10 * j + t))
    for j, (versions, chain) in enumerate(zip(seen, chains, strict=True)):
        assert versions[0] is original
        step = original
        for t, asked in enumerate(chain):
            step = unlearner.unlearn(step, asked, 10 * j + t)
            assert versions[t + 1].training.tolist() == step.training.tolist()
            np.testing.assert_allclose(
                versions[t + 1].model.predict_proba(data.X), step.model.predict_proba(data.X), atol=1e-7
            )


def test_plain_training_is_the_models_own_fit(data):
    source = resolve_model("logistic-regression")
    unlearner, _ = Retrain.for_model(source, Regime.FIXED)
    plain = replace(unlearner, plain=True)
    assert unlearner.trainer(source, data) is not None
    assert plain.trainer(source, data) is None
    models = [u.unlearn(u.learn(source, data, np.arange(50), 1), request(3), 2).model for u in (unlearner, plain)]
    assert type(models[1]) is type(source.make(0))
    np.testing.assert_allclose(*[m.predict_proba(data.X) for m in models], atol=1e-6)


class DrawsFromGlobals(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.p_ = (np.random.random() + random.random()) / 2
        return self

    def predict_proba(self, X):
        return np.tile([self.p_, 1 - self.p_], (len(X), 1))


def test_models_that_draw_from_global_generators_are_seeded_and_leave_them_alone(data):
    source = resolve_model(DrawsFromGlobals())
    np.random.seed(0)
    random.seed(0)
    expected = (np.random.random(), random.random())
    np.random.seed(0)
    random.seed(0)
    first, again, other = (train(source, data, np.arange(20), seed).model.p_ for seed in (1, 1, 2))
    assert first == again != other
    assert (np.random.random(), random.random()) == expected


class Refuses(DrawsFromGlobals):
    def fit(self, X, y):
        raise MemoryError("too large\nby far")


def test_a_fit_that_fails_is_named_with_its_reason(data):
    with pytest.raises(AuditError, match="Refuses failed to fit 20 records of made: MemoryError: too large by far"):
        train(resolve_model(Refuses()), data, np.arange(20), 0)


class Picks(BaseEstimator, ClassifierMixin):
    """Looks for something in its records that numbers in an array do not have."""

    def __init__(self, how="names"):
        self.how = how

    def fit(self, X, y):
        if self.how == "names":
            ColumnTransformer([("a", "passthrough", ["a"])]).fit(X)
        elif self.how == "index":
            X["a"]
        elif self.how == "attribute":
            X.columns  # noqa: B018
        elif self.how == "texts":
            CountVectorizer().fit(X)
        raise ValueError("the data are bad")

    def predict_proba(self, X):
        """Never asked."""


@pytest.mark.parametrize(
    ("how", "encoded", "said"),
    [
        *[(how, True, r"[:]\d+; --encoding raw passes the columns") for how in ("names", "index", "attribute")],
        *[(how, False, r"[:]\d+; give X as a DataFrame") for how in ("names", "index", "attribute")],
        ("texts", True, "; --encoding text passes a table's only column"),
        ("other", True, r"the data are bad, at test_retrain\.py:\d+$"),
    ],
)
def test_a_model_that_looks_for_columns_or_texts_is_sent_to_the_encoding(data, how, encoded, said):
    with pytest.raises(AuditError, match=said):
        train(resolve_model(Picks(how)), replace(data, encoded=encoded), np.arange(50), seed=1)
