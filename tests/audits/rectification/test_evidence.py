"""The figures of corrections: against counting, and where there is nothing to tell."""

import numpy as np
import pytest

from unlearn_audit.audits.rectification.evidence import Evidence, fitted_columns, fitted_records, right_first
from unlearn_audit.audits.rectification.page import markdown, verdict
from unlearn_audit.audits.rectification.run import summarise

K = 5


def made(rng, worlds=8, corrections=6, effect=0.0, moved=True):
    """Figures of as many corrected as unchanged records: falls of the margin that know nothing, but for an effect."""
    n = worlds * corrections * 2
    corrected = np.tile([True, False], n // 2)
    true = np.where(corrected, rng.integers(0, K, n), -1)
    points = rng.normal(size=(n, 1 + K, 8))
    # pairs differ in scale, which all their points share
    change = rng.normal(size=(n, 1 + K)) * np.repeat(rng.lognormal(size=n // 2), 2)[:, None] * moved
    change[corrected, 0] += effect
    change[corrected, 1 + true[corrected]] -= effect
    points[..., 0], points[..., 2] = change, np.arcsinh(change)
    return Evidence(
        points, rng.random((n, K)), corrected, true, np.repeat(np.arange(worlds), n // worlds), np.arange(n)
    )


def measured(seed, **given):
    rng = np.random.default_rng(seed)
    shadow, target = made(rng, **given), made(rng, **given)
    return summarise(target, fitted_columns(shadow, target, 0), fitted_records(shadow, target, 0), null=False)


def test_guesses_among_equals_are_right_as_often_as_there_are_equals():
    rng = np.random.default_rng(0)
    scores, true = rng.integers(0, 3, (200, 4)).astype(float), rng.integers(0, 4, 200)
    found = right_first(scores, true)
    for row, at, share in zip(scores, true, found, strict=True):
        best = [i for i in range(4) if row[i] == max(row)]
        assert share == (1 / len(best) if at in best else 0)


def test_a_correction_that_shows_is_told():
    found = measured(0, effect=8.0)
    assert found.column.low > 0.7
    assert found.value.low > 0.85
    assert found.record.low > 0.7
    assert found.still == 0
    assert "more than guessing" in verdict(found)


def test_the_old_value_is_told_from_the_new_as_often_as_pairs_of_rows_say():
    rng = np.random.default_rng(4)
    target = made(rng, effect=0.5)
    own = target.of_corrected()
    change = np.sinh(own.points[..., 2])
    apart = [row[0] - row[1 + at] for row, at in zip(change, own.true, strict=True)]
    pairs = [np.sign(one + other) / 2 + 0.5 for one in apart for other in apart]
    found = summarise(target, np.zeros(own.steps.shape), np.zeros(len(target.true)), null=False)
    assert found.value.value == pytest.approx(np.mean(pairs))
    assert found.column.value == pytest.approx(1 / K)
    assert found.record.value == 0.5


def test_where_nothing_moved_nothing_is_told():
    rng = np.random.default_rng(1)
    target = made(rng, moved=False)
    found = summarise(target, np.zeros((48, K)), np.zeros(96), null=True)
    assert (found.value.value, found.value.low, found.value.high, found.still) == (0.5, 0.5, 0.5, 1.0)
    assert (found.column.value, found.chance) == (pytest.approx(1 / K), 1 / K)
    assert "there is no value to find" in markdown(found, "made", "tree")


def test_without_an_effect_intervals_hold_the_chance_level():
    """200 null sides with attacks that guess: each interval misses in at most 8 % (5 % and three standard errors)."""
    missed = {"column": 0, "value": 0, "record": 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        target = made(rng)
        found = summarise(target, rng.random((48, K)), rng.random(96), null=False)
        for name, estimate, chance in zip(missed, *zip(*[of[1:] for of in found.figures()], strict=True), strict=True):
            missed[name] += not estimate.low <= chance <= estimate.high
    assert max(missed.values()) <= 19, missed


def test_fitted_attacks_learn_nothing_where_there_is_nothing():
    found = measured(2)
    assert found.column.low <= found.chance <= found.column.high
    assert found.record.low <= 0.5 <= found.record.high
