"""Bounds on epsilon against mechanisms whose epsilon is known, and against clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import best_threshold, clustered_epsilon_bound, epsilon_bound, one_run_bound
from unlearn_audit.metrics import epsilon as module
from unlearn_audit.metrics.epsilon import effective_cases, epsilon_of_rates, upper_rate

REPETITIONS = 1000


def test_the_upper_end_is_that_of_clopper_and_pearson():
    for wrong, n in ((0, 10), (3, 40), (40, 40)):
        ends = stats.binomtest(wrong, n).proportion_ci(0.95, method="exact")
        assert upper_rate(wrong, n, 0.975) == pytest.approx(ends.high, abs=1e-12)


@pytest.mark.parametrize("epsilon", [0.5, 1, 2, 4, 8])
def test_randomised_response_is_bounded_from_below_and_closely(epsilon):
    """10,000 answers: half from either input, each turned round with probability 1/(1 + e^epsilon)."""
    rng = np.random.default_rng(int(10 * epsilon))
    turned = special.expit(-epsilon)
    missed, called = rng.binomial(5000, turned, (2, REPETITIONS))
    bounds = np.array([epsilon_bound(a, 5000, b, 5000).value for a, b in zip(missed, called, strict=True)])
    assert np.mean(bounds > epsilon) <= 0.05
    assert np.median(bounds) >= 0.8 * epsilon


def test_at_chance_there_is_nothing():
    """Unlearned and retrained models of one distribution, and a threshold from other runs: there is no epsilon."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(REPETITIONS):
        fitting, judged = rng.normal(size=(2, 128))
        truth = np.arange(128) < 64
        called = judged >= best_threshold(fitting, truth)
        found.append(epsilon_bound((~called[truth]).sum(), 64, called[~truth].sum(), 64).value)
    assert np.mean(np.array(found) > 0) <= 0.05


def test_delta_takes_away_from_the_bound():
    assert epsilon_bound(5, 500, 5, 500, delta=0.01).value < epsilon_bound(5, 500, 5, 500).value
    assert epsilon_bound(0, 5, 0, 5, delta=0.9).value == 0.0
    assert float(epsilon_of_rates(0.1, 0.01)) == pytest.approx(np.log(0.9 / 0.01))


def test_no_error_reaches_the_ceiling_and_no_more():
    assert epsilon_bound(0, 300, 0, 300).value == epsilon_bound(7, 300, 9, 300).ceiling
    assert epsilon_bound(7, 300, 9, 300).value < epsilon_bound(7, 300, 9, 300).ceiling


def test_worlds_that_vary_make_fewer_cases_and_the_bound_holds():
    rng = np.random.default_rng(2)
    worlds, truth = np.repeat(np.arange(10), 60), np.tile(np.arange(60) < 20, 10)
    above = effective = 0
    drawn = rng.normal(0, 0.7, 200_000)
    rates = [np.mean(stats.norm.cdf(0.5, shift + drawn)) for shift in (2.0, 0.0)]
    true = float(epsilon_of_rates(rates[0], 1 - rates[1]))
    for _ in range(REPETITIONS):
        scores = rng.normal(size=600) + rng.normal(0, 0.7, 10)[worlds] + 2.0 * truth
        above += clustered_epsilon_bound(scores, truth, worlds, 0.5).value > true
        effective += effective_cases(scores[~truth] >= 0.5, worlds[~truth])[1] < 300
    assert above <= 0.05 * REPETITIONS
    assert effective > 0.9 * REPETITIONS


def test_the_ceiling_is_that_of_the_cases_whatever_the_threshold():
    rng = np.random.default_rng(4)
    truth, worlds = np.arange(200) % 2 == 0, np.repeat(np.arange(5), 40)
    scores = rng.normal(size=200) + truth
    bounds = [clustered_epsilon_bound(scores, truth, worlds, at) for at in (-9.0, 0.0, 0.5, 9.0)]
    assert {of.ceiling for of in bounds} == {epsilon_bound(0, 100, 0, 100).value}
    assert all(of.value <= of.ceiling for of in bounds)


def test_independent_rows_are_hardly_fewer():
    rng = np.random.default_rng(3)
    cases = [effective_cases(rng.random(2000) < 0.2, np.repeat(np.arange(40), 50))[1] for _ in range(200)]
    assert np.median(cases) > 1200
    assert effective_cases(np.zeros(20, bool), np.repeat(np.arange(4), 5)) == (0.0, 4.0)
    assert effective_cases(np.arange(20) < 3, np.zeros(20, int)) == (3.0, 20.0)


@pytest.mark.parametrize("epsilon", [0.5, 2])
def test_one_run_bounds_randomised_response(epsilon):
    rng = np.random.default_rng(4)
    right = rng.binomial(500, special.expit(epsilon), REPETITIONS)
    bounds = np.array([one_run_bound(int(r), 500) for r in right])
    assert np.mean(bounds > epsilon) <= 0.05
    assert np.median(bounds) > 0.5 * epsilon
    with pytest.raises(AuditError, match="11 right of 10 guesses cannot be"):
        one_run_bound(11, 10)


def best_of_all(scores, positive):
    """The threshold with the largest bound, from the bound of every threshold; the lowest of equals."""
    thresholds = np.unique(scores)
    missed = [(scores[positive] < at).sum() for at in thresholds]
    called = [(scores[~positive] >= at).sum() for at in thresholds]
    n = positive.sum(), (~positive).sum()
    return thresholds[np.argmax(epsilon_of_rates(upper_rate(missed, n[0], 0.975), upper_rate(called, n[1], 0.975)))]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 1500),
    st.floats(0.01, 0.99),
    st.sampled_from([0, 0.1, 1, 4, -2]),
    st.sampled_from([0, 1, 9]),
    st.integers(0, 2**32 - 1),
)
def test_the_best_threshold_is_the_best_of_all(n, share, apart, decimals, seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    positive[:2] = True, False
    scores = (rng.normal(size=n) + apart * positive).round(decimals)
    assert best_threshold(scores, positive) == best_of_all(scores, positive)


@pytest.mark.parametrize("apart", [0, 0.05, 1])
def test_of_many_thresholds_few_are_judged(apart, monkeypatch):
    rng = np.random.default_rng(1)
    positive = np.arange(20_000) % 2 == 0
    scores = rng.normal(size=20_000) + apart * positive
    expected = best_of_all(scores, positive)
    judged = []

    def counted(errors, cases, confidence):
        judged.append(np.size(errors))
        return upper_rate(errors, cases, confidence)

    monkeypatch.setattr(module, "upper_rate", counted)
    assert best_threshold(scores, positive) == expected
    assert sum(judged) < 2 * 20_000 / 10
