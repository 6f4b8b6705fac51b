"""What an audit of files would take: the slowest attack is named, with the rows it was timed for."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit.attacks import Attacks, LearnedAttack
from unlearn_audit.attacks.base import Attack
from unlearn_audit.audits.membership.files import plan_of_files
from unlearn_audit.audits.membership.forecast.files import forecast_files
from unlearn_audit.config import AuditConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

QUICK = {"attacks": ("score-difference",), "features": ("direct-diff",), "attack_models": ("decision-tree",)}


def table(seed, n):
    rng = np.random.default_rng(seed)
    columns = {
        "world": np.arange(n) % 4,
        "role": np.where(rng.random(n) < 0.5, "deleted", "unseen").astype(object),
        "label": rng.integers(0, 3, n),
    }
    return Observations.create(columns, rng.dirichlet(np.ones(3), size=(n, 2)), ["a", "b", "c"])


class Clock:
    """A clock that only a slow attack moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def slow(clock, fitting, scoring):
    """Make an attack that takes so many seconds to be fitted, and for each row it scores."""

    @dataclasses.dataclass(frozen=True)
    class Slow(Attack):
        name = "slow"
        fits_on_a_sample = True

        def fit(self, shadow, seed):
            clock.now += fitting * len(shadow.positive)
            return self

        def score(self, target):
            clock.now += scoring * len(target)
            return np.zeros(len(target))

    return Slow()


class Broken(LearnedAttack):
    def fit(self, shadow, seed):
        raise RuntimeError("too few rows")


def forecast(clock, *attacks, n=3000, jobs=1, **settings):
    tables, plan = plan_of_files(table(0, n), table(1, 10 * n), AuditConfig(**QUICK, **settings))
    plan = dataclasses.replace(plan, by_game={"deleted-vs-unseen": Attacks(attacks)})
    return forecast_files(plan, tables["none"], jobs, clock)


def test_the_slowest_attack_is_named_with_the_time_of_all_rows():
    clock = Clock()
    found = forecast(clock, LearnedAttack("direct-diff", "decision-tree"), slow(clock, 0.01, 0.001))
    assert (found.shadow_rows, found.target_rows, found.fit_rows, found.attacks) == (3000, 30_000, 2000, 2)
    assert found.slowest == "slow"
    # five fits on 2,000 rows as they are bounded, and every row of both sides scored
    assert found.slowest_seconds == pytest.approx(5 * 20 + 33)
    assert found.sentences[0].startswith("3,000 shadow rows and 30,000 target rows, 2 attacks, about 2.2 min on 1 job")
    assert "attack models are fitted on at most 2,000 of the shadow rows" in found.sentences[1]
    assert found.sentences[2] == "the slowest attack is slow, about 2.2 min"


def test_a_bound_shortens_it_and_jobs_share_it():
    clock = Clock()
    bounded = forecast(clock, slow(clock, 0.01, 0.001), fit_rows=500)
    assert bounded.slowest_seconds == pytest.approx(5 * 5 + 33)
    two = forecast(clock, slow(clock, 0.01, 0.0), dataclasses.replace(slow(clock, 0.01, 0.0)), jobs=2)
    assert two.seconds == pytest.approx(two.slowest_seconds)


def test_what_cannot_be_timed_is_said():
    found = forecast(Clock(), Broken("direct-diff", "mlp"))
    assert found.untimed == ("direct-diff/mlp",)
    assert found.slowest is None
    assert found.sentences[-1] == "not timed, since a few rows are not enough: direct-diff/mlp"


def test_what_files_cannot_have_is_refused_before():
    with pytest.raises(AuditError, match="until adds target worlds"):
        plan_of_files(table(0, 100), table(1, 100), AuditConfig(until="auc ± 0.1"))
