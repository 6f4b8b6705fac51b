import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import (
    Clusters,
    Estimate,
    auc,
    auc_difference,
    auc_interval,
    auc_variation,
    roc_curve,
    tpr_at_fpr,
    tpr_at_fpr_interval,
)
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.metrics.low_fpr import rates_without_each_world
from unlearn_audit.metrics.roc import delong_components


@st.composite
def tied_tables(draw, low=-4, high=4):
    """Scores on a coarse grid, so that ties abound, with both classes and a few worlds."""
    n = draw(st.integers(4, 40))
    scores = draw(st.lists(st.integers(low, high), min_size=n, max_size=n))
    truth = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda t: 0 < sum(t) < len(t)))
    worlds = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    return np.array(scores, dtype=float), np.array(truth), np.array(worlds)


def brute_force_wins(scores, positive):
    """The (n1, n0) table of 1, 1/2 or 0 for each positive against each negative."""
    differences = scores[positive][:, None] - scores[~positive][None, :]
    return (np.sign(differences) + 1) / 2


def clustered_table(rng, n_worlds=10, n_positive=6, n_negative=9):
    worlds = np.repeat(np.arange(n_worlds), n_positive + n_negative)
    positive = np.tile(np.arange(n_positive + n_negative) < n_positive, n_worlds)
    scores = rng.normal(size=len(worlds)) + positive + rng.normal(0, 0.5, n_worlds)[worlds]
    return scores.round(1), positive, worlds


@settings(deadline=None)
@given(tied_tables())
def test_auc_is_the_brute_force_count_and_mann_whitney(table):
    scores, positive, _ = table
    wins = brute_force_wins(scores, positive)
    assert auc(scores, positive) == pytest.approx(wins.mean(), abs=1e-12)
    u = stats.mannwhitneyu(scores[positive], scores[~positive], method="asymptotic").statistic
    assert auc(scores, positive) == pytest.approx(u / wins.size, abs=1e-12)


@settings(deadline=None)
@given(tied_tables())
def test_delong_components_are_the_row_means_of_wins(table):
    scores, positive, _ = table
    wins = brute_force_wins(scores, positive)
    _, components = delong_components(scores, positive)
    np.testing.assert_allclose(components[positive], wins.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(components[~positive], wins.mean(axis=0), atol=1e-12)


@settings(deadline=None)
@given(tied_tables())
def test_auc_is_the_area_under_the_curve(table):
    scores, positive, _ = table
    curve = roc_curve(scores, positive)
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert area == pytest.approx(auc(scores, positive), abs=1e-12)
    assert len(curve.thresholds) == len(np.unique(scores)) + 1
    for threshold, rate in zip(curve.thresholds, curve.true_positive_rate, strict=True):
        assert rate == pytest.approx((scores[positive] >= threshold).mean())


@settings(deadline=None)
@given(tied_tables())
def test_monotone_transforms_change_nothing(table):
    scores, positive, worlds = table
    moved = np.exp(scores / 3) - 7
    assert auc_interval(scores, positive, worlds) == auc_interval(moved, positive, worlds)
    assert auc_difference(scores, moved, positive, worlds).value == 0
    before, after = roc_curve(scores, positive), roc_curve(moved, positive)
    np.testing.assert_array_equal(before.true_positive_rate, after.true_positive_rate)
    np.testing.assert_array_equal(before.false_positive_rate, after.false_positive_rate)


@settings(deadline=None)
@given(tied_tables(), st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_worlds_change_nothing(table, random):
    scores, positive, worlds = table
    order = np.array(random.sample(range(len(scores)), len(scores)))
    before = auc_interval(scores, positive, worlds)
    after = auc_interval(scores[order], positive[order], 100 - 7 * worlds[order])
    assert before.value == after.value
    np.testing.assert_allclose(before.interval, after.interval, atol=1e-9)


@settings(deadline=None)
@given(tied_tables())
def test_flipped_scores_give_the_mirrored_interval(table):
    scores, positive, worlds = table
    up, down = auc_interval(scores, positive, worlds), auc_interval(-scores, positive, worlds)
    assert down.value == pytest.approx(1 - up.value, abs=1e-12)
    np.testing.assert_allclose(down.interval, (1 - up.high, 1 - up.low), atol=1e-9)


def test_record_level_variance_is_the_textbook_delong():
    scores, positive, _ = clustered_table(np.random.default_rng(0))
    wins = brute_force_wins(scores, positive)
    area, (n1, n0) = wins.mean(), wins.shape
    variance = wins.mean(axis=1).var(ddof=1) / n1 + wins.mean(axis=0).var(ddof=1) / n0
    reach = t_quantile(min(n1, n0) - 1) * np.sqrt(variance) / (area * (1 - area))
    low, high = (1 / (1 + (1 - area) / area * np.exp(sign * reach)) for sign in (1, -1))
    for worlds in (None, np.zeros(len(scores), dtype=int), np.arange(len(scores))):
        estimate = auc_interval(scores, positive, worlds)
        np.testing.assert_allclose(estimate.interval, (low, high), rtol=1e-10)


def test_world_level_variance_is_the_formula_of_balanced_worlds():
    scores, positive, worlds = clustered_table(np.random.default_rng(8))
    wins = brute_force_wins(scores, positive)
    area = wins.mean()
    v10, v01 = wins.mean(axis=1) - area, wins.mean(axis=0) - area
    d = [v10[worlds[positive] == w].mean() + v01[worlds[~positive] == w].mean() for w in range(10)]
    error = np.sqrt(np.sum(np.square(d)) / 90)
    reach = t_quantile(9) * error / (area * (1 - area))
    centre = np.log(area / (1 - area))
    expected = 1 / (1 + np.exp(-(centre - reach))), 1 / (1 + np.exp(-(centre + reach)))
    np.testing.assert_allclose(auc_interval(scores, positive, worlds).interval, expected, rtol=1e-10)


def test_one_pair_per_world_is_a_paired_t_of_the_components():
    scores, positive, worlds = clustered_table(np.random.default_rng(8), 12, 1, 1)
    other = scores + np.random.default_rng(3).normal(size=24)
    wins = brute_force_wins(scores, positive) - brute_force_wins(other, positive)
    d = wins.mean(axis=1) + wins.mean(axis=0) - 2 * wins.mean()
    reach = t_quantile(11) * d.std(ddof=1) / np.sqrt(12)
    estimate = auc_difference(scores, other, positive, worlds)
    np.testing.assert_allclose(estimate.value, wins.mean(), atol=1e-12)
    np.testing.assert_allclose(estimate.interval, (wins.mean() - reach, wins.mean() + reach), rtol=1e-9)


def test_worlds_that_agree_are_no_narrower_than_independent_rows():
    one, truth, _ = clustered_table(np.random.default_rng(0), 1, 20, 60)
    for n in (2, 5):
        scores, positive = np.tile(one, n), np.tile(truth, n)
        of_rows = auc_variation(scores, positive).variation.error
        area = auc(scores, positive)
        reach = t_quantile(20 * n - 1) * of_rows / (area * (1 - area))
        low = 1 / (1 + (1 - area) / area * np.exp(reach))
        assert auc_interval(scores, positive, np.repeat(np.arange(n), 80)).low == pytest.approx(low, abs=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1.5, 3.0, 4.5, 9.0])
@pytest.mark.parametrize("size", [(5, 5), (20, 60), (200, 200)])
@pytest.mark.parametrize("recur", [False, True])
def test_more_worlds_of_the_same_scores_never_widen_an_interval(shift, size, recur):
    rng = np.random.default_rng(0)
    positive = np.arange(sum(size)) < size[0]
    scores = rng.normal(size=len(positive)) + shift * positive
    before = Estimate(np.nan, 0.0, 1.0)
    for n in range(1, 13):
        worlds = np.repeat(np.arange(n), len(positive))
        records = np.tile(np.arange(len(positive)), n) if recur else np.arange(n * len(positive))
        now = auc_interval(np.tile(scores, n), np.tile(positive, n), Clusters(worlds, records))
        assert before.low - 1e-9 <= now.low <= now.high <= before.high + 1e-9
        before = now


def test_just_below_one_is_hardly_narrower_than_one():
    positive = np.tile(np.arange(440) < 20, 10)
    worlds = np.repeat(np.arange(10), 440)
    perfect = positive * 1.0
    nearly = np.where(np.arange(4400) == 430, 2.0, np.where(np.arange(4400) == 0, 1.5, perfect))
    nearly[0], nearly[430] = 0.9, 0.95
    one, below = auc_interval(perfect, positive, worlds), auc_interval(nearly, positive, worlds)
    assert 0.9999 < below.value < 1
    assert one.low == pytest.approx(0.025 ** (1 / 200))
    assert 0.9 < below.low < one.low < below.value < below.high <= 1


def test_worlds_without_one_of_the_classes_are_used():
    scores, positive, worlds = clustered_table(np.random.default_rng(4))
    keep = ~((worlds == 0) & positive) & ~((worlds == 1) & ~positive)
    estimate = auc_interval(scores[keep], positive[keep], worlds[keep])
    whole = auc_interval(scores, positive, worlds)
    assert estimate.value == auc(scores[keep], positive[keep])
    assert 0.5 < (estimate.high - estimate.low) / (whole.high - whole.low) < 2


def test_perfect_separation_has_the_exact_far_end():
    positive = np.tile([True, False, False], 10)
    worlds = np.repeat(np.arange(10), 3)
    perfect = auc_interval(positive * 1.0, positive, worlds)
    assert (perfect.value, perfect.high) == (1, 1)
    assert perfect.low == pytest.approx(0.025**0.1)
    wrong = auc_interval(positive * -1.0, positive, None)
    assert (wrong.value, wrong.low) == (0, 0)
    assert wrong.high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_constant_scores_are_exactly_even():
    positive = np.tile([True, False, False], 10)
    assert auc_interval(np.full(30, 0.3), positive, np.repeat(np.arange(10), 3)).interval == (0.5, 0.5)


def test_a_single_positive_gives_the_whole_range():
    scores, positive = np.array([0.4, 0.3, 0.6, 0.1]), np.array([True, False, False, False])
    assert auc_interval(scores, positive).interval == (0, 1)
    assert auc_difference(scores, scores[::-1], positive).interval == (-1, 1)


def test_difference_without_variance_combines_the_two_intervals():
    positive = np.tile([True, False], 10)
    estimate = auc_difference(positive * 1.0, np.zeros(20), positive, np.repeat(np.arange(10), 2))
    assert estimate.value == 0.5
    np.testing.assert_allclose(estimate.interval, (0.5 - (1 - 0.025**0.1), 0.5))


def test_gaussian_scores_follow_the_closed_form():
    rng = np.random.default_rng(5)
    n, shift = 400_000, 1.2
    positive = np.arange(2 * n) < n
    scores = rng.normal(size=2 * n) + shift * positive
    assert auc(scores, positive) == pytest.approx(stats.norm.cdf(shift / np.sqrt(2)), abs=0.002)
    curve = roc_curve(scores, positive)
    expected = stats.norm.sf(stats.norm.isf(curve.false_positive_rate[1:-1]) - shift)
    assert np.abs(curve.true_positive_rate[1:-1] - expected).max() < 0.005
    tpr, realised = tpr_at_fpr(scores, positive, 0.001)
    assert realised == pytest.approx(0.001)
    assert tpr == pytest.approx(stats.norm.sf(stats.norm.isf(0.001) - shift), abs=0.005)


@settings(max_examples=50, deadline=None)
@given(tied_tables(), st.sampled_from([0.3, 0.5, 0.7]))
def test_tpr_at_fpr_is_the_best_attainable_threshold(table, target):
    scores, positive, worlds = (np.tile(column, 30) for column in table)
    negatives, positives = scores[~positive], scores[positive]
    rates = [
        ((negatives >= threshold).mean(), (positives >= threshold).mean()) for threshold in [np.inf, *np.unique(scores)]
    ]
    realised, tpr = max(pair for pair in rates if pair[0] <= target + 1e-12)
    if len(negatives) * target < 10:
        assert tpr_at_fpr(scores, positive, target) is None
        return
    assert tpr_at_fpr(scores, positive, target) == pytest.approx((tpr, realised))
    estimate = tpr_at_fpr_interval(scores, positive, worlds, target)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_tpr_never_splits_ties():
    positive = np.arange(300) < 100
    scores = np.where(positive, 1.0, 0.0)
    scores[100:150] = 1.0
    assert tpr_at_fpr(scores, positive, 0.1) == (0, 0)
    assert tpr_at_fpr(scores, positive, 0.25) == (1, 0.25)


def test_tpr_needs_ten_expected_false_positives():
    positive = np.arange(1100) < 100
    scores = np.arange(1100.0)
    assert tpr_at_fpr(scores, positive, 0.01) == (0, 0.01)
    assert tpr_at_fpr(scores[:-1], positive[:-1], 0.01) is None
    assert tpr_at_fpr_interval(scores[:-1], positive[:-1], None, 0.01) is None


def test_tpr_interval_is_the_jackknife_of_the_plain_function():
    rng = np.random.default_rng(6)
    scores, positive, worlds = clustered_table(rng, 8, 10, 60)
    rates = np.array([tpr_at_fpr(scores[worlds != w], positive[worlds != w], 0.1)[0] for w in range(8)])
    value = tpr_at_fpr(scores, positive, 0.1)[0]
    error = np.sqrt(7 / 8 * np.sum((rates - rates.mean()) ** 2))
    reach = t_quantile(7) * error / (value * (1 - value))
    low = 1 / (1 + (1 - value) / value * np.exp(reach))
    estimate = tpr_at_fpr_interval(scores, positive, worlds, 0.1)
    assert (estimate.value, estimate.low) == pytest.approx((value, low))


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, float("nan")])
def test_tpr_refuses_an_impossible_target(target):
    with pytest.raises(AuditError, match="between 0 and 1"):
        tpr_at_fpr(np.arange(4.0), np.array([True, False, True, False]), target)


def test_infinite_scores_are_ranked():
    scores = np.array([np.inf, 1.0, np.inf, -np.inf] * 20)
    positive = np.array([True, True, False, False] * 20)
    assert auc(scores, positive) == 0.625
    assert tpr_at_fpr_interval(scores, positive, np.arange(80) // 8, 0.5).value == 1


@pytest.mark.parametrize(
    ("scores", "positive", "message"),
    [
        ([0.1, np.nan], [True, False], "1 of 2 rows are NaN"),
        ([0.1, 0.2], [True, True], "got 2 and 0"),
        ([0.1, 0.2], [False, False], "got 0 and 2"),
        ([], [], "got 0 and 0"),
        ([0.1, 0.2, 0.3], [True, False], "shapes"),
        ([0.1, 0.2], [1, -1], "boolean"),
    ],
)
def test_rows_that_cannot_be_measured_are_refused(scores, positive, message):
    with pytest.raises(AuditError, match=message):
        auc_interval(np.array(scores), np.array(positive))


def test_one_world_per_row_is_needed():
    with pytest.raises(AuditError, match="one world per row"):
        auc_interval(np.arange(4.0), np.array([True, False, True, False]), np.array([0, 1]))


@pytest.mark.parametrize("digits", [0, 2])
def test_rates_without_each_world_are_those_of_the_other_worlds(digits):
    rng = np.random.default_rng(digits)
    scores, positive = np.round(rng.normal(size=300), digits), rng.random(300) < 0.4
    worlds = rng.choice([2, 5, 6, 90], 300)
    found = rates_without_each_world(roc_curve(scores, positive), positive, worlds, 0.1)
    alone = [tpr_at_fpr(scores[worlds != world], positive[worlds != world], 0.1)[0] for world in (2, 5, 6, 90)]
    assert found.tolist() == alone
