import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Calibrator, bits_added


def calibrated_world(rng, n):
    """True logits of being positive, and the truth they give, with equal classes."""
    positive = np.arange(n) < n // 2
    return np.where(positive, 1, -1) * 1.0 + rng.normal(0, np.sqrt(2), n), positive


def test_a_known_distortion_is_undone():
    # For normal scores of means ±1 and variance 2, the log-odds are the score itself.
    true_logit, positive = calibrated_world(np.random.default_rng(0), 100_000)
    calibrator = Calibrator.fit(expit((true_logit - 0.7) / 2.5), positive)
    assert calibrator.slope == pytest.approx(2.5, rel=0.03)
    assert calibrator.intercept == pytest.approx(0.7, abs=0.03)
    error = calibrator.transform(expit((true_logit - 0.7) / 2.5)) - expit(true_logit)
    assert np.abs(error).max() < 0.01


def test_many_negatives_leave_the_prior_at_one_half():
    true_logit, positive = calibrated_world(np.random.default_rng(1), 40_000)
    keep = ~positive | (np.arange(40_000) < 2_000)
    unbalanced = Calibrator.fit(expit(true_logit[keep]), positive[keep])
    assert unbalanced.slope == pytest.approx(1, abs=0.1)
    assert unbalanced.intercept == pytest.approx(0, abs=0.1)


def test_the_fit_is_the_minimum_of_its_loss():
    true_logit, positive = calibrated_world(np.random.default_rng(2), 300)
    confidence = expit(true_logit)
    fitted = Calibrator.fit(confidence, positive)
    m = 150
    targets = np.where(positive, (m + 1) / (m + 2), 1 / (m + 2))

    def loss(slope, intercept):
        z = slope * logit(confidence) + intercept
        return np.mean(np.logaddexp(0, z) - targets * z)

    best = loss(fitted.slope, fitted.intercept)
    for step in (1e-3, -1e-3):
        assert best < loss(fitted.slope + step, fitted.intercept)
        assert best < loss(fitted.slope, fitted.intercept + step)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(4, 300), st.sampled_from([0.0, 0.2, 2.0, 20.0]), st.sampled_from([0, 1, 12]), st.integers(0, 2**32 - 1)
)
def test_the_gradient_vanishes_at_the_fit(n, apart, decimals, seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < rng.uniform(0.05, 0.95)
    positive[:2] = True, False
    confidence = expit(rng.normal(size=n) + apart * positive).round(decimals)
    fitted = Calibrator.fit(confidence, positive)
    x = logit(np.clip(confidence, 1e-6, 1 - 1e-6))
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    targets = np.where(positive, 1 - fitted.limit, fitted.limit)
    residual = weights * (expit(fitted.slope * x + fitted.intercept) - targets)
    assert residual.sum() == pytest.approx(0, abs=1e-9)
    along = residual @ (x - weights @ x)
    # where the slope is 0 a larger one is no better
    assert along > -1e-8 if fitted.slope == 0 else along == pytest.approx(0, abs=1e-8)


def test_reversed_and_constant_confidences_give_the_prior():
    positive = np.tile([True, False, False], 20)
    for confidence in (np.where(positive, 0.2, 0.7), np.full(60, 0.9)):
        calibrator = Calibrator.fit(confidence, positive)
        assert (calibrator.slope, calibrator.intercept) == (0, 0)
        assert (calibrator.transform(confidence) == 0.5).all()


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.floats(0, 1), st.floats(0, 1))
def test_outputs_are_strictly_inside_even_for_separable_data(n_positive, n_negative, high, low):
    positive = np.arange(n_positive + n_negative) < n_positive
    calibrator = Calibrator.fit(np.where(positive, high, low), positive)
    out = calibrator.transform(np.linspace(0, 1, 11))
    assert calibrator.slope >= 0
    assert out.min() >= 1 / (min(n_positive, n_negative) + 2) > 0
    assert out.max() <= 1 - 1 / (min(n_positive, n_negative) + 2) < 1
    assert (np.diff(out) >= 0).all()


def test_null_data_teach_nothing():
    rng = np.random.default_rng(3)
    positive = np.arange(400) < 200
    slopes, bits = [], []
    for _ in range(200):
        calibrator = Calibrator.fit(rng.random(400), positive)
        held_out = calibrator.transform(rng.random(400))
        slopes.append(calibrator.slope)
        bits.append(bits_added(held_out, np.full(400, 0.5), positive).value)
    assert np.mean(slopes) < 0.05
    assert np.mean(np.array(slopes) == 0) == pytest.approx(0.5, abs=0.12)
    assert -0.003 < np.mean(bits) < 0.001


def test_extreme_answers_of_a_tree_are_calibrated_to_their_frequencies():
    positive = np.arange(4000) < 2000
    answer = np.where(np.arange(4000) % 10 < 7, positive, ~positive) * 1.0
    out = Calibrator.fit(answer, positive).transform(np.array([0.0, 1.0]))
    np.testing.assert_allclose(out, [0.3, 0.7], atol=0.002)


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1])
def test_what_is_no_confidence_is_refused(bad):
    with pytest.raises(AuditError):
        Calibrator.fit(np.array([bad, 0.5]), np.array([True, False]))
    with pytest.raises(AuditError, match=r"\[0, 1\]"):
        Calibrator(1.0, 0.0, 0.1).transform(np.array([bad]))
