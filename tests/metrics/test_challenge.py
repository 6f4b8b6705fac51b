"""The challenge's score against rules tried one by one, and why it is no bound."""

import itertools

import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.challenge import CAP, DELTA, challenge_epsilon, forgetting_score


def tried(unlearned, retrained):
    """Every rule of one or two thresholds, one after the other."""
    edges = [-np.inf, *np.unique(np.concatenate([unlearned, retrained])), np.inf]
    best = 0.0
    for low, high in itertools.combinations(edges, 2):
        for turned in (False, True):
            inside = [((of > low) & (of <= high)) != turned for of in (unlearned, retrained)]
            fnr, fpr = 1 - inside[0].mean(), inside[1].mean()
            if fnr == 0 and fpr == 0:
                return CAP
            if fnr > 0 and fpr > 0:
                for a, b in ((fpr, fnr), (fnr, fpr)):
                    if 1 - DELTA - a > 0:
                        best = max(best, np.log((1 - DELTA - a) / b))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_best_rule_is_found(seed):
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.normal(seed / 4, 1 + seed / 8, 14).round(1), rng.normal(size=11).round(1)
    assert challenge_epsilon(unlearned, retrained) == pytest.approx(tried(unlearned, retrained))


def test_an_interval_is_found_that_no_single_threshold_sees():
    rng = np.random.default_rng(0)
    peaked, wide = rng.normal(0, 0.1, 300), rng.normal(0, 3, 300)
    assert challenge_epsilon(peaked, wide) > 2.5


def test_it_is_above_the_truth_where_there_is_nothing():
    rng = np.random.default_rng(1)
    few = [challenge_epsilon(*rng.normal(size=(2, 32))) for _ in range(50)]
    many = [challenge_epsilon(*rng.normal(size=(2, 256))) for _ in range(20)]
    assert min(np.mean(few), np.mean(many)) > 1.5


def test_the_score_by_hand():
    assert forgetting_score(np.array([0.0])) == 1.0
    assert forgetting_score(np.array([0.5])) == 0.5
    assert forgetting_score(np.array([6.0, 50.0])) == 2 / 2**13
    with pytest.raises(AuditError, match="needs finite margins"):
        challenge_epsilon(np.array([]), np.array([1.0]))
