"""Exact p-values and intervals against enumeration, closed forms and tables."""

from fractions import Fraction
from itertools import combinations, product
from math import comb, log2, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import (
    discordant_p_value,
    exposure,
    hits_p_value,
    holm_adjusted,
    leak_at_k,
    proportion_interval,
    randomised_p_value,
    rank_sum_p_value,
)

ROUNDING = 1 + 1e-9

CHANCES = st.lists(st.sampled_from([Fraction(k, 8) for k in range(9)]), max_size=7)


def assert_valid(outcomes):
    """Of (probability, p-value) pairs that are a whole null: P(p <= a) <= a for every a that p takes."""
    assert sum(chance for chance, _ in outcomes) == 1
    for _, level in outcomes:
        below = sum(chance for chance, p in outcomes if p <= level * ROUNDING)
        assert float(below) <= level * ROUNDING


# two-sided 95 % limits as tables print them
@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_of_a_proportion_is_that_of_the_tables(hits, cases, low, high):
    assert proportion_interval(hits, cases) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 60), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_of_a_proportion_is_that_of_scipy(cases, data, confidence):
    hits = data.draw(st.integers(0, cases))
    ends = stats.binomtest(hits, cases).proportion_ci(confidence, method="exact")
    assert proportion_interval(hits, cases, confidence) == pytest.approx((ends.low, ends.high), abs=1e-9)


@pytest.mark.parametrize("cases", [1, 7, 20])
def test_the_interval_of_a_proportion_covers_every_proportion(cases):
    ends = np.array([proportion_interval(hits, cases) for hits in range(cases + 1)])
    for truth in np.linspace(0, 1, 101):
        covered = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        assert stats.binom.pmf(np.arange(cases + 1)[covered], cases, truth).sum() >= 0.95 - 1e-12


def hit_counts(chances):
    """How probable each number of hits is, summed over all outcomes of the cases."""
    counts = [Fraction(0)] * (len(chances) + 1)
    for outcome in product((0, 1), repeat=len(chances)):
        counts[sum(outcome)] += prod(
            (c if hit else 1 - c for c, hit in zip(chances, outcome, strict=True)), start=Fraction(1)
        )
    return counts


@given(CHANCES)
def test_hits_are_as_probable_as_all_outcomes_say(chances):
    counts = hit_counts(chances)
    found = [hits_p_value(hits, [float(c) for c in chances]) for hits in range(len(counts))]
    assert found == pytest.approx([float(sum(counts[hits:])) for hits in range(len(counts))], rel=1e-12)
    assert_valid([(chance, p) for chance, p in zip(counts, found, strict=True) if chance])


@given(st.integers(0, 400), st.floats(0, 1), st.data())
def test_with_equal_chances_hits_are_binomial(cases, chance, data):
    hits = data.draw(st.integers(0, cases))
    expected = stats.binom.sf(hits - 1, cases, chance)
    assert hits_p_value(hits, np.full(cases, chance)) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_small_p_values_of_hits_are_not_rounded_away():
    assert hits_p_value(40, np.full(40, 1 / 16)) == pytest.approx(16.0**-40, rel=1e-12)


@pytest.mark.parametrize(("hits", "chances"), [(3, [0.1, 0.2]), (-1, [0.1]), (1, [1.5]), (0, [-0.1]), (1, [np.nan])])
def test_hits_that_cannot_be_are_refused(hits, chances):
    with pytest.raises(AuditError, match=r"cannot be|between 0 and 1"):
        hits_p_value(hits, chances)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), max_size=4))
def test_sums_of_ranks_are_as_probable_as_all_outcomes_say(options):
    outcomes = list(product(*(range(1, of + 1) for of in options)))
    sums = np.array([sum(outcome) for outcome in outcomes])
    found = [rank_sum_p_value(outcome, options) for outcome in outcomes]
    assert found == pytest.approx([(sums <= of).mean() for of in sums], rel=1e-12)
    assert_valid([(Fraction(1, len(outcomes)), p) for p in found])


def test_sums_of_many_ranks_are_nearly_normal_and_the_least_is_exact():
    assert rank_sum_p_value(np.ones(200), 16) == pytest.approx(16.0**-200, rel=1e-10)
    assert rank_sum_p_value(np.full(200, 16), 16) == pytest.approx(1.0, rel=1e-12)
    ranks = np.repeat([8, 7], [150, 50])
    z = (ranks.sum() + 0.5 - 200 * 8.5) / np.sqrt(200 * (16**2 - 1) / 12)
    assert rank_sum_p_value(ranks, 16) == pytest.approx(stats.norm.cdf(z), rel=0.02)


@pytest.mark.parametrize("ranks", [[0], [5], [1.5], [np.nan]])
def test_ranks_that_are_not_whole_are_refused(ranks):
    """Mean ranks of ties: of two equal options each has rank 1.5, whichever is right."""
    for of in (rank_sum_p_value, exposure):
        with pytest.raises(AuditError, match="break ties at random"):
            of(ranks, 4)


def test_exposure_by_hand():
    assert exposure([1, 2, 8, 16], 16).tolist() == [4, 3, 1, 0]
    assert exposure([1, 3], [2, 3]).tolist() == pytest.approx([1, 0])
    # nothing is known: the mean over all ranks is log2 16 - log2(16!)/16
    assert exposure(np.arange(1, 17), 16).mean() == pytest.approx(4 - sum(map(log2, range(1, 17))) / 16)


def difference(answers):
    """A statistic: how much more often those that were in are right."""
    return lambda coins: float(answers[coins].sum() - answers[~coins].sum())


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_coins_are_tossed_in_every_way(coins, seed):
    coins = np.array(coins)
    answers = np.random.default_rng(seed).integers(0, 3, len(coins)).astype(float)
    statistic, chosen = difference(answers), int(coins.sum())
    others = []
    for at in combinations(range(len(coins)), chosen):
        others.append(statistic(np.isin(np.arange(len(coins)), at)))
    p_values = [
        randomised_p_value(statistic, np.isin(np.arange(len(coins)), at), 999, 0)
        for at in combinations(range(len(coins)), chosen)
    ]
    assert p_values == pytest.approx([np.mean(np.array(others) >= of) for of in others])
    assert_valid([(Fraction(1, len(p_values)), p) for p in p_values])


def test_two_sided_is_a_statistic_without_a_sign():
    answers, coins = np.array([0.0, 0, 0, 1, 1, 1]), np.arange(6) < 3
    assert randomised_p_value(difference(answers), coins, 999, 0) == 1.0
    assert randomised_p_value(lambda of: abs(difference(answers)(of)), coins, 999, 0) == pytest.approx(2 / comb(6, 3))


@pytest.mark.parametrize("draws", [19, 39])
def test_drawn_assignments_keep_the_level(draws):
    rng = np.random.default_rng(3)
    answers = rng.integers(0, 2, 30).astype(float)
    p_values = []
    for seed in range(2000):
        p_values.append(randomised_p_value(difference(answers), rng.permutation(30) < 12, draws, seed))
    for level in (0.05, 0.1, 0.25):
        share = np.mean(np.array(p_values) <= level * ROUNDING)
        assert share <= level + 3 * np.sqrt(level * (1 - level) / 2000)
    assert min(p_values) == 1 / (1 + draws)


def test_drawn_assignments_repeat_with_the_seed_and_are_not_all_there_are():
    answers, coins = np.arange(20.0), np.arange(20) % 2 == 0
    first, again, other = (randomised_p_value(difference(answers), coins, 99, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_statistics_that_compare_with_nothing_are_refused():
    for value in (float("nan"), float("inf")):
        with pytest.raises(AuditError, match="with which nothing compares"):
            randomised_p_value(lambda coins, value=value: value, np.array([True, False]), 99, 0)
    with pytest.raises(AuditError, match="0 draws show nothing"):
        randomised_p_value(lambda coins: 0.0, np.array([True, False]), 0, 0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_discordant_pairs_are_fair_coins(only_first, only_second):
    n = only_first + only_second
    expected = Fraction(sum(comb(n, k) for k in range(only_first, n + 1)), 2**n)
    assert discordant_p_value(only_first, only_second) == pytest.approx(float(expected), rel=1e-12)


def test_pairs_cannot_be_fewer_than_none():
    with pytest.raises(AuditError, match="only_second is -1"):
        discordant_p_value(0, -1)


@given(st.integers(1, 7), st.data())
def test_leak_at_k_is_the_share_of_choices_with_a_leak(samples, data):
    hits, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    choices = list(combinations(range(samples), k))
    assert leak_at_k(samples, hits, k) == pytest.approx(np.mean([min(of) < hits for of in choices]))


@pytest.mark.parametrize(("samples", "hits", "k"), [(3, 4, 1), (3, 1, 0), (3, 1, 4), (0, 0, 1)])
def test_leak_at_k_of_what_was_not_sampled_is_refused(samples, hits, k):
    with pytest.raises(AuditError, match="cannot be"):
        leak_at_k(samples, hits, k)


def test_holms_rule_takes_these_p_values_as_they_are():
    p_values = np.array([discordant_p_value(6, 0), hits_p_value(1, [0.03]), rank_sum_p_value([2], 16)])
    assert p_values.tolist() == pytest.approx([1 / 64, 0.03, 0.125])
    assert holm_adjusted(p_values).tolist() == pytest.approx([3 / 64, 0.06, 0.125])
