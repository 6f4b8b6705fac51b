"""The margin against its formula."""

import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.probabilities import FLOOR, margin


def test_two_classes_give_the_logit_of_the_label():
    p = np.random.default_rng(0).uniform(0.01, 0.99, 50)
    posteriors = np.stack([1 - p, p], axis=1)
    logit = np.log(p / (1 - p))
    np.testing.assert_allclose(margin(posteriors, np.ones(50, dtype=int)), logit)
    np.testing.assert_allclose(margin(posteriors, np.zeros(50, dtype=int)), -logit)


def test_all_versions_at_once_equal_one_by_one():
    rng = np.random.default_rng(1)
    posteriors = rng.dirichlet(np.ones(4), size=(30, 3))
    labels = rng.integers(0, 4, 30)
    together = margin(posteriors, labels)
    assert together.shape == (30, 3)
    for version in range(3):
        np.testing.assert_array_equal(together[:, version], margin(posteriors[:, version], labels))


def test_a_change_far_below_a_float32_step_at_one_is_seen():
    sure = np.array([[1.0, 1e-10], [1.0, 1e-11]], dtype=np.float32)
    before, after = margin(sure, np.array([0, 0]))
    assert after - before == pytest.approx(np.log(10), rel=1e-4)


def test_zero_probabilities_stay_finite():
    assert margin(np.array([[1.0, 0.0]]), np.array([0]))[0] == pytest.approx(-np.log(FLOOR))


def test_an_unknown_label_is_refused():
    with pytest.raises(AuditError, match="label"):
        margin(np.array([[0.5, 0.5]]), np.array([-1]))
