"""Points of curves to be drawn."""

import numpy as np
import pytest

from unlearn_audit.metrics.curves import roc_points, shares_above

POSITIVE = np.array([True, True, False, False])


def test_the_roc_curve_of_ties_is_straight_between_its_points():
    x, y = roc_points(np.array([1.0, 0.0, 1.0, 0.0]), POSITIVE, 0.1)
    np.testing.assert_allclose(y, x)
    assert x[0] == pytest.approx(0.1)
    assert x[-1] == 1


def test_the_roc_curve_of_a_perfect_attack_is_at_one():
    assert (roc_points(np.array([2.0, 3.0, 0.0, 1.0]), POSITIVE, 0.1)[1] == 1).all()


def test_the_shares_of_roles_are_rates_at_a_threshold_and_ranks_their_mean():
    scores = {"deleted": np.array([1.0, 2.0, 2.0, 4.0]), "unseen": np.array([1.0, 1.0]), "retained": np.array([9.0])}
    above = shares_above(scores, ("deleted", "unseen"))
    shares = above.shares
    assert above.thresholds.tolist() == [1, 2, 4, 9]
    assert shares["deleted"].tolist() == [1, 0.75, 0.25, 0, 0]
    assert shares["unseen"].tolist() == [1, 0, 0, 0, 0]
    assert shares["retained"].tolist() == [1, 1, 1, 1, 0]
    assert above.ranks.tolist() == [0, 0.625, 0.875, 1, 1]


def test_the_gap_between_the_shares_is_the_auc():
    rng = np.random.default_rng(2)
    scores = {"deleted": np.round(rng.normal(1, 1, 90), 1), "unseen": np.round(rng.normal(0, 1, 150), 1)}
    shares = shares_above(scores, ("deleted", "unseen")).shares
    pairs = scores["deleted"][:, None] - scores["unseen"][None, :]
    auc = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert -np.trapezoid(shares["deleted"], shares["unseen"]) == pytest.approx(auc)


def test_many_scores_are_thinned_and_keep_both_ends():
    values = np.random.default_rng(4).random(5000)
    above = shares_above({"deleted": values, "unseen": values}, ("deleted", "unseen"))
    ranks, shares = above.ranks, above.shares
    assert len(ranks) < 1000
    assert (ranks[0], ranks[-1], shares["deleted"][0], shares["unseen"][-1]) == (0, 1, 1, 0)
