"""Every training is on one thread, silent and without files, whatever the library calls that."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from unlearn_audit.models import resolve_model
from unlearn_audit.models.settled import settle


def boosted(name, package, **settings):
    """A class as a library has it, with the parameters that it tells of."""

    def init(self, **given):
        self.__dict__.update({**settings, **given})

    return type(
        name,
        (ClassifierMixin, BaseEstimator),
        {
            "__module__": f"{package}.sklearn",
            "__init__": init,
            "get_params": lambda self, deep=True: dict(self.__dict__),
            "set_params": lambda self, **given: self.__dict__.update(given) or self,
            "fit": lambda self, X, y: self,
            "predict_proba": lambda self, X: np.full((len(X), 2), 0.5),
        },
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (boosted("XGBClassifier", "xgboost", n_jobs=None, verbosity=None)(), {"n_jobs": 1, "verbosity": 0}),
        (boosted("XGBClassifier", "xgboost", n_jobs=4, verbosity=2)(), {"n_jobs": 1, "verbosity": 2}),
        (boosted("LGBMClassifier", "lightgbm", n_jobs=None)(), {"n_jobs": 1, "verbosity": -1}),
        (boosted("LGBMClassifier", "lightgbm", n_jobs=None, verbose=1)(), {"n_jobs": 1, "verbose": 1}),
        (
            boosted("CatBoostClassifier", "catboost")(),
            {"logging_level": "Silent", "thread_count": 1, "allow_writing_files": False},
        ),
        (
            boosted("CatBoostClassifier", "catboost", verbose=5)(),
            {"verbose": 5, "thread_count": 1, "allow_writing_files": False},
        ),
        (boosted("NeuralNetClassifier", "skorch", verbose=1)(), {"verbose": 0}),
        (boosted("Own", "mine", n_jobs=None)(), {"n_jobs": None}),
        (boosted("Own", "mine", n_jobs=8)(), {"n_jobs": 1}),
    ],
)
def test_a_library_is_told_in_its_own_words(model, expected):
    settle(model)
    assert model.get_params() == expected


def test_what_searches_and_stacks_trains_on_one_thread():
    search = GridSearchCV(StackingClassifier([("nb", GaussianNB())], n_jobs=2), {"passthrough": [True]}, n_jobs=-1)
    made = resolve_model(search).make(0)
    assert (made.n_jobs, made.estimator.n_jobs) == (None, None)
    forest = resolve_model(RandomForestClassifier(3, n_jobs=2)).make(0)
    assert forest.n_jobs == 2


def test_a_model_without_threads_is_not_told_of_any():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve_model(LogisticRegression()).make(0).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("seeds", [(1, 1), (1, 2)])
@pytest.mark.parametrize("package", ["xgboost", "lightgbm", "catboost"])
def test_a_boosting_library_is_seeded_and_leaves_nothing(package, seeds, tmp_path, monkeypatch, capfd):
    library = pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    model = {
        "xgboost": lambda: library.XGBClassifier(n_estimators=5, subsample=0.5),
        "lightgbm": lambda: library.LGBMClassifier(n_estimators=5, subsample=0.5, subsample_freq=1),
        "catboost": lambda: library.CatBoostClassifier(iterations=5, cat_features=[]),
    }[package]()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
    source = resolve_model(model)
    assert (source.unknown, source.fingerprint) == ((), resolve_model(model).fingerprint)
    one, two = (source.make(seed).fit(X, y).predict_proba(X) for seed in seeds)
    assert np.array_equal(one, two) is (seeds[0] == seeds[1])
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())
