"""KLOM against closed forms: two normal distributions, however their values go together."""

import numpy as np
import pytest

from unlearn_audit.metrics import FEWEST_MODELS, histogram_klom, klom_noise, paired_klom

RECORDS = 6_000


def drawn(n, shift, ratio, correlation, seed=0):
    """(records, n) margins of unlearned and of retrained models, normal and correlated."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((RECORDS, n))
    x = correlation * y + np.sqrt(1 - correlation**2) * rng.standard_normal((RECORDS, n))
    return 3 + shift + ratio * x, 3 + y


def closed_form(shift, ratio):
    return (-2 * np.log(ratio) + ratio**2 + shift**2 - 1) / 2


@pytest.mark.parametrize("models", [FEWEST_MODELS, 20])
@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0])
@pytest.mark.parametrize(("shift", "ratio"), [(0.0, 1.0), (1.0, 1.0), (0.5, 0.5), (-1.0, 2.0)])
def test_the_paired_estimate_has_no_bias(models, correlation, shift, ratio):
    found = paired_klom(*drawn(models, shift, ratio, correlation))
    error = found.std() / np.sqrt(RECORDS)
    assert abs(found.mean() - closed_form(shift, ratio)) < 4.5 * error + 1e-9


def test_the_plain_formula_is_far_above_where_nothing_differs():
    """What the correction is for: with 8 models the plain figure is 0.3 where it should be 0."""
    x, y = drawn(8, 0.0, 1.0, 0.0)
    vx, vy = x.var(axis=1, ddof=1), y.var(axis=1, ddof=1)
    plain = (np.log(vy / vx) + (vx + (x.mean(axis=1) - y.mean(axis=1)) ** 2) / vy - 1) / 2
    assert plain.mean() > 0.25
    assert abs(paired_klom(x, y).mean()) < 0.04


def test_a_histogram_of_many_models_is_near_the_closed_form_and_of_few_far_above():
    x, y = np.random.default_rng(0).standard_normal((2, 3, 200_000))
    assert histogram_klom(1 + x, y) == pytest.approx([0.5] * 3, abs=0.05)
    same = drawn(20, 0.0, 1.0, 0.0)
    assert histogram_klom(*same).mean() > 1


def test_what_does_not_vary_is_told_from_what_is_the_same():
    constant = np.full((1, 10), 2.0)
    other = np.linspace(0, 1, 10)[None]
    assert paired_klom(constant, constant).tolist() == [0.0]
    assert np.isinf(paired_klom(other, constant)).all()
    assert np.isfinite(paired_klom(constant, other)).all()
    assert histogram_klom(constant, constant).tolist() == [0.0]
    assert paired_klom(np.array([[1e9] * 10]), np.array([[100.0] * 10])).tolist() == [0.0]  # both at the clip


def test_noise_is_what_records_that_do_not_differ_show():
    x, y = drawn(12, 0.0, 1.0, 0.0, seed=5)
    assert (paired_klom(x, y) > klom_noise(12)).mean() == pytest.approx(0.05, abs=0.015)
