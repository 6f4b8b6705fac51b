import numpy as np
import pytest

from unlearn_audit.attacks.learned.features import CLASSICAL, FEATURES, PAPER_FEATURES
from unlearn_audit.observations.views import View


def view(original, unlearned):
    posteriors = np.stack([original, unlearned], axis=1).astype(np.float32)
    n = len(posteriors)
    return View(posteriors, np.zeros(n, int), np.zeros(n, int), {})


ONE = view(np.array([[0.5, 0.125, 0.375]]), np.array([[0.25, 0.25, 0.5]]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("direct-concat", [0.5, 0.125, 0.375, 0.25, 0.25, 0.5]),
        ("sorted-concat", [0.125, 0.375, 0.5, 0.25, 0.5, 0.25]),
        ("direct-diff", [0.25, -0.125, -0.125]),
        ("sorted-diff", [-0.125, -0.125, 0.25]),
        ("euclidean-distance", [np.sqrt(0.25**2 + 2 * 0.125**2)]),
        ("classical", [0.5, 0.125, 0.375]),
        ("classical-sorted", [0.125, 0.375, 0.5]),
    ],
)
def test_each_feature_by_hand(name, expected):
    assert FEATURES[name](ONE)[0] == pytest.approx(expected)


def test_ties_are_broken_by_class_order():
    tied = view(np.array([[0.25, 0.5, 0.25]]), np.array([[0.1, 0.6, 0.3]]))
    assert FEATURES["sorted-concat"](tied)[0] == pytest.approx([0.25, 0.25, 0.5, 0.1, 0.3, 0.6])


def test_sorted_features_ignore_the_order_of_classes_without_ties():
    rng = np.random.default_rng(0)
    original, unlearned = rng.dirichlet(np.ones(5), size=(2, 20))
    order = rng.permutation(5)
    for name in ("sorted-concat", "sorted-diff", "euclidean-distance", "classical-sorted"):
        one = FEATURES[name](view(original, unlearned))
        two = FEATURES[name](view(original[:, order], unlearned[:, order]))
        assert np.allclose(one, two)


def test_the_classical_features_work_without_the_unlearned_model():
    seen = View(ONE.posteriors[:, :1], ONE.labels, ONE.pair, {})
    for name, feature in CLASSICAL.items():
        assert np.array_equal(feature(seen), FEATURES[name](ONE))
    assert len(PAPER_FEATURES) == 5
