"""Difficulty: memorisation, leak by tenths and rank correlations, against closed forms and simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import auc_interval
from unlearn_audit.metrics.difficulty import leak_by_tenth, memorisation, rank_correlation


def test_memorisation_is_the_difference_of_two_shares():
    rng = np.random.default_rng(0)
    worlds, records = 400, 5
    trained = rng.random((worlds, records)) < 0.5
    chances = np.where(trained, [0.9, 1.0, 0.5, 0.7, 1.0], [0.9, 0.0, 0.5, 0.2, 1.0])
    right = rng.random((worlds, records)) < chances
    names = np.tile([3, 30, 4, 40, 9], (worlds, 1))
    found, memorised = memorisation(right.ravel(), trained.ravel(), names.ravel())
    assert found.tolist() == [3, 4, 9, 30, 40]
    assert np.allclose(memorised, [0, 0, 0, 1, 0.5], atol=0.15)
    assert memorised[2] == 0
    assert memorised[3] == 1
    rows = names.ravel() == 4
    expected = right.ravel()[rows & trained.ravel()].mean() - right.ravel()[rows & ~trained.ravel()].mean()
    assert math.isclose(memorised[1], expected)


def test_a_record_without_both_kinds_of_worlds_is_left_out_and_one_at_least_is_needed():
    right, trained, records = np.array([1, 0, 1, 1]), np.array([1, 0, 1, 1]), np.array([1, 1, 2, 2])
    assert memorisation(right, trained, records)[0].tolist() == [1]
    with pytest.raises(AuditError, match="no record is trained on in one world and left out in another"):
        memorisation(right[2:], trained[2:], records[2:])


def test_the_leak_of_each_tenth_is_that_of_its_closed_form():
    """Scores of positives are shifted by d: AUC = Φ(d / √2)."""
    rng = np.random.default_rng(1)
    n = 40_000
    positive = np.arange(n) % 2 == 0
    difficulty = np.arange(n) // 2 % 10.0
    scores = rng.normal(size=n) + positive * difficulty / 4
    found = leak_by_tenth(scores, positive, difficulty)
    assert len(found) == 10
    for tenth in found:
        assert tenth.lowest == tenth.highest == tenth.of.group - 1
        assert abs(tenth.of.auc.value - stats.norm.cdf(tenth.lowest / 4 / math.sqrt(2))) < 0.025
        rows = difficulty == tenth.lowest
        assert tenth.of.auc == auc_interval(scores[rows], positive[rows])


def test_negatives_without_a_difficulty_are_compared_with_every_tenth():
    rng = np.random.default_rng(2)
    positive = np.arange(600) < 300
    scores, difficulty = rng.normal(size=600), np.where(positive, rng.random(600), np.nan)
    worlds = np.arange(600) % 6
    found = leak_by_tenth(scores, positive, difficulty, worlds)
    assert [(tenth.of.n_positive, tenth.of.n_negative) for tenth in found] == [(30, 300)] * 10
    hardest = ~positive | (difficulty >= found[-1].lowest)
    assert found[-1].of.auc == auc_interval(scores[hardest], positive[hardest], worlds[hardest])
    assert all(one.highest < other.lowest for one, other in pairwise(found))
    difficulty[0] = np.nan
    with pytest.raises(AuditError, match="1 of 300 positives have no difficulty"):
        leak_by_tenth(scores, positive, difficulty)


def test_a_tenth_of_few_rows_has_no_figure():
    positive = np.arange(60) % 2 == 0
    found = leak_by_tenth(np.arange(60.0), positive, np.arange(60.0))
    assert [tenth.of.auc for tenth in found] == [None] * 10
    assert leak_by_tenth(np.arange(60.0), positive, np.zeros(60))[0].of.auc is not None


def test_the_correlation_is_that_of_scipy():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 6, size=50)
    y = x + rng.integers(0, 9, size=50)
    assert math.isclose(rank_correlation(x, y, draws=10).value, stats.spearmanr(x, y).statistic)
    assert rank_correlation(x, np.exp(x), draws=10).value == 1


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_its_interval_covers_the_true_correlation(r):
    rng = np.random.default_rng(4)
    true, hits, repeats = 6 / math.pi * math.asin(r / 2), 0, 100
    for _ in range(repeats):
        x, e = rng.normal(size=(2, 50))
        found = rank_correlation(x, r * x + math.sqrt(1 - r**2) * e, draws=60)
        hits += found.low <= true <= found.high
    # five standard errors below 95 %
    assert hits / repeats > 0.95 - 5 * math.sqrt(0.95 * 0.05 / repeats)


def test_rows_that_share_a_world_count_as_one():
    rng = np.random.default_rng(5)
    worlds = np.repeat(np.arange(12), 20)
    shift = rng.normal(size=(2, 12))[:, worlds]
    x, y = shift + 0.1 * rng.normal(size=(2, 240))
    alone, shared = rank_correlation(x, y, draws=300), rank_correlation(x, y, worlds, draws=300)
    assert shared.value == alone.value
    assert shared.high - shared.low > 2.5 * (alone.high - alone.low)
    assert shared.freedom == 11


def test_a_perfect_order_of_few_records_is_no_certainty():
    found = rank_correlation(np.arange(8.0), np.arange(8.0))
    assert found.value == found.high == 1
    assert 0 < found.low < 0.9
    assert rank_correlation(np.arange(200.0), np.arange(200.0)).low > found.low


@pytest.mark.parametrize(
    ("first", "second", "clusters", "message"),
    [
        ([1.0, 2, 3, 4], [1.0, 2, 3, 4], None, "needs at least 5 independent records or clusters, got 4"),
        (np.arange(9), np.arange(9), np.arange(9) // 3, "got 3"),
        (np.arange(9), np.ones(9), None, "all 9 rows have the same number"),
        (np.arange(9), np.arange(8), None, "two numbers per row, and its cluster, are needed, got 9 and 8"),
        ([1.0, 2, 3, 4, np.nan, np.nan], np.arange(6), None, "2 of 6 rows have no number to rank"),
    ],
)
def test_what_cannot_be_ranked_is_refused(first, second, clusters, message):
    with pytest.raises(AuditError, match=message):
        rank_correlation(np.asarray(first), np.asarray(second), clusters)
