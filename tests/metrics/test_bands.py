"""Simultaneous intervals of a family of attacks, and what a run can show."""

import numpy as np
import pytest
from scipy import stats

from unlearn_audit.metrics import auc_interval, power_of, simultaneous_auc
from unlearn_audit.metrics.bands import max_t_quantile
from unlearn_audit.metrics.intervals import t_quantile

REPETITIONS = 1000
WORLDS, POSITIVES, NEGATIVES = 10, 20, 40
TRUTH = np.tile(np.arange(POSITIVES + NEGATIVES) < POSITIVES, WORLDS)
WORLD = np.repeat(np.arange(WORLDS), POSITIVES + NEGATIVES)


def family(rng, shifts, shared=0.7, of_world=0.3):
    """Scores of attacks that have a part in common, with effects of worlds on the positives."""
    n = len(TRUTH)
    common, effect = rng.normal(size=n), rng.normal(0, of_world, WORLDS)[WORLD]
    own = rng.normal(size=(len(shifts), n)) * np.sqrt(1 - shared**2)
    return shared * common + own + (np.asarray(shifts)[:, None] + effect) * TRUTH


@pytest.mark.parametrize("shared", [0.0, 0.7, 0.98])
def test_no_interval_of_the_family_is_wrong(shared, monkeypatch):
    monkeypatch.setattr("unlearn_audit.metrics.bands.DRAWS", 3000)
    rng = np.random.default_rng(int(100 * shared))
    shifts = np.linspace(0, 1.5, 8)
    true = stats.norm.cdf(shifts / np.sqrt(2 + 0.3**2))
    good = 0
    for _ in range(REPETITIONS):
        bands = simultaneous_auc(list(family(rng, shifts, shared)), TRUTH, WORLD)
        good += all(of.low <= value <= of.high for of, value in zip(bands, true, strict=True))
    assert good >= 0.93 * REPETITIONS


def test_the_width_lies_between_one_interval_and_bonferroni():
    rng = np.random.default_rng(0)
    scores = list(family(rng, np.linspace(0, 1, 6)))
    for of, band in zip(scores, simultaneous_auc(scores, TRUTH, WORLD), strict=True):
        alone, strict = auc_interval(of, TRUTH, WORLD), auc_interval(of, TRUTH, WORLD, confidence=1 - 0.05 / 6)
        assert strict.low - 0.01 < band.low < alone.low < alone.high < band.high < strict.high + 0.01
    same = simultaneous_auc([scores[0]] * 6, TRUTH, WORLD)[0]
    alone = auc_interval(scores[0], TRUTH, WORLD)
    assert same.interval == pytest.approx(alone.interval, abs=0.005)


def test_as_many_units_as_rows_take_no_memory_and_no_attack_no_interval():
    rng = np.random.default_rng(0)
    truth = np.arange(60_000) % 2 == 0
    bands = simultaneous_auc([rng.normal(size=60_000) for _ in range(3)], truth, None)
    assert all(band.low < 0.5 < band.high for band in bands)
    assert simultaneous_auc([], truth, None) == []


def test_quantiles_of_the_largest_t():
    assert max_t_quantile(np.eye(1, 10), 9) == pytest.approx(t_quantile(9), abs=0.06)
    many = np.random.default_rng(0).normal(size=(5, 4000))
    sidak = stats.t.ppf((1 + 0.95 ** (1 / 5)) / 2, 400)
    assert max_t_quantile(many, 400) == pytest.approx(sidak, abs=0.06)
    assert max_t_quantile(np.zeros((3, 4)), 3) == pytest.approx(t_quantile(3), abs=0.15)


def test_the_smallest_effect_is_seen_in_four_of_five_runs():
    rng = np.random.default_rng(1)
    found = power_of(WORLDS * POSITIVES, WORLDS * NEGATIVES, WORLDS)
    shift = np.sqrt(2) * stats.norm.ppf(found.auc)
    seen = sum(
        auc_interval(rng.normal(size=len(TRUTH)) + shift * TRUTH, TRUTH, WORLD).low > 0.5 for _ in range(REPETITIONS)
    )
    assert 0.74 < seen / REPETITIONS < 0.88
    assert power_of(2, 2, 2).auc is None
