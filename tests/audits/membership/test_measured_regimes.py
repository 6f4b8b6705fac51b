"""The regime stated is the one run, for every way of seeding a model.

A model here answers every record with the numbers it drew, and nothing else. So its answers in the table of an audit
say which draws two models share: those of an original and an unlearned model, of two worlds, of two runs.
"""

import os
import random
import time
from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import Execution, audit
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import build_config
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import draws
from unlearn_audit.worlds.from_arrays import prepare_arrays

REGIMES = ("fixed", "same-seed", "fresh")
MODULE_LEVEL = np.random.default_rng(0)


class Answers(ClassifierMixin, BaseEstimator):
    """Answers what it drew; subclasses say where from."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.drawn_ = self.draw(X)
        return self

    def predict_proba(self, X):
        return np.tile([self.drawn_, 1 - self.drawn_], (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class RandomState(Answers):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def draw(self, X):
        return np.random.RandomState(self.random_state).uniform()


class Seed(Answers):
    def __init__(self, seed=0):
        self.seed = seed

    def draw(self, X):
        return np.random.default_rng(self.seed).uniform()


class RandomSeed(Answers):
    def __init__(self, random_seed=42):
        self.random_seed = random_seed

    def draw(self, X):
        return random.Random(self.random_seed).random()


class SeedWithUnderscore(Answers):
    def __init__(self, seed_=None):
        self.seed_ = seed_

    def draw(self, X):
        return np.random.default_rng(self.seed_).uniform()


class Generator(Answers):
    def __init__(self, rng=None):
        self.rng = rng

    def draw(self, X):
        rng = np.random.default_rng() if self.rng is None else self.rng
        return rng.uniform()


class GeneratorByAnyName(Answers):
    def __init__(self, dice):
        self.dice = dice

    def draw(self, X):
        return self.dice.uniform()


class MadeInInit(Answers):
    def __init__(self):
        self._dice = np.random.default_rng()

    def draw(self, X):
        return self._dice.uniform()


class OfTheClass(Answers):
    dice = np.random.default_rng(0)

    def draw(self, X):
        return self.dice.uniform()


class NumpysGlobal(Answers):
    def draw(self, X):
        return np.random.uniform()


class PythonsGlobal(Answers):
    def draw(self, X):
        return random.random()


class TorchsGlobal(Answers):
    def draw(self, X):
        import torch

        return float(torch.rand(1, dtype=torch.float64))


class DrawnInInit(Answers):
    def __init__(self):
        self._first = np.random.uniform()

    def draw(self, X):
        return self._first


class Unsaid(Answers):
    """Tells of a seed only once it is set, as CatBoost does."""

    def __init__(self, depth=6, random_seed=None, random_state=None):
        self._told = {name: of for name, of in (("random_seed", random_seed), ("random_state", random_state)) if of}

    def get_params(self, deep=True):
        return dict(self._told)

    def set_params(self, **told):
        self._told |= told
        return self

    def draw(self, X):
        assert len(self._told) < 2
        return np.random.default_rng(next(iter(self._told.values()), 0)).uniform()


class ByPrefix(Answers):
    """Passes a parameter on to what it makes, as skorch does."""

    def __init__(self, module__seed=0):
        self.module__seed = module__seed

    def set_params(self, **told):
        vars(self).update(told)
        return self

    def draw(self, X):
        return np.random.default_rng(self.module__seed).uniform()


class Helper:
    def __init__(self):
        self.__seed = 5

    def draw(self):
        return np.random.default_rng(self.__seed).uniform()


class Helped(Answers):
    def __init__(self):
        self._helpers = [{"own": Helper()}]

    def draw(self, X):
        return self._helpers[0]["own"].draw()


class MadeWhenFirstAsked(Answers):
    def __init__(self, seed=1):
        self.seed = seed
        self._rng = None

    def draw(self, X):
        if self._rng is None:
            self._rng = np.random.default_rng(self.seed)
        return self._rng.uniform()


class Rounds(Seed):
    def predict_proba(self, X):
        drawn = np.clip(self.drawn_ + np.random.default_rng().uniform(-5e-7, 5e-7), 0, 1)
        return np.tile([drawn, 1 - drawn], (len(X), 1))


class Settings(Answers):
    def __init__(self, options=None):
        self.options = options

    def draw(self, X):
        return np.random.default_rng(self.options["random_seed"]).uniform()


class Unseeded(Answers):
    def draw(self, X):
        return np.random.default_rng().uniform()


class System(Answers):
    def draw(self, X):
        return int.from_bytes(os.urandom(4)) / 2**32


class Clock(Answers):
    def draw(self, X):
        return np.random.default_rng(int(time.time())).uniform()


class OfTheModule(Answers):
    def draw(self, X):
        return MODULE_LEVEL.uniform()


class AnsweredUnseeded(Seed):
    def predict_proba(self, X):
        drawn = np.random.default_rng().uniform()
        return np.tile([drawn, 1 - drawn], (len(X), 1))


class HardWired(Answers):
    def draw(self, X):
        return np.random.default_rng(0).uniform()


class HardWiredGlobal(Answers):
    def draw(self, X):
        np.random.seed(0)
        return np.random.uniform()


class DrawsNothing(Answers):
    def draw(self, X):
        return 0.3


def shifted(X, seed):
    return np.full_like(X, np.random.default_rng(seed).uniform())


class AnswersTheMean(Answers):
    def draw(self, X):
        return X.mean()


class Plain:
    """Without get_params."""

    def __init__(self, seed=None):
        self._of_my_own = seed

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.drawn_ = np.random.default_rng(self._of_my_own).uniform()
        return self

    predict_proba = Answers.predict_proba


def makes(random_state):
    return HeldElsewhere(random_state)


class HeldElsewhere(Answers):
    def __init__(self, number=0):
        self.number = number

    def draw(self, X):
        return np.random.default_rng(self.number).uniform()


def makes_with(rng):
    return HeldElsewhere(int(rng.integers(2**31)))


def makes_by_chance():
    return HeldElsewhere(np.random.randint(2**31))


def ignores(seed):
    return HeldElsewhere(0)


SEEDED = {
    "random_state": RandomState(0),
    "random_state, a generator": GeneratorByAnyName(np.random.RandomState(0)),
    "seed": Seed(),
    "random_seed": RandomSeed(),
    "seed_": SeedWithUnderscore(),
    "rng, none": Generator(),
    "rng, a generator": Generator(np.random.default_rng(0)),
    "a generator by any name": GeneratorByAnyName(np.random.default_rng(0)),
    "made in __init__": MadeInInit(),
    "of the class": OfTheClass(),
    "NumPy's global": NumpysGlobal(),
    "Python's global": PythonsGlobal(),
    "PyTorch's global": TorchsGlobal(),
    "drawn in __init__": DrawnInInit,
    "held by a helper": Helped(),
    "made when first asked": MadeWhenFirstAsked(),
    "told once it is set": Unsaid(),
    "by prefix": ByPrefix(),
    "in a dictionary": Settings({"random_seed": 3}),
    "in a pipeline": make_pipeline(StandardScaler(), Seed()),
    "in a partial function": make_pipeline(FunctionTransformer(partial(shifted, seed=0)), AnswersTheMean()),
    "in keywords of a function": make_pipeline(
        FunctionTransformer(shifted, kw_args={"seed": 0}), AnswersTheMean()
    ),
    "in a bag": BaggingClassifier(Seed(), n_estimators=2),
    "in a vote": VotingClassifier([("one", Seed()), ("other", DrawsNothing())], voting="soft"),
    "a class without get_params": Plain,
    "random_state of a factory": makes,
    "rng of a factory": makes_with,
    "a factory that draws": makes_by_chance,
}  # fmt: skip
"""What can be seeded: runs same-seed and fresh as asked, and same-seed for fixed."""

UNSEEDABLE = {
    "unseeded in fit": Unseeded(),
    "the system": System(),
    "the clock": Clock(),
    "of the module": OfTheModule(),
    "unseeded when asked": AnsweredUnseeded(),
    "unseeded in a vote": VotingClassifier([("one", Unseeded()), ("other", DrawsNothing())], voting="soft"),
}
"""What runs fresh whatever is asked."""

UNHEEDING = {
    "hard-wired in fit": HardWired(),
    "hard-wired globally": HardWiredGlobal(),
    "in a pipeline": make_pipeline(StandardScaler(), HardWired()),
    "a factory that ignores its seed": ignores,
    "draws no random numbers": DrawsNothing(),
}
"""What runs same-seed whatever is asked."""


@pytest.fixture(autouse=True)
def clock(monkeypatch, request):
    """Do not wait for the next second, but where a seed is taken from the clock."""
    if "clock" not in request.node.name:
        monkeypatch.setattr(draws.time, "sleep", lambda _: None)


def subject(model, asked, **changes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
    side = {"data": {"name": "made"}, "model": "made"}
    sizes = {"shadow": 2, "target": 3, "train_size": 50, "deletions": 5, "unseen": 2, "references": 0}
    config = build_config({"target": side, "worlds": sizes, "regime": asked, **changes})
    records, source = prepare_arrays(X, y, None, "made", 0, ()), resolve_model(model)
    return AuditTask(config, dict.fromkeys(("target", "shadow"), records), {"target": source, "shadow": source})


def made(model, asked, folder, jobs=1, **changes):
    """Return the regime and the note stated for the target side, and its table."""
    arms = plan_audit(subject(model, asked, **changes), Claims(Store(folder))).arms
    task = arms[0].tasks["target"]
    ((_, table, _),) = observe_worlds([task], Store(folder), executor_for(None, jobs, None), lambda *_: None)
    return str(task.unlearner.regime), arms[0].regime_notes["target"], table


def measured(one, two):
    """Return what two tables of the same audit show: do versions, worlds, runs share what was drawn?"""
    original, unlearned = one.posteriors[:, 0, 0], one.posteriors[:, 1, 0]
    of_worlds = [original[one.worlds == world][0] for world in np.unique(one.worlds)]
    return {
        "updates": bool((original == unlearned).all()),
        "worlds": len(set(of_worlds)) < len(of_worlds),
        "runs": bool((one.posteriors == two.posteriors).all()),
    }


@pytest.mark.parametrize("asked", REGIMES)
@pytest.mark.parametrize("model", SEEDED.values(), ids=SEEDED)
def test_what_can_be_seeded_runs_as_asked(model, asked, tmp_path):
    if model is SEEDED["PyTorch's global"]:
        pytest.importorskip("torch")
    regime, note, table = made(model, asked, tmp_path / "one")
    again = made(model, asked, tmp_path / "two")[2]
    assert measured(table, again) == {"updates": asked != "fresh", "worlds": False, "runs": True}
    assert regime == ("same-seed" if asked == "fixed" else asked)
    assert (note is not None) == (asked == "fixed")


@pytest.mark.parametrize("asked", REGIMES)
@pytest.mark.parametrize("model", UNSEEDABLE.values(), ids=UNSEEDABLE)
def test_what_cannot_be_seeded_is_fresh(model, asked, tmp_path):
    regime, note, table = made(model, asked, tmp_path / "one")
    assert regime == "fresh"
    assert "the results cannot be reproduced" in note
    assert (f"regime {asked} was requested, but fresh ran" in note) == (asked != "fresh")
    if model is not UNSEEDABLE["the clock"]:  # all of these worlds are made within one second
        again = made(model, asked, tmp_path / "two")[2]
        assert measured(table, again) == {"updates": False, "worlds": False, "runs": False}


@pytest.mark.parametrize("asked", REGIMES)
@pytest.mark.parametrize("model", UNHEEDING.values(), ids=UNHEEDING)
def test_what_heeds_no_seed_is_same_seed(model, asked, tmp_path):
    regime, note, table = made(model, asked, tmp_path / "one")
    again = made(model, asked, tmp_path / "two")[2]
    assert measured(table, again) == {"updates": True, "worlds": True, "runs": True}
    assert regime == "same-seed"
    assert "gives the same answers whatever seed it is given" in note
    assert note.startswith("regime ") == (asked != "same-seed")


def test_rounding_makes_no_other_regime_and_is_stated(tmp_path):
    for asked in ("same-seed", "fresh"):
        regime, note, table = made(Rounds(), asked, tmp_path / asked)
        original, unlearned = table.posteriors[:, 0, 0], table.posteriors[:, 1, 0]
        assert regime == asked
        assert "differ by up to" in note
        assert "as rounding can" in note
        assert (np.abs(original - unlearned).max() < 2e-6) == (asked == "same-seed")


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        (GaussianNB(), REGIMES),
        (LogisticRegression(), REGIMES),
        (DecisionTreeClassifier(), REGIMES),
        (RandomForestClassifier(5), REGIMES),
        (BaggingClassifier(DecisionTreeClassifier(), n_estimators=3), ("same-seed", "same-seed", "fresh")),
        (make_pipeline(FunctionTransformer(np.abs), GaussianNB()), REGIMES),
        (
            make_pipeline(FunctionTransformer(lambda X: X + np.random.normal(size=X.shape)), GaussianNB()),
            ("same-seed", "same-seed", "fresh"),
        ),
        (
            make_pipeline(
                FunctionTransformer(lambda X: X + np.random.default_rng().normal(size=X.shape)), GaussianNB()
            ),
            ("fresh", "fresh", "fresh"),
        ),
        (
            StackingClassifier(
                [("one", GaussianNB())], LogisticRegression(), cv=KFold(3, shuffle=True, random_state=0)
            ),
            ("same-seed", "same-seed", "fresh"),
        ),
    ],
    ids=lambda of: "" if isinstance(of, tuple) else type(of).__name__,
)
def test_models_of_libraries_are_taken_at_their_word_and_what_is_mixed_in_is_not(model, stated):
    plans = (plan_audit(subject(model, asked)).undefended for asked in REGIMES)
    assert tuple(str(plan.tasks["target"].unlearner.regime) for plan in plans) == stated


def test_shards_and_the_arm_of_retraining_state_what_they_run(tmp_path):
    sisa = {"unlearning": {"method": "sisa", "shards": 2}}
    for model, regime in ((Seed(), "same-seed"), (Unseeded(), "fresh"), (HardWired(), "same-seed")):
        arms = plan_audit(subject(model, "fixed", **sisa, retraining_arm=True)).arms
        assert {str(task.unlearner.regime) for arm in arms for task in arm.tasks.values()} == {regime}
        assert len(arms) == 3


@pytest.mark.parametrize("model", [NumpysGlobal(), MadeInInit(), OfTheClass()], ids=lambda of: type(of).__name__)
def test_workers_change_nothing(model, tmp_path):
    one, two = (made(model, "fresh", tmp_path / str(jobs), jobs) for jobs in (1, 2))
    assert np.array_equal(one[2].posteriors, two[2].posteriors)
    assert one[:2] == two[:2]


class Counts(Seed):
    trained = 0

    def fit(self, X, y):
        Counts.trained += 1
        return super().fit(X, y)


class Jittered(DecisionTreeClassifier):
    drawn = 0

    def fit(self, X, y):
        Jittered.drawn += 1  # heeds no seed, yet the same in every run of the test
        return super().fit(X + np.random.default_rng(Jittered.drawn).normal(size=X.shape), y)


def test_draws_that_leave_most_answers_as_they_were_are_seen():
    data = prepare_arrays(*load_breast_cancer(return_X_y=True), None, "made", 0).data
    for seed in range(30):
        training = np.random.default_rng(seed).permutation(len(data.y))[:100]
        assert not draws.measure(resolve_model(Jittered()), data, training, Regime.FIXED, seed).repeats


def test_a_model_that_takes_no_new_values_is_measured_by_records():
    class Known(GaussianNB):
        def fit(self, X, y):
            self.known = np.unique(X)
            return super().fit(X, y)

        def predict_proba(self, X):
            if not np.isin(X, self.known).all():
                raise ValueError("a value that was not there in training")
            return super().predict_proba(X)

    X = np.random.default_rng(0).integers(0, 5, (300, 3)).astype(float)
    data = prepare_arrays(X, (X[:, 0] > 2).astype(int), None, "made", 0).data
    found = draws.measure(resolve_model(Known()), data, np.arange(100), Regime.FRESH, 0)
    assert found.repeats
    assert not found.heeds_seeds


def test_a_second_run_does_not_pay_again(tmp_path):
    counted = []
    for keep in (False, True, True):
        Counts.trained = 0
        plan_audit(subject(Counts(), "fresh"), Claims(Store(tmp_path), keep=keep))
        counted.append(Counts.trained)
    assert counted[0] == counted[1] > 2
    assert counted[2] == 0


def test_findings_and_table_say_what_ran(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
    sizes = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 50, "deletions": 5, "unseen": 3, "references": 0}
    few = {"attacks": [], "features": ["direct-diff"], "attack_models": ["logistic-regression"]}
    for own, asked, runs in ((Unseeded(), "fixed", "fresh"), (HardWired(), "fresh", "same-seed")):
        model = VotingClassifier([("own", own), ("other", GaussianNB())], voting="soft")
        found = audit(model, X, y, regime=asked, execution=Execution(store=tmp_path), **sizes, **few)
        assert found.findings.regime == runs
        assert found.findings.regime_note in found.findings.verdict.limits
        assert found.observations["target"].metadata["regime"] == runs
