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
    independent_units,
    jackknife,
)
from unlearn_audit.metrics.intervals import (
    all_or_nothing_interval,
    jackknife_error,
    logit_interval,
    t_interval,
)


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
def test_fast_jackknife_equals_leaving_each_world_out(seed):
    values, positive, worlds = table(seed)
    keep = np.random.default_rng(seed).random(len(values)) < 0.5
    keep[positive & (worlds < 2)] = keep[~positive & (worlds < 2)] = True
    values, positive, worlds = values[keep], positive[keep], worlds[keep]

    def plain(rows):
        return float((values[rows & positive].mean() + values[rows & ~positive].mean()) / 2)

    slow = jackknife(plain, independent_units(positive, worlds))
    fast = class_balanced_mean(values, positive, worlds)
    np.testing.assert_allclose((fast.value, *fast.interval), (slow.value, *slow.interval), rtol=1e-9)


def test_records_are_the_units_of_a_single_world():
    values, positive, worlds = table(1)
    whole = class_balanced_mean(values, positive, np.zeros_like(worlds))
    assert whole == class_balanced_mean(values, positive, None)
    variance = values[positive].var(ddof=1) / 21 + values[~positive].var(ddof=1) / 35
    reach = stats.t.ppf(0.975, 20) * np.sqrt(variance) / 2
    assert whole.high - whole.value == pytest.approx(reach, rel=0.03)


def test_positives_in_one_world_only_make_records_the_units():
    positive = np.array([True, True, False, False, False])
    units = independent_units(positive, np.array([0, 0, 0, 1, 1]))
    assert (units.kind, units.n_units, units.fewest) == ("record", 5, 2)


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
    assert 0.9 < estimate.low < estimate.value < estimate.high < 1


def test_mean_is_cut_at_its_bounds():
    values, positive = np.array([1.0, -1.0, 1.0, 0.9]), np.array([True, True, False, False])
    assert class_balanced_mean(values, positive, bounds=(-1.0, 1.0)).interval == (-1, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_probabilities_outside_the_unit_interval_are_refused(value):
    with pytest.raises(AuditError, match=r"\[0, 1\]"):
        accuracy(np.array([value, 0.5]), np.array([True, False]))


def test_the_far_end_is_where_m_whole_units_become_unlikely():
    estimate = all_or_nothing_interval(0.0, 20)
    exact = stats.binomtest(0, 20).proportion_ci(method="exact")
    np.testing.assert_allclose(estimate.interval, (exact.low, exact.high), atol=1e-12)


def test_intervals_widen_with_the_confidence_level():
    narrow, wide = (logit_interval(0.8, 0.05, 9, 10, level) for level in (0.9, 0.99))
    assert wide.low < narrow.low < 0.8 < narrow.high < wide.high
    assert t_interval(0.0, 1.0, 9, confidence=0.9).high == pytest.approx(stats.t.ppf(0.95, 9))


def test_jackknife_error_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(2).normal(size=9)
    assert jackknife_error((x.sum() - x) / 8) == pytest.approx(stats.sem(x))


def test_jackknife_of_a_nonlinear_statistic():
    values, positive, worlds = table(3)
    estimate = jackknife(lambda rows: float(np.median(values[rows])), independent_units(positive, worlds))
    assert estimate.value == np.median(values)
    assert estimate.low < estimate.value < estimate.high


def test_jackknife_with_one_positive_gives_the_bounds():
    units = independent_units(np.array([True, False, False]), None)
    assert jackknife(lambda rows: float(rows.mean()), units, bounds=(0.0, 1.0)).interval == (0, 1)
