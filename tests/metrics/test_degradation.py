import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import bits_added, deg_count, deg_rate, true_status_confidence

NEW = np.array([0.8, 0.5, 0.3, 0.4])
BASE = np.array([0.4, 0.5, 0.6, 0.2])
POSITIVE = np.array([True, True, False, False])


def test_small_example_by_hand():
    assert true_status_confidence(NEW, POSITIVE).tolist() == [0.8, 0.5, 0.7, 0.6]
    assert deg_count(NEW, BASE, POSITIVE).value == 0.5
    assert deg_count(NEW, BASE, POSITIVE, ties_half=True).value == 0.625
    assert deg_rate(NEW, BASE, POSITIVE).value == pytest.approx((0.4 + 0 + 0.3 - 0.2) / 4)
    expected = (np.log2(2) + 0 + np.log2(0.7 / 0.4) + np.log2(0.6 / 0.8)) / 4
    assert bits_added(NEW, BASE, POSITIVE).value == pytest.approx(expected)


def test_classes_weigh_the_same_whatever_their_sizes():
    rows = np.array([0, 1, 2, 3, 2, 3, 2, 3])
    for metric in (deg_count, deg_rate, bits_added):
        whole = metric(NEW[rows], BASE[rows], POSITIVE[rows]).value
        assert whole == pytest.approx(metric(NEW, BASE, POSITIVE).value)


def test_an_attack_adds_nothing_to_itself():
    worlds = np.array([0, 1, 0, 1])
    assert deg_count(NEW, NEW, POSITIVE, worlds).value == 0
    assert deg_count(NEW, NEW, POSITIVE, worlds).high == pytest.approx(1 - 0.025**0.5)
    half = deg_count(NEW, NEW, POSITIVE, worlds, ties_half=True)
    assert (half.value, *half.interval) == (0.5, 0.5, 0.5)
    for metric in (deg_rate, bits_added):
        estimate = metric(NEW, NEW, POSITIVE, worlds)
        assert (estimate.value, *estimate.interval) == (0, 0, 0)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_swapping_the_attacks_mirrors_every_figure(seed):
    rng = np.random.default_rng(seed)
    new, base = rng.integers(1, 8, (2, 24)) / 8
    positive, worlds = np.tile([True, False], 12), np.repeat(np.arange(4), 6)
    for metric in (deg_rate, bits_added):
        forth, back = metric(new, base, positive, worlds), metric(base, new, positive, worlds)
        np.testing.assert_allclose((back.low, back.value, back.high), (-forth.high, -forth.value, -forth.low))
    forth, back = (deg_count(*pair, positive, worlds, ties_half=True) for pair in ((new, base), (base, new)))
    np.testing.assert_allclose(
        (back.low, back.value, back.high), (1 - forth.high, 1 - forth.value, 1 - forth.low), atol=1e-12
    )
    strict = deg_count(new, base, positive).value + deg_count(base, new, positive).value
    assert strict == pytest.approx(1 - (new == base).mean())


def test_bits_of_calibrated_confidences_measure_information():
    rng = np.random.default_rng(0)
    n = 200_000
    positive = np.arange(n) < n // 2
    clue = np.where(rng.random(n) < 0.75, positive, ~positive)
    new = np.where(clue, 0.75, 0.25)
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert bits_added(new, np.full(n, 0.5), positive).value == pytest.approx(1 - entropy, abs=0.01)


def test_tiny_confidences_keep_their_order():
    positive = np.array([True, False])
    assert deg_count(np.array([2e-20, 1e-20]), np.array([1e-20, 2e-20]), positive).value == 1


def test_bits_refuse_a_confidence_of_zero():
    with pytest.raises(AuditError, match="calibrate"):
        bits_added(np.array([0.0, 0.5]), np.array([0.5, 0.5]), np.array([True, False]))


def test_bits_interval_of_single_records_is_unbounded():
    estimate = bits_added(np.array([0.8, 0.2]), np.array([0.4, 0.6]), np.array([True, False]))
    assert (estimate.value, *estimate.interval) == (1, -np.inf, np.inf)


@pytest.mark.parametrize("metric", [deg_count, deg_rate, bits_added])
def test_scores_that_are_no_probabilities_are_refused(metric):
    with pytest.raises(AuditError, match=r"\[0, 1\]"):
        metric(NEW * 2, BASE, POSITIVE)
    with pytest.raises(AuditError, match="NaN"):
        metric(NEW, BASE * np.nan, POSITIVE)
