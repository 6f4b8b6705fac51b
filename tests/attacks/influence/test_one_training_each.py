"""The change field by training with each candidate, against closed forms and against real retraining."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.attacks.influence import LogisticInfluence, RetrainingInfluence, influence_for, one_training_suffices
from unlearn_audit.attacks.influence import one_training_each as retraining
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

TRAINING, OTHERS = np.arange(300), np.arange(300, 330)
REFERENCES = np.arange(2400, 2440)
BINARY = LogisticRegression(solver="newton-cholesky", tol=1e-10)


class Unheard(ClassifierMixin, BaseEstimator):
    """A logistic regression that looks like nobody's."""

    def fit(self, X, y):
        self.inner_ = make_pipeline(StandardScaler(), OneVsRestClassifier(BINARY)).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


def made(classes):
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(2500, 5)) * [1, 4, 1, 1, 2] + 1
    logits = X @ rng.normal(size=(5, classes)) / 3
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return prepare_arrays(X, y, None, "made", 0).data


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("candidates", [TRAINING[:30], OTHERS], ids=["left out", "added"])
def test_it_is_the_exact_field_of_a_logistic_regression(classes, candidates):
    data, source = made(classes), resolve_model(Unheard())
    assert not one_training_suffices(source)
    exact = LogisticInfluence.of(resolve_model("logistic-regression"), data, TRAINING, len(TRAINING))
    expected = exact.change(candidates, REFERENCES)
    influence = influence_for(source, data, TRAINING, len(TRAINING))
    assert type(influence) is RetrainingInfluence
    found = influence.change(candidates, REFERENCES)
    assert np.median([np.corrcoef(*of)[0, 1] for of in zip(found.T, expected.T, strict=True)]) > 0.95
    assert 0.9 < np.median(np.linalg.norm(found, axis=0) / np.linalg.norm(expected, axis=0)) < 1.1


@pytest.mark.parametrize("model", [GaussianNB(), KNeighborsClassifier(7)], ids=lambda model: type(model).__name__)
def test_leaving_one_out_is_what_retraining_does(model):
    data, source = made(3), resolve_model(model)
    deleted, asked = TRAINING[:20], data.X[REFERENCES]
    retrain = Retrain.for_model(source, Regime.FIXED)[0]
    original = retrain.learn(source, data, TRAINING, 0)
    before = margin(original.model.predict_proba(asked).astype(np.float32), data.y[REFERENCES])
    requests = [Request(np.array([at]), np.zeros(0, dtype=np.int64)) for at in deleted]
    after = [
        margin(one.model.predict_proba(asked).astype(np.float32), data.y[REFERENCES])
        for one in retrain.unlearn_many(original, requests, range(len(requests)))
    ]
    found = influence_for(source, data, TRAINING, len(TRAINING)).change(deleted, REFERENCES)
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(found.T, before - np.array(after), atol=1e-4)


def test_of_another_attackers_model_it_is_near():
    data, source = made(2), resolve_model(GaussianNB())
    near, far = (
        influence_for(source, data, own, 300).change(OTHERS, REFERENCES) for own in (np.arange(400, 1400), TRAINING)
    )
    cosines = np.sum(near * far, axis=0) / np.linalg.norm(near, axis=0) / np.linalg.norm(far, axis=0)
    assert np.median(cosines) > 0.9


class Noise(GaussianNB):
    """Its answers are half those of naive Bayes and half numbers drawn when it is fitted."""

    def __init__(self, random_state=None):
        super().__init__()
        self.random_state = random_state

    def fit(self, X, y):
        self.drawn_ = np.random.default_rng(self.random_state).uniform()
        return super().fit(X, y)

    def predict_proba(self, X):
        luck = np.tile([self.drawn_, 1 - self.drawn_], (len(X), 1))
        return (super().predict_proba(X) + luck) / 2


def test_draws_that_can_be_the_same_are_the_same():
    data = made(2)
    influence = influence_for(resolve_model(Noise()), data, TRAINING, 300)
    luckless = influence_for(resolve_model(GaussianNB()), data, TRAINING, 300)
    found, plain = (of.change(OTHERS, REFERENCES) for of in (influence, luckless))
    # luck would move all references by about one; what a record moves is a hundredth of that
    assert np.abs(found).max() < 0.2
    assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.5


def test_it_trains_once_for_each_candidate_whatever_the_number_of_jobs(monkeypatch):
    data, source = made(2), resolve_model(BaggingClassifier(DecisionTreeClassifier(), 5, random_state=0))
    trained = []
    train = retraining.train

    def counted(source, data, training, *rest):
        trained.append(len(training))
        return train(source, data, training, *rest)

    monkeypatch.setattr(retraining, "train", counted)
    influence = RetrainingInfluence.of(source, data, TRAINING, 300, 0)
    candidates, shown = np.concatenate([TRAINING[:3], OTHERS[:4], OTHERS[:2]]), []
    assert influence.missing(candidates, REFERENCES).tolist() == [*range(3), *range(300, 304)]
    influence.precompute(candidates, REFERENCES, 1, shown.append)
    assert sorted(trained) == [299] * 3 + [300] + [301] * 4
    assert (shown[-1], shown) == (7, sorted(shown))
    assert not len(influence.missing(candidates, REFERENCES[::2]))
    first = influence.change(candidates, REFERENCES)
    assert len(trained) == 8
    assert np.array_equal(first[:, 3:5], first[:, 7:])
    other = RetrainingInfluence.of(source, data, TRAINING, 300, 0)
    other.precompute(candidates, REFERENCES, 2)
    assert np.array_equal(other.change(candidates, REFERENCES), first)
    # other references have not been asked, so that all has to be trained again
    trained.clear()
    more = np.concatenate([REFERENCES[5:9], [2450, 2441]])
    assert np.array_equal(influence.change(candidates, more)[:4], first[5:9])
    assert len(trained) == 8
