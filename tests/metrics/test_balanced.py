import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import (
    accuracy,
    class_balanced_mean,
    class_balanced_proportion,
    variation,
)
from unlearn_audit.metrics.intervals import binomial_ends, jackknife_error, linear_interval, logit_interval
from unlearn_audit.metrics.variation import Variation


def table(seed, n_worlds=7, n_positive=3, n_negative=5):
    rng = np.random.default_rng(seed)
    worlds = np.repeat(np.arange(n_worlds), n_positive + n_negative)
    positive = np.tile(np.arange(n_positive + n_negative) < n_positive, n_worlds)
    return rng.normal(size=len(worlds)) + rng.normal(size=n_worlds)[worlds], positive, worlds


def test_jackknife_of_a_balanced_mean_is_the_t_interval_of_world_means():
    values, positive, worlds = table(0)
    means = [(values[(worlds == w) & positive].mean() + values[(worlds == w) & ~positive].mean()) / 2 for w in range(7)]
    expected = stats.t.interval(0.95, 6, loc=np.mean(means), scale=stats.sem(means))
    estimate = class_balanced_mean(values, positive, worlds)
    assert estimate.value == pytest.approx(np.mean(means))
    np.testing.assert_allclose(estimate.interval, expected)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_the_error_is_near_that_of_leaving_each_world_out(seed):
    values, positive, worlds = table(seed, n_worlds=20)
    keep = np.random.default_rng(seed).random(len(values)) < 0.5
    keep[positive & (worlds < 2)] = keep[~positive & (worlds < 2)] = True
    values, positive, worlds = values[keep], positive[keep], worlds[keep]

    def plain(rows):
        return float((values[rows & positive].mean() + values[rows & ~positive].mean()) / 2)

    slow = jackknife_error(np.array([plain(worlds != w) for w in range(20)]))
    fast = class_balanced_mean(values, positive, worlds)
    assert fast.value == pytest.approx(plain(np.ones(len(values), dtype=bool)))
    assert fast.error == pytest.approx(slow, rel=0.2)


def test_records_are_the_units_of_a_single_world():
    values, positive, worlds = table(1)
    whole = class_balanced_mean(values, positive, np.zeros_like(worlds))
    assert whole.interval == class_balanced_mean(values, positive, None).interval
    variance = values[positive].var(ddof=1) / 21 + values[~positive].var(ddof=1) / 35
    reach = stats.t.ppf(0.975, 20) * np.sqrt(variance) / 2
    assert whole.high - whole.value == pytest.approx(reach, rel=0.03)


def test_positives_in_one_world_only_make_records_the_units():
    positive = np.array([True, True, False, False, False])
    found = variation(np.zeros(5), positive, np.array([0, 0, 0, 1, 1]))
    assert (found.unit, found.freedom, found.records) == ("record", 1, 2)


def test_accuracy_by_hand_with_ties_and_unequal_classes():
    probability = np.array([0.9, 0.5, 0.1, 0.5, 0.7, 0.2, 0.2])
    positive = np.array([True, True, False, False, False, False, False])
    assert accuracy(probability, positive).value == pytest.approx((1.5 / 2 + 3.5 / 5) / 2)


def test_accuracy_of_a_constant_answer_is_one_half():
    positive = np.tile([True, False, False], 10)
    for constant in (0.5, 0.9, 0.0):
        estimate = accuracy(np.full(30, constant), positive, np.repeat(np.arange(10), 3))
        assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


def test_perfect_accuracy_has_the_exact_far_end():
    positive = np.tile([True, False], 10)
    estimate = accuracy(positive * 1.0, positive, np.repeat(np.arange(10), 2))
    assert (estimate.value, estimate.high) == (1, 1)
    assert estimate.low == pytest.approx(0.025**0.1)


def test_proportions_stay_inside_their_range():
    positive = np.tile([True, False], 50)
    worlds = np.repeat(np.arange(10), 10)
    values = np.ones(100)
    values[3] = 0
    estimate = class_balanced_proportion(values, positive, worlds)
    assert 0.88 < estimate.low < estimate.value < estimate.high < 1


def test_mean_is_cut_at_its_bounds():
    values, positive = np.array([1.0, -1.0, 1.0, 0.9]), np.array([True, True, False, False])
    assert class_balanced_mean(values, positive, bounds=(-1.0, 1.0)).interval == (-1, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_probabilities_outside_the_unit_interval_are_refused(value):
    with pytest.raises(AuditError, match=r"\[0, 1\]"):
        accuracy(np.array([value, 0.5]), np.array([True, False]))


def test_the_far_end_is_where_m_whole_units_become_unlikely():
    for right in (0, 3, 20):
        exact = stats.binomtest(right, 20).proportion_ci(method="exact")
        np.testing.assert_allclose(binomial_ends(right, 20), (exact.low, exact.high), atol=1e-12)


def test_intervals_widen_with_the_confidence_level():
    one = Variation(0.0025, 9, 0.0, 0.0, 100, 100, "world", 10)
    narrow, wide = (logit_interval(0.8, one, level) for level in (0.9, 0.99))
    assert wide.low < narrow.low < 0.8 < narrow.high < wide.high
    assert linear_interval(0.0, one, confidence=0.9).high == pytest.approx(0.05 * stats.t.ppf(0.95, 9))


def test_jackknife_error_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(2).normal(size=9)
    assert jackknife_error((x.sum() - x) / 8) == pytest.approx(stats.sem(x))
