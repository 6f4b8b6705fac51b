"""Simultaneous intervals of a family of attacks, and what a run can show."""

import numpy as np
import pytest
from scipy import stats

from unlearn_audit.metrics import auc_interval, power_of, simultaneous_auc
from unlearn_audit.metrics.bands import confidence_of_each
from unlearn_audit.metrics.claims import HEADLINE
from unlearn_audit.metrics.variation import Variation

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


def test_the_confidence_of_each_is_sidaks_where_attacks_err_apart():
    one = Variation(1.0, 400, 0.0, 0.0, 4000, 4000, "world", 401)
    assert confidence_of_each([one], np.eye(1)) == pytest.approx(0.95, abs=0.003)
    assert confidence_of_each([one] * 5, np.eye(5)) == pytest.approx(0.95 ** (1 / 5), abs=0.002)
    still = Variation(0.0, 3, 0.0, 0.0, 40, 40, "world", 4)
    assert confidence_of_each([still] * 2, np.eye(2)) == pytest.approx(0.975)


def test_records_that_recur_count_with_their_own_degrees_of_freedom():
    """Of two worlds alone the quantile of t is 12.7; where records cause the variation it is nearly normal."""
    of_worlds = Variation(1.0, 1, 0.0, 0.0, 100, 100, "world", 2)
    of_records = Variation(1e-9, 1, 1.0, 0.0, 501, 501, "world", 2)
    assert of_worlds.reach(0.95) == pytest.approx(12.706, abs=0.001)
    assert of_records.reach(0.95) == pytest.approx(stats.t.ppf(0.975, 500), abs=0.001)
    assert of_records.effective_freedom == pytest.approx(500, rel=0.01)
    assert confidence_of_each([of_records] * 4, np.eye(4)) == pytest.approx(0.95 ** (1 / 4), abs=0.003)


def test_the_smallest_effect_is_seen_in_four_of_five_runs():
    rng = np.random.default_rng(1)
    found = power_of(WORLDS * POSITIVES, WORLDS * NEGATIVES, WORLDS)
    shift = np.sqrt(2) * stats.norm.ppf(found.auc)
    seen = sum(
        auc_interval(rng.normal(size=len(TRUTH)) + shift * TRUTH, TRUTH, WORLD, confidence=HEADLINE).low > 0.5
        for _ in range(REPETITIONS)
    )
    assert 0.74 < seen / REPETITIONS < 0.88
    assert power_of(2, 2, 2).auc > 0.99
